"""What of Google's JSON API gcsfs asks for, on this machine, as Google's documentation has it, in memory.

It stands in for Google, and was never compared with it. Of emulators that pip has, gcp-storage-emulator was tried: it
takes no notice of `ifGenerationMatch`, and loses content that ends with a carriage return, or is empty.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.engine.local_server import LocalServer

_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>[^/?]+)")
_BUCKET = re.compile(r"(?:/upload)?/storage/v1/b/(?P<bucket>[^/]+)(?P<objects>/o)?")
_RANGE = re.compile(r"bytes[ =](\d+)-(\d*)(?:/(\d+))?")


@contextmanager
def google_server() -> Iterator[int]:
    """Its port."""
    with Google() as server:
        yield int(server.address.rpartition(":")[2])


@dataclass(frozen=True)
class _Object:
    content: bytes
    told: Mapping[str, str]


@dataclass
class _Upload:
    """One that comes in parts. What it became is told again to whoever did not hear it."""

    bucket: str
    name: str
    condition: str | None
    content: bytearray = field(default_factory=bytearray)
    became: Mapping[str, str] | None = None


class Google(LocalServer):
    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, _Object]] = {}
        self._uploads: dict[str, _Upload] = {}
        self._generations = count(1_700_000_000_000_000)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        """Between what it looks at and what it does nobody comes: it waits for nothing but the request's bytes."""
        body, path = await request.read(), request.raw_path.partition("?")[0]
        if "upload_id" in request.query:
            return self._part(request, body)
        if found := _OBJECT.fullmatch(path):
            return self._of_object(request, unquote(found["bucket"]), unquote(found["name"]))
        if path == "/storage/v1/b" and request.method == "POST":
            self._buckets.setdefault(json.loads(body)["name"], {})
            return web.json_response({})
        found = _BUCKET.fullmatch(path)
        if found is None or found["bucket"] not in self._buckets:
            return _refused(404, "The specified bucket does not exist.")
        if path.startswith("/upload/"):
            return self._upload(request, found["bucket"], body)
        return self._listed(request, found["bucket"]) if found["objects"] else web.json_response({})

    def _of_object(self, request: web.Request, bucket: str, name: str) -> web.Response:
        there = self._buckets.get(bucket, {}).get(name)
        if there is None:
            return _refused(404, "No such object")
        if request.method == "DELETE":
            del self._buckets[bucket][name]
            return web.Response(status=204)
        if request.query.get("alt") != "media":
            return web.json_response(dict(there.told))
        asked = _RANGE.fullmatch(request.headers.get("Range", ""))
        if asked is None:
            return web.Response(body=there.content)
        begin, end = int(asked[1]), int(asked[2] or len(there.content))
        if begin >= len(there.content):
            return _refused(416, "The requested range cannot be satisfied.")
        return web.Response(status=206, body=there.content[begin : end + 1])

    def _listed(self, request: web.Request, bucket: str) -> web.Response:
        """In pages of at most 50, so that they come to pass."""
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        names = sorted(name for name in self._buckets[bucket] if name.startswith(prefix))
        shown: dict[str, Mapping[str, str] | None] = {}
        for name in names:
            head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            shown[f"{prefix}{head}{found}" if found else name] = None if found else self._buckets[bucket][name].told
        page = [each for each in shown if each > request.query.get("pageToken", "")][:51]
        answer: dict[str, Any] = {
            "items": [shown[each] for each in page[:50] if shown[each] is not None],
            "prefixes": [each for each in page[:50] if shown[each] is None],
        }
        return web.json_response(answer | ({"nextPageToken": page[49]} if len(page) > 50 else {}))

    def _upload(self, request: web.Request, bucket: str, body: bytes) -> web.Response:
        condition = request.query.get("ifGenerationMatch")
        match request.query["uploadType"]:
            case "media":
                return self._written(bucket, request.query["name"], body, condition)
            case "multipart":
                return self._written(bucket, *_taken_apart(body), condition)
        name = json.loads(body)["name"]
        if not self._holds(bucket, name, condition):
            return _condition_failed()
        number = str(next(self._generations))
        self._uploads[number] = _Upload(bucket, name, condition)
        return web.Response(headers={"Location": f"http://{request.host}{request.path_qs}&upload_id={number}"})

    def _part(self, request: web.Request, body: bytes) -> web.Response:
        upload = self._uploads.get(request.query["upload_id"])
        if upload is None:
            return _refused(404, "No such upload")
        if request.method == "DELETE":
            del self._uploads[request.query["upload_id"]]
            return web.Response(status=499)
        if upload.became is not None:
            return web.json_response(dict(upload.became))
        sent = _RANGE.fullmatch(request.headers["Content-Range"])
        assert sent is not None
        upload.content[int(sent[1]) :] = body
        if len(upload.content) < int(sent[3]):
            return web.Response(status=308, headers={"Range": f"bytes=0-{len(upload.content) - 1}"})
        answer = self._written(upload.bucket, upload.name, bytes(upload.content), upload.condition)
        if answer.status == 200:
            upload.became = self._buckets[upload.bucket][upload.name].told
        return answer

    def _written(self, bucket: str, name: str, content: bytes, condition: str | None) -> web.Response:
        if not self._holds(bucket, name, condition):
            return _condition_failed()
        now, generation = datetime.now(UTC).isoformat().replace("+00:00", "Z"), str(next(self._generations))
        told = {"name": name, "bucket": bucket, "size": str(len(content)), "generation": generation}
        told |= {"metageneration": "1", "etag": f"CO{generation}=", "updated": now, "timeCreated": now}
        self._buckets[bucket][name] = _Object(content, told)
        return web.json_response(told)

    def _holds(self, bucket: str, name: str, condition: str | None) -> bool:
        """Of an object that is not there, the generation is 0."""
        there = self._buckets[bucket].get(name)
        return condition is None or condition == ("0" if there is None else there.told["generation"])


def _taken_apart(body: bytes) -> tuple[str, bytes]:
    """The name and the content of an upload of two parts."""
    boundary = body.partition(b"\n")[0].rstrip()
    told, _, rest = body.partition(b"\n\n")[2].partition(b"\n" + boundary)
    return json.loads(told)["name"], rest.partition(b"\n\n")[2].removesuffix(b"\n" + boundary + b"--")


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status)


def _condition_failed() -> web.Response:
    return _refused(412, "At least one of the pre-conditions you specified did not hold.")
