"""What a stage is: it is given clips or images with their upstream rows, and returns a row or a failure for each.

A stage measures and never decides: what it writes is compared with thresholds elsewhere. It keeps nothing between
calls, and its result for a clip or an image does not depend on those beside it.

There are three kinds under one contract. A stage of clips measures a video window; it may write a list of requests for
images. A stage of requests is a maker: it is given one request, and brings the picture along with its row. A stage of
images looks at a picture that was made, whoever made it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar, Generic, Literal

import pyarrow as pa
from typing_extensions import TypeVar

from actor18m.errors import instead_of
from actor18m.keys import fingerprint
from actor18m.ledger.rows import BESIDE, FAILED, OK, OUTCOME
from actor18m.ledger.values import NAME, array, can_be_stored
from actor18m.media.picture_header import Size, png_size, webp_size
from actor18m.media.readers import Reader
from actor18m.redact import redact
from actor18m.yaml_file import Section

UNAVAILABLE = "unavailable"
TEMPLATE = "template"
"""A restricted file, by which identities across clips are told: float32, all of one length, close for one person by
Euclidean distance."""
PICTURE = {"webp": "sha256", "mask.png": "mask_sha256"}
"""What a maker brings along, by suffix, and the column in which it says the SHA-256 of that. A mask may be missing."""
_RESERVED = frozenset([*OUTCOME.names, "part", *BESIDE.values()])


class Parameters(Section):
    """Every number that `measure` uses and that could be another one. All are part of the fingerprint."""


class ReadingParameters(Parameters):
    """Of a stage that looks at many frames of a clip, after another one had all of them decoded by PyAV: others show
    what is damaged without a word."""

    reader: Reader = "pyav"
    """Who decodes them. Another one's pixels may be others by a rounding, so it counts like any number."""


@dataclass(frozen=True)
class Clip:
    """One video window, and what the stages before measured of it: `clip.upstream["intake"]["duration_s"]`."""

    key: str
    uri: str
    cut: tuple[int, int] | None = None
    """First frame, and the one after the last."""
    crop: tuple[int, int, int, int] | None = None
    """x0, x1, y0, y1 in pixels."""
    upstream: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    """One picture of a clip's person: what asks for it and, once it was made, the picture itself."""

    key: str
    """`<clip>-<name>`."""
    clip: Clip
    """Whose person it shows, with the rows that the stage needs."""
    request: Mapping[str, Any] = field(default_factory=dict)
    """The element of the list that asks for it; empty for a stage of images that does not say `reads_request`."""
    upstream: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rows of other stages of images about this image."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By suffix, `webp` and `mask.png`: what the maker brought along. Empty for makers."""
    source: Mapping[str, bytes] = field(default_factory=dict)
    """Likewise of the image from which this one is made, where its request names one."""
    candidate: int = 1
    """Which attempt at the request this is."""

    @property
    def uri(self) -> str:
        """The clip's."""
        return self.clip.uri

    @property
    def name(self) -> str:
        """Its name among the clip's images: `face-self-01`."""
        return self.key.partition("-")[2]

    @property
    def region(self) -> str:
        """What it shows: `face`, `body` or `sheet`."""
        return self.name.partition("-")[0]


@dataclass(frozen=True)
class Row:
    """What was measured of one clip or image: a value for each column of the stage; None where there is none."""

    key: str
    values: Mapping[str, object]
    images: Mapping[str, bytes] = field(default_factory=dict)
    """A maker's picture and what belongs to it, by suffix; it is kept beside the row."""
    restricted: Mapping[str, bytes] = field(default_factory=dict)
    """Likewise what must never be published, such as embeddings of faces."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What it took to measure this, by names of the stage's `costs`: `{"dollars": 0.004}`. It is kept with the run,
    and never in the dataset."""


@dataclass(frozen=True)
class Failure:
    """Why one clip or image could not be measured, and would not be if it were tried again."""

    key: str
    kind: str
    """One word to count by, such as an exception's name. UNAVAILABLE: this profile cannot make such an image."""
    message: str
    costs: Mapping[str, float] = field(default_factory=dict)
    """Likewise."""


