"""The whole story of a clip or an image: where it came from, what was measured, what decided, and what went wrong."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import COLUMNS
from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri, local_path
from actor18m.keys import clip_of
from actor18m.policy.words import is_image
from actor18m.redact import without_secrets
from actor18m.survey.admission import NO_FILE
from actor18m.survey.chain import DURATION, FIRST_WRITES, SIGNATURE
from actor18m.survey.image_digests import like_keys
from actor18m.survey.image_story import image_story
from actor18m.survey.project import Project
from actor18m.survey.snapshot import Record
from actor18m.survey.stage_story import held_rows, stage_story
from actor18m.survey.subsets import reason
from actor18m.survey.survey import Surveyed

_NAME = re.compile(r"[0-9a-f]{6,20}")


def explain(project: Project, name: str) -> list[dict[str, Any]]:
    """Of each input or image that the name means: an image's key, an input's id or a clip's key or their first digits,
    a path, or a URI."""
    record = project.record()
    columns = [each for each in COLUMNS if each != "version"]
    found: dict[str, dict[str, Any]] = {}
    near: list[str] | None = None
    for _, surveyed in record.surveyed(columns):
        if is_image(name) and pc.any(pc.equal(surveyed.inputs["clip"], clip_of(name))).as_py():
            near = _images_of(surveyed, clip_of(name))["key"].to_pylist()
        for image in surveyed.images.filter(pc.equal(surveyed.images["key"], name)).to_pylist():
            found[name] = image_story(project, record, surveyed, image)
        for number in _matching(surveyed, name):
            story = _story(project, record, surveyed, number)
            found[story["id"]] = story
        _add_clips(found, surveyed)
    _add_originals(project, found)
    if not found:
        raise ActorError(_not_found(name, near))
    return list(found.values())


def _not_found(name: str, images: Collection[str] | None) -> str:
    """`images`: keys of the images of the clip that an image's key names; None where there is no such clip."""
    if not is_image(name):
        return (
            f"nothing is registered that {name!r} means. Give a clip's key, an input's id, a path or a URI, or an "
            "image's key; `actor18m status --inputs` lists inputs and clips, `actor18m explain CLIP` a clip's images."
        )
    if images is None:
        return f"there is no clip {clip_of(name)}, and so no image {name}. `actor18m status --inputs` lists the clips."
    if not images:
        clip = clip_of(name)
        return f"no image is asked for of clip {clip}: `actor18m explain {clip}` tells what became of it."
    return f"no image {name} is asked for. {like_keys(name, images)}"


def _add_clips(found: Mapping[str, dict[str, Any]], surveyed: Surveyed) -> None:
    """To the stories of sources, what became of the clips that they are split into: those come later."""
    inputs = surveyed.inputs
    mine = inputs.filter(pc.is_in(inputs["parent"], pa.array([*found], pa.string())))
    for row in mine.select(["parent", "id", "clip", "cut", "state", "stage", "rule"]).to_pylist():
        found[row.pop("parent")].setdefault("clips", []).append(row)


def _add_originals(project: Project, found: Mapping[str, dict[str, Any]]) -> None:
    """To the stories of duplicates, which file they repeat, and how alike the two are."""
    repeats = [story for story in found.values() if "duplicate_of" in story]
    if not repeats:
        return
    wanted = pa.array({story["duplicate_of"] for story in repeats}, pa.string())
    record, link = project.record(), project.chain[0]
    originals: dict[str, dict[str, Any]] = {}
    for _, surveyed in record.surveyed(("id", "lot", "uri")):
        stands = pc.and_(pc.is_in(surveyed.inputs["clip"], wanted), pc.is_null(surveyed.inputs["duplicate_of"]))
        for row in surveyed.inputs.filter(stands).select(["clip", "id", "lot", "uri"]).to_pylist():
            rows = link.ledger(project.store).read_lot(record.files[link.name][row["lot"]], list(FIRST_WRITES))
            (told,) = rows.filter(pc.equal(rows["key"], row["id"])).slice(0, 1).to_pylist()
            originals[row["clip"]] = row | told
    for story in repeats:
        if (original := originals.get(story["duplicate_of"])) is not None:
            story["duplicate_uri"] = original["uri"]
            own = story["stages"][0]["values"]
            if (share := _differing_share(own[SIGNATURE], original[SIGNATURE])) is not None:
                story["differing_share"] = share
                story["duration_apart_s"] = round(abs(own[DURATION] - original[DURATION]), 4)


