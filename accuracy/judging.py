"""How often is the judge right? About rendered pictures of which it is known what is wrong, and about real people.

A picture is accepted when the verdict is that it agrees with its source, and it is not seen to show another view than
the one that was asked for. Of the real footage, pictures of a clip are judged beside its clearest one, half a second
or more away from it, and beside that of a clip of somebody else.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from accuracy.figures import Figures, ratio, share
from accuracy.identities import TWINS
from accuracy.kinds import PATTERN, STRANGER, TRUE, WRONG
from accuracy.read import Seen
from actor18m.keys import digest
from actor18m.media.encoded import encoded
from actor18m.models.backends import describe, load
from actor18m.stage import Clip, Image, Row
from stages.annotate import Annotate
from stages.crops import Crops
from stages.judge import Judge, JudgeParameters

NAME = "judging"
SEEDS, CASTS = (60,), 8
"""Bounds were chosen on seeds 5, 12, 41 and 77."""
AGREES, DIFFERS = "consistent", "inconsistent"
RENDERED_TITLE, REAL_TITLE = "judge, rendered people", "judge, real people"
_APART_S = 0.5
_BACKENDS = {
    "faces": "centerface",
    "identity": "dlib-face",
    "encoder": "efficientnet",
    "pose": "mediapipe-pose",
    "mesh": "mediapipe-face",
    "parsing": "mesh-parsing",
    "expression": "blendshape-expression",
    "people": "efficientdet",
}
Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Shown:
    """What the judge is shown, and what is known of it."""

    region: str
    kind: str
    view: str | None
    """That was asked for."""
    source: Files
    made: Files
    is_seen: bool = True
    """Whether what is wrong can be seen."""
    is_relit: bool = False
    """Whether another place was asked for, and its light."""


@dataclass(frozen=True)
class Answered:
    shown: Shown
    told: Mapping[str, Any]
    """The judge's row; nothing of what cannot be seen."""

    @property
    def is_accepted(self) -> bool:
        return self.told["verdict"] == AGREES and self.told["shows_wanted_view"] is not False


def title(seeds: Sequence[int]) -> str:
    return f"{RENDERED_TITLE} of seed {' and '.join(map(str, seeds))}"


def figures(answers: Sequence[Answered]) -> Figures:
    """Of rendered people, what can be seen; what cannot is counted."""
    told: Figures = {}
    seen = [each for each in answers if each.shown.is_seen]
    for kind in (TRUE, *WRONG):
        of_kind = [each for each in seen if each.shown.kind == kind]
        told[label(kind)] = share(each.is_accepted for each in of_kind)
        for region in ("face", "body"):
            of_region = [each for each in of_kind if each.shown.region == region]
            told[f"{label(kind)}, {region}"] = share(each.is_accepted for each in of_region)
    sides = [each for each in seen if each.shown.region == "body" and each.shown.view in ("left", "right")]
    told[f"{label(STRANGER)}, body from the side"] = share(e.is_accepted for e in sides if e.shown.kind == STRANGER)
    compared = [e.is_accepted for e in seen if e.shown.kind == PATTERN and e.told.get("garment") in (AGREES, DIFFERS)]
    told[f"{label(PATTERN)}, where patterns are told"] = share(compared)
    for kind in WRONG:
        every = [each for each in answers if each.shown.kind == kind]
        told[f"left out, cannot be seen: {kind}"] = ratio(sum(not e.shown.is_seen for e in every), len(every))
    return told


def real_figures(answers: Sequence[Answered]) -> Figures:
    return {
        f"{label(kind)}, {region}": share(
            each.is_accepted for each in answers if (each.shown.kind, each.shown.region) == (kind, region)
        )
        for kind in (TRUE, STRANGER)
        for region in ("face", "body")
    }


def label(kind: str) -> str:
    return f"accepted: {kind}"


def judged(shown: Iterable[Shown], folder: Path) -> list[Answered]:
    """By the stages as they ship, but for their known pairs; of what can be seen. Answers are kept in the folder."""
    stages = _stage(Annotate), _stage(Judge, JudgeParameters(known_pairs=0))
    by = [stage.fingerprint(stage.parameters, _described(stage)) for stage in stages]
    kept = folder / "answers.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    known = dict(json.loads(line) for line in kept.read_text().splitlines()) if kept.exists() else {}
    found = []
    for _, of_one_source in groupby(shown, lambda each: each.source):
        some = list(of_one_source)
        asked = [_asked(each, by) for each in some]
        new = {name: each for name, each in zip(asked, some, strict=True) if each.is_seen and name not in known}
        with kept.open("a") as lines:
            for name, told in zip(new, _answers(*stages, list(new.values())), strict=True):
                known[name] = dict(told)
                lines.write(json.dumps([name, known[name]]) + "\n")
        found += [Answered(each, known.get(name, {})) for each, name in zip(some, asked, strict=True)]
    return found