@dataclass(frozen=True)
class Schema:
    """A stage's name and the columns that it writes."""

    name: str
    columns: pa.Schema

    def table(self, outcomes: Sequence[Row | Failure], input_digests: Mapping[str, str]) -> pa.Table:
        """Outcomes as the ledger takes them. NaN is null: a value that is not there has one spelling."""
        rows = [self._row(outcome) | {"input_digest": input_digests[outcome.key]} for outcome in outcomes]
        whole = pa.schema([*OUTCOME, *self.columns])
        arrays = [array(column, [row.get(column.name) for row in rows]) for column in whole]
        return pa.Table.from_arrays(arrays, schema=whole)

    def _row(self, outcome: Row | Failure) -> dict[str, object]:
        if isinstance(outcome, Failure):
            return {"key": outcome.key, "state": FAILED, "error_kind": outcome.kind, "error": redact(outcome.message)}
        self._knows(outcome)
        return {"key": outcome.key, "state": OK, **outcome.values}

    def _knows(self, row: Row) -> None:
        names = set(self.columns.names)
        for name in sorted(row.values.keys() - names):
            raise ValueError(f"stage {self.name} has no column {name}; {instead_of(name, names)}")
        if missing := sorted(names - row.values.keys()):
            raise ValueError(f"a row of stage {self.name} lacks {', '.join(missing)}; None stands for no value")


def schema(name: str, **columns: pa.DataType) -> Schema:
    """The columns of a stage, in the order they are shown: `schema("identity", similarity=list_(float32()))`."""
    if not NAME.fullmatch(name):
        raise ValueError(f"a stage's name has lower-case letters, digits and _, not {name!r}")
    for column, kind in columns.items():
        if not NAME.fullmatch(column) or column in _RESERVED:
            raise ValueError(f"{name}: a column cannot be called {column!r}")
        if not can_be_stored(kind):
            raise ValueError(f"{name}: column {column} cannot be a {kind}")
    return Schema(name, pa.schema(list(columns.items())))


@dataclass(frozen=True)
class Requests:
    """Where a stage of clips asks for images: in a list of structs with the field `name`, and whatever else tells the
    maker what is wanted.
    """

    column: str
    source: str
    """The third word of its images' keys, such as `self` in `face-self-01`: no two stages share one."""
    private: tuple[str, ...] = ()
    """Fields that are for the maker alone, and not published."""
    made_from: tuple[str, ...] = ()
    """Third words of the images from which these are made: the field `source_image` of a request then names one of the
    same clip, or nothing."""
    told_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields that are filled from parameters alone, and from which: set in vain where no maker reads the field."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Of names."""
        return re.compile(rf"(face|body|sheet)-{re.escape(self.source)}-\d{{2,}}")


@dataclass(frozen=True)
class KnownPairs:
    """Of a stage of images that judges: in which columns it says what it answered, and what it answered about a pair of
    which it is known that the two differ. Of most images there is none: `kind` is then null."""

    verdict: str
    confidence: str
    """0 to 1, how sure it is of its verdict."""
    kind: str
    """What differs, in a word or two."""
    known_verdict: str
    known_confidence: str
    accepts: str
    """The verdict by which it takes two pictures for one person's."""


Unit = TypeVar("Unit", default=Clip)
"""What a stage is given."""


