"""The stage that waits of docs/engine.md, in the files that are printed there, with a service that answers."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.models.shared import Shared
from actor18m.stage import Clip, Image, Row
from tests.docs.page import Reader, reader

__all__ = ["reader"]


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        picture = self.rfile.read(int(self.headers["Content-Length"]))
        said = json.dumps({"agrees": picture == b"right", "dollars": 0.25}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/look"
        server.shutdown()


def test_the_stage_that_waits_runs_as_it_is_printed(reader: Reader, service: str) -> None:
    reader.write_files("engine.md")
    file = Path("second_look.yaml")
    own = f"{{backend: 'second_look:Service', url: '{service}'}}"
    file.write_text(file.read_text().replace('"second_look:Service"', own))
    step = load_pipeline(file).step("second_look")
    assert step.waits
    stage = step.made(Shared())
    images = [Image(f"a-{word}", Clip("a", "a.mp4"), files={"webp": word.encode()}) for word in ("right", "wrong")]
    assert list(stage.measure(images)) == [
        Row("a-right", {"agrees": True}, costs={"dollars": 0.25}),
        Row("a-wrong", {"agrees": False}, costs={"dollars": 0.25}),
    ]