def _asked(shown: Shown, by: Sequence[str]) -> str:
    files = [
        {name: sha256(content).hexdigest() for name, content in each.items()} for each in (shown.source, shown.made)
    ]
    return digest("judged", shown.region, _request(shown), files, list(by))


def _request(shown: Shown) -> dict[str, str]:
    asked = {"view": shown.view, "environment": "another" if shown.is_relit else None}
    return {name: each for name, each in asked.items() if each is not None}


def _answers(annotate: Annotate, judge: Judge, shown: Sequence[Shown]) -> Iterator[Mapping[str, Any]]:
    """In their order."""
    clip = Clip("0" * 20, "")
    images = [
        Image(
            f"{clip.key}-{each.region}-view-{number:02d}",
            clip,
            _request(each),
            files=each.made,
            source=each.source,
        )
        for number, each in enumerate(shown)
    ]
    seen = {row.key: row.values for row in annotate.measure(images) if isinstance(row, Row)}
    looked = [replace(image, upstream={"annotate": seen[image.key]}) for image in images]
    yield from (row.values for row in judge.measure(looked) if isinstance(row, Row))


def rendered(seeds: Sequence[int], casts: int, out: Path) -> Iterator[Shown]:
    """Rendered when they are not there."""
    for seed in seeds:
        for cast in range(casts):
            folder = out / f"seed-{seed}" / f"cast-{cast}"
            if not (folder / "cases.json").exists():
                _render(seed, cast, folder)
            for case in json.loads((folder / "cases.json").read_text()):
                source, made = (_read(folder / case.pop(name)) for name in ("source", "made"))
                yield Shown(**case, source=source, made=made, is_relit=case["view"] is None)


def real(seen: Sequence[Seen]) -> Iterator[Shown]:
    """Pairs of pictures that select asks for."""
    people: dict[tuple[str, str], list[tuple[Mapping[str, Any], Files]]] = {}
    for each in seen:
        if each.filmed.state != "accepted" or "select" not in each.rows:
            continue
        person = TWINS.get(each.filmed.name, each.filmed.name)
        for request, files in _crops(each):
            people.setdefault((request["region"], person), []).append((request, files))
    for (region, person), pictures in people.items():
        source, files = next((each for each in pictures if each[0]["is_clearest"]), pictures[0])
        strangers = [p[0][1] for (r, other), p in people.items() if r == region and other != person]
        for number, (request, made) in enumerate(pictures):
            if abs(request["time_s"] - source["time_s"]) >= _APART_S:
                yield Shown(region, TRUE, None, files, made)
            if strangers:
                yield Shown(region, STRANGER, None, strangers[number % len(strangers)], made)


def _crops(seen: Seen) -> Iterator[tuple[Mapping[str, Any], Files]]:
    clip = Clip("0" * 20, seen.filmed.uri, upstream={"intake": seen.rows["intake"]})
    requests = {f"{clip.key}-{each['name']}": each for each in seen.rows["select"]["references"]}
    for row in Crops().measure([Image(key, clip, request) for key, request in requests.items()]):
        if isinstance(row, Row):
            yield requests[row.key], row.images


def _stage(stage: Any, *parameters: Any) -> Any:
    return stage(*parameters, **{role: load(_BACKENDS[role]) for role in stage.roles})


def _described(stage: Any) -> dict[str, tuple[str, str]]:
    return {role: describe(_BACKENDS[role]) for role in stage.roles}


def _render(seed: int, cast: int, folder: Path) -> None:
    # needs the extra `actors`, which nothing else here does
    from accuracy.stills import cases

    folder.mkdir(parents=True, exist_ok=True)
    written: dict[int, str] = {}
    told = []
    for case in list(cases(seed, [cast])):  # kept, so that no two pictures have one id
        for still in (case.source, case.made):
            if id(still) not in written:
                written[id(still)] = name = f"{len(written):03d}"
                (folder / f"{name}.webp").write_bytes(encoded(".webp", still.picture, [cv2.IMWRITE_WEBP_QUALITY, 95]))
                (folder / f"{name}.mask.png").write_bytes(encoded(".png", still.mask * np.uint8(255), []))
        view = case.view if case.asked == "another view" else None
        told.append(
            {
                "region": case.region,
                "kind": case.kind,
                "view": view,
                "is_seen": case.is_seen,
                "source": written[id(case.source)],
                "made": written[id(case.made)],
            }
        )
    (folder / "cases.json").write_text(json.dumps(told))


def _read(path: Path) -> Files:
    return {suffix: path.with_name(f"{path.name}.{suffix}").read_bytes() for suffix in ("webp", "mask.png")}
