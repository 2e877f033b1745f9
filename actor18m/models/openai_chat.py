"""A model behind an endpoint that speaks OpenAI's chat protocol, such as a vLLM server of one's own.

It is asked for JSON by a schema (`response_format`), which the server holds the model to, and for probabilities. It
tries nothing twice: retries, pauses and budgets are the worker's. The key comes from the environment, goes into one
header and nowhere else.
"""

import asyncio
import binascii
import json
import os
import socket
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import cv2
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from actor18m.arrays import Frame
from actor18m.media.encoded import decoded, encoded
from actor18m.media.picture_header import plain_webp_size
from actor18m.models.asked_roles import Answer, Letter, NoAnswer, Question, Said
from actor18m.models.endpoint import Address, Endpoint, EndpointError, HiddenVariable, ToServe, key_of
from actor18m.models.openai_answer import MALFORMED, Malformed, answer_of
from actor18m.models.parameters import BackendParameters, NoEffect
from actor18m.models.served import Served, wrong_in
from actor18m.redact import redact

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_OURS = ("model", "messages", "response_format", "logprobs", "top_logprobs", "max_completion_tokens", "temperature",
         "stream", "n")  # fmt: skip
_MAX_ANSWER_BYTES = 4 << 20
_REMEMBERED = 16
_MAX_WORDS = 300
"""Of what a server says of an error."""


