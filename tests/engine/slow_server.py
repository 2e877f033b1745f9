"""A server that answers after a while, on this machine; and a client of it, as those of models are: its errors carry
the response.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from pyarrow import string

from actor18m.stage import Clip, Image, Parameters, Row, schema
from actor18m.waiting import WaitingStage
from tests.engine.drawing import Draw
from tests.engine.local_server import Close, ServerInThread
from tests.engine.pretended import text_of
from tests.engine.steady import Read, counted

RETRY_AFTER_S = 0.3


class SlowServer(ServerInThread):
    """What it is asked for it answers after `pause_s`. Of a text with the word `busy` it has too much the first two
    times, and `down` is never there.
    """

    def __init__(self, pause_s: float) -> None:
        self.pause_s = pause_s
        self.asked: Counter[str] = Counter()
        self.answered = 0
        self.in_flight = self.most_in_flight = 0

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def opened(self) -> tuple[int, Close]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1000)

        async def close() -> None:
            server.close()

        return server.sockets[0].getsockname()[1], close

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        text = unquote(head.split()[1].removeprefix("/"))
        self.asked[text] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        status, more = "200 OK", ""
        if "down" in text:
            status = "503 Service Unavailable"
        elif "busy" in text and self.asked[text] <= 2:
            status, more = "429 Too Many Requests", f"Retry-After: {RETRY_AFTER_S}\r\n"
        else:
            await asyncio.sleep(self.pause_s)
        self.in_flight -= 1
        self.answered += status.startswith("200")
        writer.write(f"HTTP/1.1 {status}\r\n{more}Connection: close\r\n\r\n{text.upper()}".encode())
        await writer.drain()
        writer.close()


@dataclass
class Response:
    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)


class StatusError(Exception):
    """As httpx has one."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the server answered {response.status_code}")
        self.response = response


async def ask(url: str, text: str) -> str:
    host, port = url.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"GET /{quote(text)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    first, *headers = head.split("\r\n")
    status = int(first.split()[1])
    if status != 200:
        raise StatusError(Response(status, dict(header.split(": ") for header in headers)))
    return body


class AskParameters(Parameters):
    url: str


class Asked(WaitingStage):
    """What the server says of a film. A word of the film may have it go wrong here."""

    version = 1
    needs = {Read: ("text",)}  # noqa: RUF012
    costs = ("dollars",)
    writes = schema("asked", answer=string())
    parameters = AskParameters(url="127.0.0.1:1")

    async def measure_one(self, clip: Clip, /) -> Row:
        counted("asked", clip.key)
        text = clip.upstream["read"]["text"].strip()
        if "bug" in text:
            text = text + lenght  # type: ignore[name-defined]  # noqa: F821
        if "exit" in text:
            raise SystemExit(3)
        return Row(clip.key, {"answer": await ask(self.parameters.url, text)}, costs={"dollars": 0.25})


class AskedOfImages(WaitingStage[Image]):
    version = 1
    of = "images"
    reads_source = False
    writes = schema("asked_of_images", answer=string())
    parameters = AskParameters(url="127.0.0.1:1")

    async def measure_one(self, image: Image, /) -> Row:
        counted("asked_of_images", image.key)
        return Row(image.key, {"answer": await ask(self.parameters.url, text_of(image.files["webp"]))})


PIPELINE = """\
name: waiting
profile: test
stages:
  - stage: tests.engine.steady:Read
  - stage: tests.engine.slow_server:Asked
    parameters: {{url: "{url}"}}
    run: {run}
policy:
  read:
    words: {{at_least: 2}}
"""

OF_IMAGES = f"""\
name: waiting
profile: test
stages:
  - stage: tests.engine.steady:Read
  - stage: tests.engine.drawing:Ask
  - stage: {Draw.__module__}:Draw
  - stage: tests.engine.slow_server:AskedOfImages
    parameters: {{{{url: "{{url}}"}}}}
    run: {{run}}
subsets:
  A: {{{{references: draw}}}}
"""
