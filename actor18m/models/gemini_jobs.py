"""Google's batch mode: a file of requests goes up, a job works through it, and a file of answers comes down, each with
the key of its request.
"""

import asyncio
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from actor18m.models.asked_roles import Edited, JobEnded, NoAnswer
from actor18m.models.endpoint import EndpointError
from actor18m.models.gemini_answer import MOST_LETTERS, told
from actor18m.models.libraries import library
from actor18m.redact import redact

_PAGE = 100
_LATER_S = "3600"
"""Longer than a build waits: what was cancelled, or never had its turn, is asked again by the next one."""
_IN_VAIN = {"JOB_STATE_EXPIRED", "JOB_STATE_CANCELLED"}
_OF_HTTP = {4: 504, 8: 429, 13: 500, 14: 503}
"""Codes that Google has for what will pass, in HTTP's."""


class _Asked(Protocol):
    @property
    def body(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class GeminiJobs:
    """Of one model."""

    client: Any
    model: str
    as_ours: Callable[[Any], EndpointError]
    """Of an error of Google's client."""
    most: int
    gather_s: float
    look_every_s: float

    async def begin(self, called: str, requests: Mapping[str, _Asked]) -> str:
        lines = await asyncio.to_thread(_lines, requests)
        config = {"mime_type": "application/jsonl", "display_name": called}
        try:
            file = await self.client.aio.files.upload(file=io.BytesIO(lines), config=config)
            job = await self.client.aio.batches.create(model=self.model, src=file.name, config={"display_name": called})
        except library("google.genai.errors", "google-genai").APIError as error:
            raise self.as_ours(error) from None
        return str(job.name)

    async def find(self, called: str) -> str | None:
        try:
            async for job in await self.client.aio.batches.list(config={"page_size": _PAGE}):
                if job.display_name == called:
                    return str(job.name)
        except library("google.genai.errors", "google-genai").APIError as error:
            raise self.as_ours(error) from None
        return None

    async def answers(self, job: str) -> Mapping[str, Edited | NoAnswer | Exception] | None:
        try:
            found = await self.client.aio.batches.get(name=job)
            if not found.done:
                return None
            if found.dest is None or found.dest.file_name is None:
                raise JobEnded(self._without_answers(job, found.state.name))
            content = await self.client.aio.files.download(file=found.dest.file_name)
        except library("google.genai.errors", "google-genai").APIError as error:
            if error.code == 404:
                raise JobEnded(EndpointError(f"{job} is not known any more", 503, {})) from None
            raise self.as_ours(error) from None
        return await asyncio.to_thread(_read, content.splitlines(), job)

    def _without_answers(self, job: str, state: str) -> EndpointError:
        if state in _IN_VAIN:
            return EndpointError(f"{job} of {self.model} ended as {state}", 503, {"Retry-After": _LATER_S})
        return EndpointError(f"{job} of {self.model} ended as {state}: Google's console says why", None, {})


def _lines(requests: Mapping[str, _Asked]) -> bytes:
    each = (json.dumps({"key": digest, "request": asked.body}).encode() for digest, asked in requests.items())
    return b"\n".join([*each, b""])


def _read(lines: Iterable[bytes], job: str) -> dict[str, Edited | NoAnswer | Exception]:
    """In any order. A line that says nothing of a request that has a key is passed over: its request has no answer."""
    found: dict[str, Edited | NoAnswer | Exception] = {}
    for line in lines:
        try:
            said = json.loads(line)
            if "response" in said:
                found[said["key"]] = told(said["response"])
            elif error := said.get("error") or said.get("status"):
                found[said["key"]] = _error_of(job, error)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _error_of(job: str, error: Mapping[str, Any]) -> EndpointError:
    code = error.get("code")
    said = redact(str(error.get("message", "")))[:MOST_LETTERS]
    return EndpointError(
        f"{job} answered {code}: {said}", _OF_HTTP.get(code, code) if isinstance(code, int) else None, {}
    )
