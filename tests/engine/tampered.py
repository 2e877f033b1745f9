"""Stages that read their film, each in its own way, and what may happen to the film meanwhile.

`happens` is set by a test: it is asked at each moment of each call, in this process.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import ClassVar, Literal

import fsspec
from pyarrow import binary, float32, string

from actor18m.keys import clip_key
from actor18m.media.content import content_sha256
from actor18m.media.source import opened
from actor18m.stage import Clip, Failure, Row, Stage, schema
from stages.told import one_by_one
from tests.engine.films import text_of

Moment = Literal["before", "within", "after"]


def nothing(stage: str, moment: Moment, uri: str) -> None:
    """As long as no test says otherwise."""


happens: list[Callable[[str, Moment, str], None]] = [nothing]


def _happens(stage: str, moment: Moment, uri: str) -> None:
    happens[-1](stage, moment, uri)


def _read(stage: str, uri: str) -> bytes:
    """Through the project, in two parts."""
    _happens(stage, "before", uri)
    with opened(uri) as (stream, _):
        start = stream.read(100)
        _happens(stage, "within", uri)
        content = start + stream.read()
    _happens(stage, "after", uri)
    return content


class First(Stage):
    """Looks at the film and hashes it."""

    version = 1
    writes = schema(
        "first", clip=string(), content_sha256=string(), signature=binary(), duration_s=float32(), text=string()
    )

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        def measured(clip: Clip) -> Row:
            text = text_of(_read("first", clip.uri))
            content, _ = content_sha256(clip.uri)
            named = {"clip": clip_key(content, clip.cut, clip.crop), "content_sha256": content}
            signature = sha256(text.encode()).digest()
            return Row(clip.key, {**named, "signature": signature, "duration_s": 1.0, "text": text})

        return one_by_one(clips, measured)


class Through(Stage):
    """Reads through the project, as our stages do."""

    version = 1
    needs: ClassVar = {First: ("text",)}
    writes = schema("through", seen=string(), before=string())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        def measured(clip: Clip) -> Row:
            seen = text_of(_read("through", clip.uri))
            return Row(clip.key, {"seen": seen, "before": clip.upstream["first"]["text"]})

        return one_by_one(clips, measured)


class Swallowing(Stage):
    """Takes whatever goes wrong for the film's fault."""

    version = 1
    needs: ClassVar = {First: ("text",)}
    writes = schema("swallowing", seen=string(), before=string())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            try:
                seen = text_of(_read("swallowing", clip.uri))
            except Exception as error:
                yield Failure(clip.key, "MyOwn", str(error))
            else:
                yield Row(clip.key, {"seen": seen, "before": clip.upstream["first"]["text"]})


class Own(Stage):
    """Reads with a library of its own."""

    version = 1
    needs: ClassVar = {First: ("text",)}
    writes = schema("own", seen=string(), before=string())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            _happens("own", "before", clip.uri)
            try:
                with fsspec.open(clip.uri.replace("file://", ""), "rb") as stream:
                    seen = text_of(stream.read())
            except FileNotFoundError:
                yield Failure(clip.key, "missing_file", f"{clip.uri} is not there")
                _happens("own", "after", clip.uri)
                continue
            _happens("own", "after", clip.uri)
            yield Row(clip.key, {"seen": seen, "before": clip.upstream["first"]["text"]})


class Rows(Stage):
    """Reads rows alone."""

    version = 1
    reads_source = False
    needs: ClassVar = {First: ("text",), Own: ("seen",)}
    writes = schema("rows", seen=string(), before=string())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            _happens("rows", "before", clip.uri)
            yield Row(clip.key, {"seen": clip.upstream["own"]["seen"], "before": clip.upstream["first"]["text"]})


PIPELINE = """\
name: tampered
profile: test
stages:
  - stage: tests.engine.tampered:First
  - stage: tests.engine.tampered:Through
  - stage: tests.engine.tampered:Swallowing
  - stage: tests.engine.tampered:Own
  - stage: tests.engine.tampered:Rows
"""
