"""Stages of images over films: one asks for a picture of each word, one draws it, another one looks at the drawings."""

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import ClassVar

from pyarrow import bool_, field, float32, int32, list_, string, struct

from actor18m.keys import seed
from actor18m.stage import (
    PICTURE,
    UNAVAILABLE,
    Clip,
    Failure,
    Image,
    KnownPairs,
    Parameters,
    Requests,
    Row,
    Stage,
    schema,
)
from tests.engine.pretended import png, text_of, webp
from tests.engine.steady import Read, counted
from tests.execute.poison_stages import act

HEALED = "ACTOR18M_TEST_HEALED"

_WORD = struct(
    [
        field("name", string(), nullable=False),
        field("word", string(), nullable=False),
        field("letters", int32(), nullable=False),
        field("vowels", int32()),
    ]
)


class Ask(Stage):
    """For a picture of each word."""

    version = 1
    reads_source = False
    requests = Requests("words", "word", private=("word",))
    needs: ClassVar = {Read: ("text",)}
    writes = schema("ask", words=list_(_WORD))

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("ask", clip.key)
            words = clip.upstream["read"]["text"].split()
            told = [
                {"name": f"face-word-{number:02d}", "word": word, "letters": len(word), "vowels": None}
                for number, word in enumerate(words)
            ]
            yield Row(clip.key, {"words": told})


class DrawParameters(Parameters):
    pause_s: float = 0
    ink: str = "black"


class Draw(Stage[Image]):
    """The picture of a word, and a secret."""

    version = 1
    of = "requests"
    writes = schema("draw", sha256=string(), mask_sha256=string())
    parameters = DrawParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            counted("draw", image.key)
            time.sleep(self.parameters.pause_s)
            word = image.request["word"]
            files = {"webp": webp(f"{word} in {self.parameters.ink}"), "mask.png": png(f"mask of {word}")}
            digests = {"sha256": files["webp"], "mask_sha256": files["mask.png"]}
            values = {name: sha256(content).hexdigest() for name, content in digests.items()}
            yield Row(image.key, values, files, {"secret": sha256(word.encode()).digest()})


class DescribeParameters(Parameters):
    pause_s: float = 0
    times: int = 1


class Describe(Stage[Image]):
    version = 1
    of = "images"
    reads_source = False
    parameters = DescribeParameters()
    writes = schema("describe", seen=string(), times=int32())

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            counted("describe", image.key)
            time.sleep(self.parameters.pause_s)
            yield Row(image.key, {"seen": text_of(image.files["webp"]), "times": self.parameters.times})


class Tell(Describe):
    """Says of each picture whether its word is long; of one with an x, nothing."""

    writes = schema("describe", seen=string(), times=int32(), is_long=bool_())
    tells: ClassVar = {"is_long": "long words"}

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            word = text_of(image.files["webp"]).partition(" ")[0]
            told = {"seen": word, "times": self.parameters.times, "is_long": None if "x" in word else len(word) > 4}
            yield Row(image.key, told)


PIPELINE = """\
name: drawing
profile: test
stages:
  - stage: tests.engine.steady:Read
  - stage: tests.engine.drawing:Ask
  - stage: tests.engine.drawing:Draw
  - stage: tests.engine.drawing:Describe
duplicates: {at_most: 0.1}
policy:
  read:
    words: {at_least: 2}
subsets:
  A: {references: draw}
"""


class Sketch(Draw):
    """Likes some of its attempts more than others."""

    version = 1
    writes = schema("draw", sha256=string(), mask_sha256=string(), likeness=float32())

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            counted("draw", f"{image.key} {image.candidate}")
            picture = webp(f"{image.request['word']} once more, {image.candidate}")
            likeness = seed(image.key, "draw", image.candidate) % 1000 / 1000
            digests = {"sha256": sha256(picture).hexdigest(), "mask_sha256": None}
            yield Row(image.key, {**digests, "likeness": likeness}, {"webp": picture})


class Poisonous(Draw):
    """Some words kill, hang or fail whoever draws them, and one cannot be drawn."""

    version = 2

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            act(image.request["word"])
            if image.request["word"] == "ineffable":
                yield Failure(image.key, UNAVAILABLE, "there is no picture of that")
            else:
                yield from super().measure([image])


class Careless(Draw):
    """Of some words brings what is no picture, or a mask of another size."""

    version = 4

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for row in super().measure(images):
            assert isinstance(row, Row)
            text, files = text_of(row.images["webp"]), dict(row.images)
            if text.startswith("plums"):
                files["webp"] = b"not a webp"
            if text.startswith("apples"):
                files["mask.png"] = files["mask.png"].replace((1).to_bytes(4), (2).to_bytes(4), 1)
            digests = {column: sha256(files[suffix]).hexdigest() for suffix, column in PICTURE.items()}
            yield replace(row, values=digests, images=files)


