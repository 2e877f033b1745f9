"""A server that speaks the protocol of Google's models, on this machine, and what may go wrong with one."""

import base64
import json
import threading
from collections import Counter
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


Line = Callable[[str, Mapping[str, Any]], dict[str, Any] | None]
"""What a job says of the request with this key; None: nothing."""


@dataclass
class Job:
    """A batch job, and what it was given."""

    display_name: str
    requests: dict[str, Mapping[str, Any]]
    state: str = "BATCH_STATE_RUNNING"


@dataclass
class GeminiServer(LocalServer):
    """Answers each with a picture's bytes, as PNG, or with what `fault` says. Jobs end once `may_end` is set."""

    picture: bytes
    fault: Fault | None = None
    log: list[Asked] = field(default_factory=list)
    line: Line | None = None
    ends: str = "BATCH_STATE_SUCCEEDED"
    """As which jobs end."""
    may_end: threading.Event = field(default_factory=threading.Event)
    on_job: Fault | None = None
    """What is answered to who sends the nth job, which is there all the same."""
    jobs: list[Job] = field(default_factory=list)
    fetched: int = 0
    """Times that answers of a job were fetched."""
    looks: int = 0
    """Times that somebody asked how a job goes on."""
    _files: list[bytes] = field(default_factory=list)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/upload/{version}/files", self._upload_begins)
        app.router.add_post("/uploading/{number}", self._uploaded)
        app.router.add_post("/{version}/models/{model}:batchGenerateContent", self._job_begins)
        app.router.add_get("/{version}/batches", self._all_jobs)
        app.router.add_get("/{version}/batches/{number}", self._job)
        app.router.add_get("/{version}/files/answers-{number}:download", self._answers)
        app.router.add_post("/{path:.*}", self._answer)

    @property
    def times_sent(self) -> Counter[str]:
        """In jobs, by key."""
        return Counter(key for job in self.jobs for key in job.requests)

    async def _upload_begins(self, request: web.Request) -> web.Response:
        assert request.headers["X-Goog-Upload-Command"] == "start"
        assert request.headers["x-goog-api-key"] == KEY
        self._files.append(b"")
        where = f"{self.address}/uploading/{len(self._files) - 1}"
        return web.json_response({}, headers={"X-Goog-Upload-URL": where})

    async def _uploaded(self, request: web.Request) -> web.Response:
        number, command = int(request.match_info["number"]), request.headers["X-Goog-Upload-Command"]
        self._files[number] += await request.read()
        state = "final" if "finalize" in command else "active"
        file = {"name": f"files/{number}", "uri": f"{self.address}/v1/files/{number}", "state": "ACTIVE"}
        return web.json_response({"file": file}, headers={"X-Goog-Upload-Status": state})

    async def _job_begins(self, request: web.Request) -> web.Response:
        asked = (await request.json())["batch"]
        lines = self._files[int(asked["inputConfig"]["fileName"].removeprefix("files/"))].splitlines()
        requests = {each["key"]: each["request"] for each in map(json.loads, lines)}
        self.jobs.append(Job(asked["displayName"], requests))
        if self.on_job is not None and (instead := await self.on_job(len(self.jobs))) is not None:
            return instead
        return web.json_response(self._told(len(self.jobs) - 1))

    async def _all_jobs(self, request: web.Request) -> web.Response:
        """One on each page, the newest first."""
        at = int(request.query.get("pageToken", len(self.jobs) - 1))
        if at < 0:
            return web.json_response({})
        more = {"nextPageToken": str(at - 1)} if at else {}
        return web.json_response({"operations": [self._told(at)], **more})

    async def _job(self, request: web.Request) -> web.Response:
        self.looks += 1
        number = int(request.match_info["number"])
        if number >= len(self.jobs):
            return web.json_response({"error": {"code": 404, "status": "NOT_FOUND", "message": "no"}}, status=404)
        if self.may_end.is_set():
            self.jobs[number].state = self.ends
        return web.json_response(self._told(number))

    def _told(self, number: int) -> dict[str, Any]:
        job = self.jobs[number]
        about = {"displayName": job.display_name, "state": job.state, "model": "models/m"}
        if job.state == "BATCH_STATE_SUCCEEDED":
            about["output"] = {"responsesFile": f"files/answers-{number}"}  # type: ignore[assignment]
        return {"name": f"batches/{number}", "metadata": about}

    async def _answers(self, request: web.Request) -> web.Response:
        """The last request's first."""
        self.fetched += 1
        job, lines = self.jobs[int(request.match_info["number"])], []
        usual = {"response": made([{"text": "Here it is."}, {"inlineData": inline(self.picture)}])}
        for key, each in reversed(job.requests.items()):
            if (said := self.line(key, each) if self.line else usual) is not None:
                lines.append(json.dumps({"key": key, **said}))
        return web.Response(body="\n".join(lines).encode())

    async def _answer(self, request: web.Request) -> web.Response:
        self.log.append(Asked(request.path, json.loads(await request.read()), request.headers.get("x-goog-api-key")))
        if self.fault is not None and (instead := await self.fault(len(self.log))) is not None:
            return instead
        return answer([{"text": "Here it is."}, {"inlineData": inline(self.picture)}])


def inline(picture: bytes) -> dict[str, str]:
    return {"mimeType": "image/png", "data": base64.b64encode(picture).decode()}


def made(parts: list[dict[str, Any]], finish: str = "STOP") -> dict[str, Any]:
    """What a model says that was asked."""
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
    return _counted({"candidates": [candidate]})


def answer(parts: list[dict[str, Any]], finish: str = "STOP") -> web.Response:
    """As a model answers that was asked."""
    return web.json_response(made(parts, finish))


def blocked(reason: str) -> web.Response:
    """As it is answered where the model is not asked."""
    return web.json_response(_counted({"promptFeedback": {"blockReason": reason}}))


def exhausted(retry_s: str) -> web.Response:
    """Too many requests, with when to ask again where Google says it."""
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_s}]
    error = {"code": 429, "message": f"Quota exceeded for {KEY}.", "status": "RESOURCE_EXHAUSTED", "details": details}
    return web.json_response({"error": error}, status=429)


def _counted(body: Mapping[str, Any]) -> dict[str, Any]:
    usage = {"promptTokenCount": TOKENS - 1290, "candidatesTokenCount": 1290, "totalTokenCount": TOKENS}
    return {**body, "usageMetadata": usage, "modelVersion": "m"}
