"""AskedEditor: a Gemini model that makes images, through Google's own client.

It tries nothing twice: retries, pauses and budgets are the worker's. The key comes from the environment, goes into one
header and nowhere else. With `jobs_of`, requests go in Google's batch mode, which costs half and answers within a day.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

import cv2
from pydantic import Field, PositiveFloat, PositiveInt

from actor18m.media.encoded import encoded
from actor18m.models.asked_roles import Edited, NoAnswer
from actor18m.models.endpoint import Address, Endpoint, EndpointError, Finding, HiddenVariable, key_of
from actor18m.models.gemini_answer import MOST_LETTERS, told
from actor18m.models.gemini_jobs import GeminiJobs
from actor18m.models.libraries import library
from actor18m.models.parameters import BackendParameters, NoEffect
from actor18m.models.roles import Edit
from actor18m.redact import redact

_GOOGLE = "https://generativelanguage.googleapis.com"
_SHAPES = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
"""Widths to heights that it makes."""
_INT32 = 2**31


class GeminiImageParameters(BackendParameters):
    model: str = "gemini-2.5-flash-image"
    """Its id, as Google lists those that there are."""
    key_from: NoEffect[HiddenVariable] = "GEMINI_API_KEY"
    """The environment variable with the key."""
    url: NoEffect[Address] = _GOOGLE
    """Another address that speaks the same protocol, such as a gateway."""
    image_size: str | None = Field(default=None, pattern=r"^[0-9]+K$")
    """1K, 2K or 4K, of models that take it; null: the model's own."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Null: the model's own."""
    jobs_of: NoEffect[PositiveInt | None] = None
    """So many requests at most go together, in Google's batch mode; null: each goes by itself and is answered at once.
    As many must be in flight: the stage's `run.concurrency`."""
    gather_s: NoEffect[PositiveFloat] = 20.0
    """A job is sent when no request came for so long."""
    look_every_s: NoEffect[PositiveFloat] = 60.0
    """So often Google is asked whether a job has ended."""


@dataclass(frozen=True, eq=False)
class Request:
    """As Google's client takes it: pictures before words, as Google advises."""

    contents: list[Any]
    config: Any
    digest: str

    @property
    def body(self) -> dict[str, Any]:
        """As it is in a file of requests."""
        parts = [_plain(part) for part in self.contents]
        return {"contents": [{"role": "user", "parts": parts}], "generationConfig": _plain(self.config)}


class _Gemini(Endpoint):
    def look(self) -> Iterator[Finding]:
        """Whether the key is set; whether it is taken is known when the first image is asked for."""
        if os.environ.get(self.key_from or "", "").strip():
            yield "ok", f"{self.key_from} is set, {self.model} is to be asked", ""
        else:
            yield "fail", f"{self.key_from} is not set here", f"export {self.key_from}=… where stages are run"


class GeminiImage:
    version = 1
    parameters = GeminiImageParameters()

    def __init__(self, client: Any, parameters: GeminiImageParameters) -> None:
        self._client, self._of = client, parameters
        self._types, self._errors = library("google.genai.types", "google-genai"), library("google.genai.errors", "")

    @classmethod
    def load(cls, parameters: GeminiImageParameters) -> Self:
        genai = library("google.genai", "google-genai")
        options = genai.types.HttpOptions(base_url=parameters.url)
        key = key_of(parameters.key_from, parameters.url)
        return cls(genai.Client(api_key=key, http_options=options, vertexai=False), parameters)

    @classmethod
    def endpoint(cls, parameters: GeminiImageParameters) -> Endpoint:
        return _Gemini(parameters.url, parameters.model, parameters.key_from)

    @property
    def called(self) -> str:
        return self._of.model

    @property
    def batches(self) -> GeminiJobs | None:
        of = self._of
        if of.jobs_of is None:
            return None
        return GeminiJobs(self._client, of.model, self._error, of.jobs_of, of.gather_s, of.look_every_s)

    def write(self, edit: Edit) -> Request:
        types = self._types
        pictures = [encoded(".webp", each, [cv2.IMWRITE_WEBP_QUALITY, 95]) for each in edit.pictures]
        parts = [types.Part.from_bytes(data=each, mime_type="image/webp") for each in pictures]
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(
                aspect_ratio=_shape(edit.width, edit.height), image_size=self._of.image_size
            ),
            temperature=self._of.temperature,
            seed=edit.seed % _INT32,
        )
        said = [self._of.model, edit.prompt, config.model_dump_json(exclude_none=True)]
        whole = b"".join(sha256(each).digest() for each in [*pictures, *(words.encode() for words in said)])
        return Request([*parts, types.Part.from_text(text=edit.prompt)], config, sha256(whole).hexdigest())

    async def ask(self, request: Request) -> Edited | NoAnswer:
        try:
            answer = await self._client.aio.models.generate_content(
                model=self._of.model, contents=request.contents, config=request.config
            )
        except self._errors.APIError as error:
            raise self._error(error) from None
        return told(_plain(answer))

    def close(self) -> None:
        self._client.close()

    def _error(self, error: Any) -> EndpointError:
        """With what it says of when to ask again, in a header or in its details."""
        headers = {
            name: value
            for name, value in getattr(error.response, "headers", {}).items()
            if name.lower() == "retry-after"
        }
        details = error.details.get("error", {}) if isinstance(error.details, dict) else {}
        for each in details.get("details", []):
            if isinstance(each, dict) and str(each.get("retryDelay", "")).endswith("s"):
                headers.setdefault("Retry-After", each["retryDelay"][:-1])
        said = redact(str(error.message or ""))[:MOST_LETTERS]
        return EndpointError(f"{self._of.url} answered {error.code} {error.status or ''}: {said}", error.code, headers)


def _plain(of_client: Any) -> dict[str, Any]:
    """As Google's JSON has it."""
    plain: dict[str, Any] = of_client.model_dump(mode="json", by_alias=True, exclude_none=True)
    return plain


def _shape(width: int, height: int) -> str:
    """The nearest one."""

    def off(shape: str) -> float:
        across, along = map(int, shape.split(":"))
        return abs(math.log(across / along) - math.log(width / height))

    return min(_SHAPES, key=off)