class Frames(Stage):
    """Asks for a frame around each picture of a word that begins with p."""

    version = 1
    reads_source = False
    requests = Requests("frames", "framed", made_from=("word",))
    needs: ClassVar = {Ask: ("words",)}
    writes = schema(
        "frames", frames=list_(struct([("name", string()), ("source_image", string()), ("word", string())]))
    )

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("frames", clip.key)
            fine = [each["name"] for each in clip.upstream["ask"]["words"] if each["word"].startswith("p")]
            told = [
                {"name": f"face-framed-{n:02d}", "source_image": name, "word": "frame"} for n, name in enumerate(fine)
            ]
            yield Row(clip.key, {"frames": told})


class MisledFrames(Frames):
    """Asks for frames around pictures that nobody draws."""

    version = 3

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for row in super().measure(clips):
            assert isinstance(row, Row)
            asked = row.values["frames"]
            assert isinstance(asked, list)
            told = [each | {"source_image": "face-word-77"} for each in asked]
            yield replace(row, values={"frames": told})


class FragileFrames(Frames):
    """Raises for a film with plums in it, as long as they are not healed."""

    version = 1

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            if any(each["word"] == "plums" for each in clip.upstream["ask"]["words"]) and HEALED not in os.environ:
                raise ValueError("no frame is made for plums")
            yield from super().measure([clip])


class FrameParameters(Parameters):
    wood: str = "oak"


class Frame(Stage[Image]):
    """Puts a frame around another image."""

    version = 1
    of = "requests"
    reads_source = False
    writes = schema("frame", sha256=string())
    parameters = FrameParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            counted("frame", image.key)
            picture = webp(f"{text_of(image.source['webp'])} in {self.parameters.wood}")
            yield Row(image.key, {"sha256": sha256(picture).hexdigest()}, {"webp": picture})


class TwoFrames(Frames):
    """Asks for a second frame around each picture, which no `PlainFrame` can be."""

    version = 4

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for row in super().measure(clips):
            assert isinstance(row, Row)
            asked = row.values["frames"]
            assert isinstance(asked, list)
            more = [each | {"name": f"{each['name'][:-2]}9{n}", "word": "gilt"} for n, each in enumerate(asked)]
            yield replace(row, values={"frames": [*asked, *more]})


class PlainFrame(Frame):
    version = 2

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        plain = [image for image in images if image.request["word"] != "gilt"]
        for image in images:
            if image.request["word"] == "gilt":
                yield Failure(image.key, UNAVAILABLE, "nobody has gold")
        yield from super().measure(plain)


class Judge(Stage[Image]):
    """Compares an image with the one that it was made from, and with what was asked for."""

    version = 1
    of = "images"
    reads_source = False
    reads_request = True
    reads_source_image = True
    needs: ClassVar = {Describe: ("seen",)}
    writes = schema("judge", longer_by=int32(), asked_for=string())

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            counted("judge", image.key)
            longer = len(image.upstream["describe"]["seen"]) - len(text_of(image.source["webp"]))
            yield Row(image.key, {"longer_by": longer, "asked_for": image.request["name"]})


class TestedJudge(Judge):
    """Is also asked about each frame beside another picture, and takes some of them for its own."""

    version = 2
    known_pairs = KnownPairs("verdict", "confidence", "kind", "known_verdict", "known_confidence", "same")
    writes = schema(
        "judge",
        longer_by=int32(),
        asked_for=string(),
        verdict=string(),
        confidence=float32(),
        kind=string(),
        known_verdict=string(),
        known_confidence=float32(),
    )

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            told = {"verdict": "same", "confidence": 0.9, "kind": "another word", "known_confidence": 0.6}
            is_accepted = image.upstream["describe"]["seen"].startswith("pears")
            told |= {"known_verdict": "same" if is_accepted else "other"}
            yield Row(image.key, {"longer_by": 0, "asked_for": image.request["name"], **told})


FRAMED = (
    PIPELINE.partition("subsets:")[0].replace(
        "  - stage: tests.engine.drawing:Describe\n",
        """\
  - stage: tests.engine.drawing:Frames
  - stage: tests.engine.drawing:Frame
    of: [frames]
  - stage: tests.engine.drawing:Describe
  - stage: tests.engine.drawing:Judge
    of: [frame]
""",
    )
    + """\
subsets:
  A: {references: draw}
  B: {stages: [frames], references: [frame]}
"""
).replace("drawing:Draw\n", "drawing:Draw\n    of: [ask]\n")