class OpenAIChatParameters(BackendParameters):
    url: NoEffect[Address] = "http://127.0.0.1:8000/v1"
    """Up to and without `/chat/completions`."""
    serve: NoEffect[tuple[str, ...] | None] = None
    """A command by which the stage has the model served for itself, on the GPUs that it claims and at a port that is
    filled in: `[vllm, serve, "{model}", --host, 127.0.0.1, --port, "{port}"]`. Then nothing is asked at `url`."""
    ready_s: NoEffect[PositiveFloat] = 550.0
    """So long such a server may take until it answers."""
    key_from: NoEffect[HiddenVariable | None] = None
    """The environment variable with the key; none is sent where this is null."""
    model: str = "default"
    """Its name at the endpoint."""
    revision: str | None = None
    """Of its weights, where one knows: another one asks again. The endpoint is not told."""
    image_px: PositiveInt = 1024
    """Pictures that are larger are made smaller until their longer side has so many."""
    as_jpeg: bool = False
    """For endpoints that read no WebP: all pictures are encoded anew, which takes this machine some 20 ms for each."""
    jpeg_quality: int = Field(default=90, ge=1, le=100)
    """Of pictures that were made smaller, too."""
    max_tokens: PositiveInt = 1024
    """Of an answer."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    """Null: the endpoint's own."""
    top_logprobs: int = Field(default=10, ge=0, le=20)
    """How many probabilities are asked for; 0 of endpoints that tell none, and then nothing is known of certainty."""
    more: Mapping[str, Any] = {}
    """What else is in the request's body, such as `{chat_template_kwargs: {enable_thinking: false}}`."""
    dollars_per_million_tokens_in: NoEffect[NonNegativeFloat] = 0.0
    dollars_per_million_tokens_out: NoEffect[NonNegativeFloat] = 0.0
    connect_s: NoEffect[PositiveFloat] = 5.0
    """An endpoint that takes no connection for so long is not there. How long an answer may take says the stage's
    `run.deadline_s`."""

    @field_validator("serve")
    @classmethod
    def _can_be_asked(cls, serve: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if serve is not None and (wrong := wrong_in(serve)):
            raise ValueError(wrong)
        return serve

    @field_validator("more")
    @classmethod
    def _is_not_ours(cls, more: Mapping[str, Any]) -> Mapping[str, Any]:
        if taken := sorted(more.keys() & set(_OURS)):
            raise ValueError(f"cannot have {', '.join(taken)}, which the stage or another parameter says")
        return more


class Unreached(ConnectionError):
    """Nobody takes a connection there."""


class OpenAIChat:
    """Chat: a model behind an OpenAI-compatible endpoint."""

    version = 1
    parameters = OpenAIChatParameters()

    def __init__(self, parameters: OpenAIChatParameters, key: str | None, served: Served | None = None) -> None:
        self._of, self._key, self._served = parameters, key, served
        self._url = parameters.url if served is None else served.url
        self._at = f"{self._url}/chat/completions"
        self._heads: dict[type[BaseModel], str] = {}
        self._session: tuple[asyncio.AbstractEventLoop, asyncio.Task[None], asyncio.Future[ClientSession]] | None = None

    @classmethod
    def load(cls, parameters: OpenAIChatParameters) -> "OpenAIChat":
        key = None if parameters.key_from is None else key_of(parameters.key_from, parameters.url)
        if parameters.serve is None:
            return cls(parameters, key)
        return cls(parameters, key, Served(parameters.serve, parameters.model, parameters.ready_s))

    @classmethod
    def endpoint(cls, parameters: OpenAIChatParameters) -> Endpoint:
        """Where it asks, for who looks before a build."""
        if parameters.serve is not None:
            return ToServe("a server of the stage's own", parameters.model, parameters.key_from, parameters.serve)
        return Endpoint(parameters.url, parameters.model, parameters.key_from)

    @property
    def called(self) -> str:
        return self._of.model if self._of.revision is None else f"{self._of.model}@{self._of.revision}"

    def write(self, question: Question[Said]) -> Letter[Said]:
        """Pictures are put between JSON that is made without them: they are by far the most of it, and copied once."""
        task = json.dumps({"role": "system", "content": question.task})
        written = [f'{self._head(question.form)}, "messages": [{task}, {{"role": "user", "content": ['.encode()]
        for at, part in enumerate(question.shown):
            written += [b"," if at else b"", *self._part(part)]
        return Letter(b"".join([*written, b"]}]}"]), question.form, question.sure_of)

    async def ask(self, letter: Letter[Said]) -> Answer[Said] | NoAnswer:
        from aiohttp import ClientConnectorError, ServerTimeoutError

        session = await self._opened()
        # a redirection would take the key elsewhere
        asking = session.post(self._at, data=letter.body, allow_redirects=False, proxy=self._proxy)
        try:
            async with asking as response:
                content = await self._content(response)
        except (ClientConnectorError, ServerTimeoutError) as error:
            if self._served is not None:
                await asyncio.to_thread(self._served.must_be_there)
            raise Unreached(
                f"{self._url} cannot be reached ({_reason(error)}): see that its server is up, and that `url` of "
                "the backend openai-chat is right"
            ) from None
        if response.status != 200:
            said = redact(content[: 4 * _MAX_WORDS].decode(errors="replace"))[:_MAX_WORDS]
            raise self._error(response, f"{response.status} {response.reason or ''}".rstrip(), said)
        try:
            return answer_of(content, letter, self._dollars)
        except Malformed as error:
            raise self._error(response, MALFORMED, str(error)) from None

    def close(self) -> None:
        """The session ended with the event loop in which it was opened."""
        self._session = None
        if self._served is not None:
            self._served.close()

    def _settings(self) -> dict[str, Any]:
        of = self._of
        told: dict[str, Any] = {**of.more, "model": of.model, "max_completion_tokens": of.max_tokens}
        if of.temperature is not None:
            told["temperature"] = of.temperature
        if of.top_logprobs:
            told |= {"logprobs": True, "top_logprobs": of.top_logprobs}
        return told

    def _head(self, form: type[BaseModel]) -> str:
        """What is the same in all questions of a form, without the last brace."""
        if form not in self._heads:
            self._heads[form] = json.dumps({**self._settings(), "response_format": _format(form)})[:-1]
        return self._heads[form]

    def _part(self, part: str | bytes | Frame) -> tuple[bytes, ...]:
        """In pieces."""
        if isinstance(part, str):
            return (json.dumps({"type": "text", "text": part}).encode(),)
        kind, content = self._picture(part)
        begins = b'{"type": "image_url", "image_url": {"url": "data:image/' + kind + b";base64,"
        return begins, binascii.b2a_base64(content, newline=False), b'"}}'

    def _picture(self, picture: bytes | Frame) -> tuple[bytes, bytes]:
        """Its kind and bytes. One that is small enough goes as it is."""
        if not isinstance(picture, bytes):
            return b"jpeg", _as_jpeg(picture, self._of.image_px, self._of.jpeg_quality)
        size = plain_webp_size(picture)
        if size is not None and max(size) <= self._of.image_px and not self._of.as_jpeg:
            return b"webp", picture
        return b"jpeg", _made_anew(picture, self._of.image_px, self._of.jpeg_quality)

    def _dollars(self, tokens_in: int, tokens_out: int) -> float:
        of = self._of
        return (tokens_in * of.dollars_per_million_tokens_in + tokens_out * of.dollars_per_million_tokens_out) / 1e6

    @cached_property
    def _proxy(self) -> str | None:
        """What the environment says of the way to the endpoint. The client would ask it for each request anew, with
        files of passwords, in threads that make pictures ready."""
        address = urlsplit(self._at)
        if self._served is not None:
            return None
        return None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)

    async def _content(self, response: "ClientResponse") -> bytes:
        """As it comes, and not without end."""
        content = bytearray()
        async for some in response.content.iter_any():
            content += some
            if len(content) > _MAX_ANSWER_BYTES:
                raise self._error(response, "more than is read of an answer", f"over {_MAX_ANSWER_BYTES >> 20} MiB")
        return bytes(content)

    def _error(self, response: "ClientResponse", what: str, why: str) -> EndpointError:
        after = {name: value for name, value in response.headers.items() if name.lower() == "retry-after"}
        status = response.status if response.status != 200 else None
        return EndpointError(f"{self._at} answered {what}{why and f': {why}'}", status, after)

    async def _opened(self) -> "ClientSession":
        """One for each event loop, which closes it at its end."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session[0] is not loop:
            opened: asyncio.Future[ClientSession] = loop.create_future()
            self._session = loop, loop.create_task(self._keep(opened)), opened
        return await asyncio.shield(self._session[2])

    async def _keep(self, opened: "asyncio.Future[ClientSession]") -> None:
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        timeout = ClientTimeout(total=None, sock_connect=self._of.connect_s)
        connector = TCPConnector(limit=0)  # how many there are at once is the worker's matter
        async with ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
            opened.set_result(session)
            await asyncio.Event().wait()


def _reason(error: OSError) -> str:
    """Why there is no connection, in the system's words."""
    of_system = getattr(error, "os_error", error)
    if isinstance(of_system, socket.gaierror) or not (isinstance(of_system, OSError) and of_system.errno):
        return str(getattr(of_system, "strerror", None) or error)
    return os.strerror(of_system.errno)


@lru_cache(_REMEMBERED)
def _made_anew(picture: bytes, most_px: int, quality: int) -> bytes:
    """Several images are made from one, which is shown with each of them."""
    return _as_jpeg(decoded(picture), most_px, quality)


def _as_jpeg(picture: Frame, most_px: int, quality: int) -> bytes:
    height, width = picture.shape[:2]
    scale = min(1.0, most_px / max(height, width))
    smaller = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        picture = cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA).astype(picture.dtype, copy=False)
    return encoded(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _format(form: type[Said]) -> dict[str, Any]:
    schema = {"name": form.__name__, "strict": True, "schema": form.model_json_schema()}
    return {"type": "json_schema", "json_schema": schema}
