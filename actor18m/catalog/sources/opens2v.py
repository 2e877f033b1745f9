"""Parts of OpenS2V-5M: JSON files of up to 66 GB, of which one clip at a time is in memory.

`{"<key>": {"metadata": {"path", "cut", "crop", "face_cut", ...}, "bbox": ..., "annotation": ...}, ...}`, or a list of
such clips. Paths begin in the JSON's own folder: put the JSON, or a link to it, beside the videos. `cut` is in frames,
`crop` is x0, x1, y0, y1; both are taken as they stand, and a window that the video does not have is found when it is
read. Of the rest the source keeps the scores, `face_cut` and the caption. Boxes and masks, which are in cropped
coordinates, stay where they are.
"""

from collections.abc import Iterator, Mapping

import ijson

from actor18m.catalog.sources.bounded import Bounded
from actor18m.catalog.sources.refused import Row, no_input
from actor18m.errors import ActorError
from actor18m.inputs import Input, beside, shown
from actor18m.redact import without_secrets
from actor18m.storage.far_file import open_uri

_SCORES = ("tech", "motion", "aesthetic", "fps", "num_frames")
_CAPTIONS = ("face_cap_qwen", "cap")
_CAPTION_LETTERS = 2000
"""Captions are half as long. A longer one is left out, since the catalog holds it for every clip."""
_CHUNK = 1 << 20


class _NoPart(ActorError):
    """The JSON holds something else than clips of OpenS2V."""


def read(uri: str) -> Iterator[Row]:
    with open_uri(uri) as stream:
        bounded = Bounded(uri, stream)
        try:
            for number, (key, clip) in enumerate(_clips(uri, bounded)):
                bounded.begin_clip()
                try:
                    row = f"clip {key!r}", _input(uri, key, clip)
                except (ActorError, UnicodeError) as error:
                    if number == 0 and isinstance(error, _NoPart):
                        raise ActorError(f"{shown(uri)}, clip {key!r}: {error}") from error
                    row = no_input(uri, f"clip {without_secrets(key)!r}", str(error))
                yield row
        except ijson.JSONError as error:
            what = str(error).partition("\n")[0]
            raise ActorError(f"{shown(uri)} is damaged or no JSON: {what}. Nothing was registered.") from error
        except OSError as error:
            raise ActorError(f"cannot read {shown(uri)}: {error.strerror or error}") from error


def _clips(uri: str, stream: Bounded) -> Iterator[tuple[str, object]]:
    while (first := stream.read(1)).isspace():
        pass
    stream.rewind()
    if first == b"{":
        yield from ijson.kvitems(stream, "", use_float=True, buf_size=_CHUNK)
    elif first == b"[":
        for number, clip in enumerate(ijson.items(stream, "item", use_float=True, buf_size=_CHUNK)):
            yield str(number), clip
    else:
        raise ActorError(f"{shown(uri)} is no JSON object or list of clips")


def _input(uri: str, key: str, clip: object) -> Input:
    metadata = clip.get("metadata") if isinstance(clip, Mapping) else None
    path = metadata.get("path") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(path, str):
        raise _NoPart(
            "it has no metadata with a path, so this is no part of OpenS2V. Lists of another shape are given as CSV, "
            "TSV, JSONL or Parquet with a column uri"
        )
    cut = _whole(metadata, "cut", 2)
    crop = _whole(metadata, "crop", 4)
    face_cut = _whole(metadata, "face_cut", 2)
    source: dict[str, object] = {"key": without_secrets(key), "path": without_secrets(path)}
    source.update((name, metadata[name]) for name in _SCORES if isinstance(metadata.get(name), int | float))
    if face_cut:
        source["face_cut"] = face_cut
        if cut and not cut[0] <= face_cut[0] <= face_cut[1] <= cut[1]:
            source["face_cut_outside"] = True
    if caption := _caption(metadata):
        source["caption"] = caption
    return Input(
        beside(uri, path),
        (cut[0], cut[1]) if cut else None,
        (crop[0], crop[1], crop[2], crop[3]) if crop else None,
        source=source,
    )


def _whole(metadata: Mapping[str, object], name: str, length: int) -> list[int] | None:
    values = metadata.get(name)
    if values is None:
        return None
    if isinstance(values, list) and len(values) == length:
        numbers = [int(value) for value in values if isinstance(value, int | float) and abs(value) < 2**53]
        if numbers == values:
            return numbers
    raise ActorError(f"{name} is {values!r}, not {length} whole numbers")


def _caption(metadata: Mapping[str, object]) -> str | None:
    for name in _CAPTIONS:
        given = metadata.get(name)
        first = given[0] if isinstance(given, list) and given else given
        if isinstance(first, str) and 0 < len(first) <= _CAPTION_LETTERS:
            return without_secrets(first)
    return None