def _differing_share(one: str | None, other: bytes | None) -> float | None:
    """Of the bits of two signatures; None where they cannot be compared."""
    if one is None or other is None or len(one) != 2 * len(other):
        return None
    return round((int(one, 16) ^ int.from_bytes(other)).bit_count() / (8 * len(other)), 4)


def _matching(surveyed: Surveyed, name: str) -> Iterator[int]:
    inputs = surveyed.inputs
    if _NAME.fullmatch(name):
        hit = pc.or_(pc.starts_with(inputs["id"], name), pc.fill_null(pc.starts_with(inputs["clip"], name), False))
    else:
        # of a source that is split, its story tells of the clips
        hit = pc.and_(pc.equal(inputs["uri"], _registered(name)), pc.is_null(inputs["parent"]))
    return (number for number, is_hit in enumerate(hit.to_pylist()) if is_hit)


def _registered(name: str) -> str:
    """What it was registered under: secrets never are."""
    uri = canonical_uri(name)
    return uri if local_path(uri) else without_secrets(uri)


def _story(project: Project, record: Record, surveyed: Surveyed, number: int) -> dict[str, Any]:
    row = surveyed.inputs.slice(number, 1).to_pylist()[0]
    fate = {
        name: value
        for name, value in row.items()
        if value is not None and name not in ("present", "removed", "version")
    }
    said = [str(each) for each in project.overrides if each.key == row["clip"]]
    removed = project.words.removed
    said += [str(word) for word in map(removed.get, (row["id"], row["parent"])) if word is not None]
    told = fate | {"stages": list(_stages(project, record, surveyed, number, row)), "overrides": said}
    if not row["clip"]:
        return told
    return told | {"without_images": _without_images(surveyed, number), "images": _images(surveyed, row["clip"])}


def _stages(
    project: Project, record: Record, surveyed: Surveyed, number: int, row: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    standing = {row["stage"]: row["state"]} | _held_in(surveyed, number)
    for link in project.links:
        is_source = link is project.splitter
        if (is_source and row["parent"] is not None) or link.stage_class.of != "clips":
            continue
        key = row["id"] if is_source or link is project.chain[0] else row["clip"]
        held = held_rows(project, record, link, row["lot"], key)
        if not held:
            continue
        if is_source:
            decided, digests = None, [row["version"] or NO_FILE]
        else:
            decided = surveyed.measured[link.name]
            decided = decided.filter(pc.equal(decided["number"], number))
            digests = decided["input_digest"].to_pylist()
        yield stage_story(link, held, digests, decided, standing.get(link.name))
        if is_source and row["stage"] == link.name:
            return


def _held_in(surveyed: Surveyed, number: int) -> dict[str, str]:
    """Stage of a subset -> how the clip ended there."""
    tables = [held.filter(pc.equal(held["number"], number)) for held in surveyed.held.values()]
    return {row["stage"]: row["state"] for rows in tables for row in rows.to_pylist()}


def _without_images(surveyed: Surveyed, number: int) -> dict[str, str]:
    """By subset that would take the clip in and has no images of it, why."""
    found = {subset: held.filter(pc.equal(held["number"], number)) for subset, held in surveyed.held.items()}
    return {subset: reason(row) for subset, rows in found.items() for row in rows.to_pylist()}


def _images(surveyed: Surveyed, clip: str) -> list[dict[str, Any]]:
    """What became of each image that the clip asks for."""
    names = ["key", "state", "stage", "rule", "value", "bound", "error_kind", "why"]
    rows: list[dict[str, Any]] = _images_of(surveyed, clip).select(names).to_pylist()
    return rows


def _images_of(surveyed: Surveyed, clip: str) -> pa.Table:
    return surveyed.images.filter(pc.equal(surveyed.images["clip"], clip))