class Stage(Generic[Unit]):
    """A measurement of clips or, as `Stage[Image]`, of images. Subclasses say what they need, and define `measure`."""

    version: ClassVar[int]
    of: ClassVar[Literal["clips", "requests", "images"]] = "clips"
    """What it is given: clips; requests, for each of which it makes an image; or images that were made."""
    needs: ClassVar[Mapping[type["Stage[Any]"], Sequence[str]]] = {}
    """The stages before it, and which of their columns it reads: only those are given to it, and only they count when
    a row is looked up again."""
    requests: ClassVar[Requests | None] = None
    """Of a stage of clips, where it asks for images."""
    reads_request: ClassVar[bool] = False
    """Of a stage of images: it is given the request, too, and looks again when that changes."""
    reads_source_image: ClassVar[bool] = False
    """Likewise the image from which the image was made."""
    known_pairs: ClassVar[KnownPairs | None] = None
    """Of a stage of images, where it says how often it is wrong."""
    tells: ClassVar[Mapping[str, str]] = {}
    """Of a stage of images, columns that say yes or no, and what yes means: `{"copy_solves": "a copy solves"}`. Of how
    many kept images that is true, `status` and the dataset's card say."""
    leaves_aside: ClassVar[Sequence[str]] = ()
    """Of a maker, fields of requests that it makes no use of."""
    reads_source: ClassVar[bool] = True
    """False: it measures rows and images alone, never the clip's file, which may have gone meanwhile."""
    roles: ClassVar[Mapping[str, type]] = {}
    may_lack: ClassVar[Set[str]] = frozenset()
    """Roles that a pipeline may leave unplayed: then `self.backends` has none for them, and the stage does without."""
    writes: ClassVar[Schema]
    costs: ClassVar[Sequence[str]] = ()
    """What its rows say that they cost, such as `("tokens", "dollars")`: a pipeline may set a budget for it."""
    parameters: Parameters = Parameters()
    """A subclass assigns its own, with every default: `parameters = IdentityParameters()`."""

    def __init__(self, parameters: Parameters | None = None, **backends: Any) -> None:
        """Takes one backend for each role: `Identity(faces=CenterFace(...), identity=DlibFace(...))`."""
        wanted = type(self).parameters
        if parameters is not None:
            if type(parameters) is not type(wanted):
                raise TypeError(f"{self.writes.name} takes {type(wanted).__name__}, not {type(parameters).__name__}")
            self.parameters = parameters
        for role in sorted(backends.keys() - self.roles.keys()):
            raise TypeError(f"{self.writes.name} has no role {role}; {instead_of(role, self.roles)}")
        if unplayed := sorted(self.roles.keys() - backends.keys() - self.may_lack):
            raise TypeError(f"{self.writes.name} needs a backend for {', '.join(unplayed)}")
        self.backends: Mapping[str, Any] = backends

    def measure(self, units: Sequence[Unit], /) -> Iterable[Row | Failure]:
        """One outcome for each clip or image, in any order."""
        raise NotImplementedError

    def check(self, outcome: Row | Failure) -> None:
        """Raises ValueError where a row does not say what others rely on."""
        for name, value in outcome.costs.items():
            if name not in self.costs:
                raise ValueError(f"stage {self.writes.name} has no cost {name}; {instead_of(name, self.costs)}")
            if not 0 <= value < math.inf:
                raise ValueError(f"stage {self.writes.name}: {name} of {outcome.key} is {value!r}, which is no cost")
        if isinstance(outcome, Failure):
            return
        if self.requests is not None:
            _check_requests(self.writes.name, self.requests, outcome)
        if self.of == "requests":
            _check_picture(self.writes.name, outcome)

    @classmethod
    def fingerprint(cls, parameters: Parameters, backends: Mapping[str, tuple[str, str]]) -> str:
        """What a row depends on besides its input; `backends` is role -> (name, digest of its weights)."""
        if not cls.roles.keys() - cls.may_lack <= backends.keys() <= cls.roles.keys():
            raise ValueError(f"{cls.writes.name} has the roles {sorted(cls.roles)}, not {sorted(backends)}")
        return fingerprint(cls.writes.name, cls.version, parameters.model_dump(mode="json"), backends)


def _check_requests(stage: str, requests: Requests, row: Row) -> None:
    asked = row.values[requests.column]
    names = [each["name"] for each in asked] if isinstance(asked, list | tuple) else []
    for name in names:
        if not requests.pattern.fullmatch(name):
            raise ValueError(
                f"stage {stage} asks for an image called {name!r}; names are like face-{requests.source}-01"
            )
    if len({*names}) < len(names):
        raise ValueError(f"stage {stage} asks for two images of one name: {', '.join(sorted(names))}")


def _check_picture(stage: str, row: Row) -> None:
    for suffix, column in PICTURE.items():
        content = row.images.get(suffix)
        if content is None and suffix == "webp":
            raise ValueError(f"stage {stage} brought no picture of {row.key}: `images` must have a `webp`")
        if (None if content is None else sha256(content).hexdigest()) != row.values.get(column):
            raise ValueError(f"stage {stage}: {column} of {row.key} is not the SHA-256 of its {suffix}")
    sizes = {suffix: _size(stage, row.key, suffix, content) for suffix, content in row.images.items()}
    if len({*sizes.values()}) > 1:
        told = ", ".join(f"{suffix} is of {width} x {height}" for suffix, (width, height) in sizes.items())
        raise ValueError(f"stage {stage}: of {row.key}, {told} pixels; a mask is as large as its picture")


def _size(stage: str, key: str, suffix: str, content: bytes) -> Size:
    try:
        return webp_size(content) if suffix == "webp" else png_size(content)
    except ValueError as error:
        raise ValueError(f"stage {stage}: the {suffix} of {key} {error}") from None
