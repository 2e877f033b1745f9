"""A server that speaks the protocol of Google's models, on this machine, and what may go wrong with one."""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.engine.local_server import LocalServer

KEY = "AIzaOfNobody0123456789abcdefghijklmnopq"
TOKENS = 2580


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    path: str
    body: Mapping[str, Any]
    key: str | None

    @property
    def parts(self) -> list[dict[str, Any]]:
        return [part for content in self.body["contents"] for part in content["parts"]]

    @property
    def pictures(self) -> list[bytes]:
        return [base64.urlsafe_b64decode(part["inlineData"]["data"]) for part in self.parts if "inlineData" in part]

    @property
    def texts(self) -> list[str]:
        return [part["text"] for part in self.parts if "text" in part]


Fault = Callable[[int], Awaitable[web.Response | None]]
"""What is answered to the nth request instead; None: what is usual."""


@dataclass
class GeminiServer(LocalServer):
    """Answers each request with a picture's bytes, as PNG, or with what `fault` says."""

    picture: bytes
    fault: Fault | None = None
    log: list[Asked] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        self.log.append(Asked(request.path, json.loads(await request.read()), request.headers.get("x-goog-api-key")))
        if self.fault is not None and (instead := await self.fault(len(self.log))) is not None:
            return instead
        return answer([{"text": "Here it is."}, {"inlineData": inline(self.picture)}])


def inline(picture: bytes) -> dict[str, str]:
    return {"mimeType": "image/png", "data": base64.b64encode(picture).decode()}


def answer(parts: list[dict[str, Any]], finish: str = "STOP", **more: Any) -> web.Response:
    """As a model answers that was asked."""
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
    return _told({"candidates": [candidate], **more})


def blocked(reason: str) -> web.Response:
    """As it is answered where the model is not asked."""
    return _told({"promptFeedback": {"blockReason": reason}})


def exhausted(retry_s: str) -> web.Response:
    """Too many requests, with when to ask again where Google says it."""
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_s}]
    error = {"code": 429, "message": f"Quota exceeded for {KEY}.", "status": "RESOURCE_EXHAUSTED", "details": details}
    return web.json_response({"error": error}, status=429)


def _told(body: Mapping[str, Any]) -> web.Response:
    usage = {"promptTokenCount": TOKENS - 1290, "candidatesTokenCount": 1290, "totalTokenCount": TOKENS}
    return web.json_response({**body, "usageMetadata": usage, "modelVersion": "m"})
