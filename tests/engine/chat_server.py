"""A server that speaks OpenAI's chat protocol, on this machine, and what may go wrong with one."""

import asyncio
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

from aiohttp import web

from tests.engine.local_server import LocalServer

KEY = "sk-of-nobody-0123456789abcdef"
TOKENS_IN, TOKENS_OUT = 2000, 100


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    at_s: float
    body: Mapping[str, Any]
    authorization: str | None

    @property
    def texts(self) -> list[str]:
        """All words in it."""
        system, user = self.body["messages"]
        return [system["content"], *(part["text"] for part in user["content"] if part["type"] == "text")]

    @property
    def pictures(self) -> list[bytes]:
        """Decoded from their URIs."""
        urls = [p["image_url"]["url"] for p in self.body["messages"][1]["content"] if p["type"] == "image_url"]
        return [base64.b64decode(url.partition(";base64,")[2], validate=True) for url in urls]

    @property
    def seen(self) -> bytes:
        """The picture that was asked about: the last one."""
        return self.pictures[-1]


Fault = Callable[[web.Request, Asked], Awaitable[web.StreamResponse | None]]
"""What is answered instead; None: what is usual."""


@dataclass
class ChatServer(LocalServer):
    """Answers after `pause_s` with what `says` says, in JSON or as any text."""

    says: Callable[[Asked], object]
    pause_s: float = 0.0
    fault: Fault | None = None
    certainty: float = 0.9
    """With which a word is written that begins another way than its alternative."""
    serves: tuple[str, ...] = ("default",)
    """Names of models."""
    log: list[Asked] = field(default_factory=list)
    answered: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    keeps: bool = True
    """The requests. Those with pictures are large."""

    @property
    def url(self) -> str:
        return f"{self.address}/v1"

    @property
    def times_asked(self) -> Counter[bytes]:
        return Counter(each.seen for each in self.log)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/v1/models", self._models)

    async def _models(self, request: web.Request) -> web.Response:
        """For whom has the key, as a server tells what it serves."""
        if request.headers.get("Authorization") not in (None, f"Bearer {KEY}"):
            return web.json_response({"error": "wrong key"}, status=401)
        return web.json_response({"object": "list", "data": [{"id": each} for each in self.serves]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(time.monotonic(), json.loads(await request.read()), request.headers.get("Authorization"))
        if self.keeps:
            self.log.append(asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.fault is not None and (instead := await self.fault(request, asked)) is not None:
                return instead
            await asyncio.sleep(self.pause_s)
            said = self.says(asked)
            self.answered += 1
            told = completion(said, self.certainty)
            if not asked.body.get("logprobs"):
                del told["choices"][0]["logprobs"]
            return web.json_response(told)
        finally:
            self.in_flight -= 1


def completion(said: object, certainty: float = 0.9, finish: str = "stop") -> dict[str, Any]:
    """As a server wraps what a model said, in tokens of a few letters."""
    text = said if isinstance(said, str) else json.dumps(said)
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": {"content": tokens(text, certainty)}}
    usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}
    return {"id": "chatcmpl-1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


def tokens(text: str, certainty: float) -> list[dict[str, Any]]:
    """Pieces of one to five bytes, wherever they end; one that has the beginning of a verdict has alternatives, among
    them some that the form does not allow.
    """
    content, chance, found, at = text.encode(), random.Random(len(text)), [], 0
    begins = content.find(b'"verdict": "') + len(b'"verdict": "')
    while at < len(content):
        piece = content[at : at + chance.randint(1, 5)]
        token = {"token": piece.decode(errors="replace"), "bytes": list(piece), "logprob": 0.0, "top_logprobs": []}
        if at <= begins < at + len(piece):
            other = piece[: begins - at] + (b"in" if content[begins : begins + 1] == b"c" else b"con")
            token["logprob"] = log(certainty * 0.8)
            token["top_logprobs"] = [
                {"token": piece.decode(errors="replace"), "bytes": list(piece), "logprob": log(certainty * 0.8)},
                {"token": other.decode(), "bytes": list(other), "logprob": log((1 - certainty) * 0.8)},
                {"token": "The", "bytes": list(b"The"), "logprob": log(0.2)},
            ]
        found.append(token)
        at += len(piece)
    return found
