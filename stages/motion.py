"""Motion: who the clip is about, followed through it, and what breaks it: cuts, others, occlusions, another face.

Eight samples a second, one decode. In each sample people are found, each with colours and with points that are followed
into the next sample; the frame is encoded and compared with the one before and with the first. People become tracks,
and one of them is the subject: the one who is there longest, largest and nearest the middle, with a face. For cuts that
samples miss, every frame that is decoded on the way is compared, small and grey, with its neighbours.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from statistics import fmean
from typing import ClassVar

import numpy as np
from pyarrow import float32, int32, list_, string, struct
from pydantic import PositiveFloat, PositiveInt

from actor18m.arrays import Box, Floats, Frame
from actor18m.media.boxes import shrunk, size
from actor18m.media.breaks import LONGER_SIDE, Break, BreakFinder
from actor18m.media.chunks import chunks
from actor18m.media.colours import colours
from actor18m.media.hidden import hidden_runs, visible_fractions
from actor18m.media.shots import Blend, BlendFinder, dissolves, thumb
from actor18m.media.similarity import similarity
from actor18m.media.tracks import SeenPerson, Track, prominence, subject, tracks
from actor18m.media.video import frames
from actor18m.models.roles import FrameEncoder, Person, PersonDetector, PointTracker
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from stages.identity import Identity
from stages.links import LINK, FaceAt, faces_at, is_of, links
from stages.looks.others import OTHER, count, others
from stages.looks.people import PeopleFinder, Sample
from stages.told import SIDES, one_by_one, rounded, rounded_fields, sides

_BOX = [(side, float32()) for side in SIDES]
_SUBJECT = struct([*_BOX, ("score", float32())])
_CUT = struct(
    [("kind", string()), ("first_s", float32()), ("last_s", float32()), ("similarity", float32()),
     ("unexplained", float32())]
)  # fmt: skip
"""`kind` is hard or dissolve. Hard: the last sample of the old shot and the first of the new one; dissolve: the samples
between which the pictures mix. `similarity` is the encoder's, across it; `unexplained` that of the largest break
within, 0 where there is none."""
_BREAK = struct([(name, float32()) for name in ("at_s", "difference", "ratio", "unexplained", "torn", "pulse")])
"""A step from one frame to the next that movement does not explain, as `media.breaks` tells it."""
_OCCLUSION = struct([("start_s", float32()), ("end_s", float32()), ("visible_fraction", float32())])
"""From the first sample in which the subject is hidden to the first in which it is not; `visible_fraction` is the
lowest."""


class MotionParameters(Parameters):
    """`fps` samples a second. Below that come the numbers by which people, cuts and occlusions are found."""

    fps: PositiveFloat = 8.0
    min_person_score: PositiveFloat = 0.5
    """People at least so sure are counted, and begin a track; those of `min_followed_score` go on with one."""
    min_followed_score: PositiveFloat = 0.2
    max_people: PositiveInt = 4
    """In a sample, so many are followed: the surest."""
    everywhere_every: PositiveInt = 4
    """Of the samples, so many-th ones are looked at everywhere; between two that show one person, it is looked where
    the person is, and everywhere where that is not enough. 1 looks everywhere always."""
    points: PositiveInt = 60
    max_gap_s: PositiveFloat = 1.0
    """Someone who is not seen for longer begins another track."""
    min_alike: PositiveFloat = 0.7
    """Tracks at different times with colours so much alike are one person."""
    max_cut_similarity: PositiveFloat = 0.70
    """Neighbours below it are two shots. On the samples cuts have 0.30 to 0.59, other neighbours at least 0.77."""
    max_dissolve_similarity: PositiveFloat = 0.85
    max_dissolve_residual: PositiveFloat = 0.36
    max_dissolve_bend: PositiveFloat = 0.06
    min_dissolve_contrast: PositiveFloat = 25.0
    """On the samples dissolves have 0.52 to 0.67, at most 0.29 and 0.02, and 51 to 52. Elsewhere, on samples and films,
    the residual is at least 0.41 where the mixture changes so evenly and has so much contrast."""
    dissolve_s: PositiveFloat = 2.0
    """The longest dissolve that is looked for; half of it is tried too."""
    half_hidden: PositiveFloat = 0.4
    """A subject of whom less is visible is hidden, if points are lost too: at least a share of `min_lost`."""
    min_lost: PositiveFloat = 0.5
    min_hidden_s: PositiveFloat = 0.25
    around_s: PositiveFloat = 1.5
    """How long before and after a sample it is looked at how large the subject is when it can be seen."""


class Motion(Stage):
    """Needs a detector, an encoder and a point tracker."""

    version = 6
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {Identity: ("frame_times", "faces")}
    roles: ClassVar = {"people": PersonDetector, "encoder": FrameEncoder, "points": PointTracker}
    writes = schema(
        "motion",
        frame_times=list_(float32()),
        subject=list_(_SUBJECT),
        subject_share=float32(),
        people=list_(int32()),
        others=list_(OTHER),
        cuts=list_(_CUT),
        breaks=list_(_BREAK),
        neighbour_similarity=list_(float32()),
        min_neighbour_similarity=float32(),
        mean_neighbour_similarity=float32(),
        similarity_to_first=list_(float32()),
        visible_fraction=list_(float32()),
        displacement=list_(float32()),
        occlusions=list_(_OCCLUSION),
        links=list_(LINK),
    )
    """Lists have one entry a sample; `neighbour_similarity` and `displacement` compare with the sample before, and are
    null for the first. `displacement` is that of the middle one of the subject's points, as a share of the diagonal.
    `subject_share` is the share of the samples in which the subject is seen."""
    parameters = MotionParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return one_by_one(clips, lambda clip: Row(clip.key, self._measured(clip)))

    def _measured(self, clip: Clip) -> Mapping[str, object]:
        told = self.parameters
        looked = self._looked(clip)
        times, height, width = looked.times, looked.height, looked.width
        gap = round(told.max_gap_s * told.fps)
        found = tracks(looked.people, told.min_person_score, gap)
        faces = faces_at(clip.upstream["identity"], times)
        chosen = subject(found, [_weight(track, faces, height, width) for track in found], told.min_alike)
        seen = [chosen.seen.get(i) for i in range(len(times))]
        boxes = [person.box if person else None for person in seen]
        kept = [person.kept if person else 0.0 for person in seen]
        visible = visible_fractions(boxes, (height, width), round(told.around_s * told.fps))
        hidden = hidden_runs(visible, kept, told.half_hidden, told.min_lost, round(told.min_hidden_s * told.fps))
        diagonal = float(np.hypot(height, width))
        return {
            "frame_times": [rounded(time) for time in times],
            "subject": [_box_row(person) for person in seen],
            "subject_share": rounded(len(chosen.seen) / len(times)),
            "people": [count(people, told.min_person_score) for people in looked.people],
            "others": others(found, chosen, times),
            "cuts": self._cuts(looked),
            "breaks": [rounded_fields(asdict(each)) for each in looked.breaks],
            "neighbour_similarity": [None, *map(rounded, looked.neighbours)],
            "min_neighbour_similarity": rounded(min(looked.neighbours, default=None)),
            "mean_neighbour_similarity": rounded(fmean(looked.neighbours) if looked.neighbours else None),
            "similarity_to_first": [rounded(value) for value in looked.to_first],
            "visible_fraction": [rounded(value) for value in visible],
            "displacement": [None, *(rounded(_length(p.step) / diagonal) if p else None for p in seen[:-1])],
            "occlusions": [
                {"start_s": rounded(times[first]),
                 "end_s": rounded(times[last + 1] if last + 1 < len(times) else times[last] + 1 / told.fps),
                 "visible_fraction": rounded(min(visible[first : last + 1]))}
                for first, last in hidden
            ],
            "links": links(faces, seen, times),
        }  # fmt: skip

    def _looked(self, clip: Clip) -> "_Looked":
        told = self.parameters
        encoder = self.backends["encoder"]
        halves = sorted({max(2, round(told.dissolve_s * told.fps / parts)) for parts in (2, 4)})
        finders = [BlendFinder(encoder.metric, half) for half in halves]
        looked, breaks = _Looked(), BreakFinder()
        first: Floats | None = None
        last: tuple[Frame, Floats, list[_Marked]] | None = None
        samples = frames(clip.uri, clip.cut, clip.crop, told.fps, (breaks.add, LONGER_SIDE))
        finder = PeopleFinder(self.backends["people"], told.everywhere_every, told.min_person_score)
        for found in finder.people(self._encoded(samples)):
            for (time_s, frame, vector), marked in self._marked(found):
                looked.height, looked.width = frame.shape[:2]
                first = vector if first is None else first
                if last is not None:
                    looked.neighbours.append(similarity(encoder.metric, last[1], vector))
                    looked.people.append(self._followed(last[0], frame, last[2]))
                looked.to_first.append(similarity(encoder.metric, first, vector))
                small = thumb(frame)
                looked.blends += [blend for finder in finders if (blend := finder.add(small, vector))]
                looked.times.append(time_s)
                last = frame, vector, marked
        if last is not None:
            looked.people.append([SeenPerson(box, score, colours, 1.0) for box, score, colours, _ in last[2]])
        looked.breaks = breaks.found()
        return looked

    def _encoded(self, samples: Iterable[tuple[float, Frame]]) -> Iterator[list[Sample]]:
        for chunk in chunks(samples, itemgetter(1)):
            vectors = self.backends["encoder"].encode([frame for _, frame in chunk])
            yield [(*sample, vector) for sample, vector in zip(chunk, vectors, strict=True)]

    def _marked(self, samples: Sequence[tuple[Sample, list[Person]]]) -> "list[tuple[Sample, list[_Marked]]]":
        """The people of each sample who are followed, with colours and points of what is surely theirs."""
        followed = [(sample, self._worth_following(people)) for sample, people in samples]
        shown = [(frame, person) for (_, frame, _), people in followed for person in people]
        inner = [shrunk(person.box, _INNER) for _, person in shown]
        points = self.backends["points"].seed([frame for frame, _ in shown], inner, self.parameters.points)
        marked = iter(
            [
                (person.box, person.score, colours(frame, box), own)
                for (frame, person), box, own in zip(shown, inner, points, strict=True)
            ]
        )
        return [(sample, [next(marked) for _ in people]) for sample, people in followed]

    def _worth_following(self, people: Sequence[Person]) -> list[Person]:
        told = self.parameters
        sure = [person for person in people if size(person.box) > 0 and person.score >= told.min_followed_score]
        return sure[: told.max_people]

    def _followed(self, before: Frame, frame: Frame, people: "list[_Marked]") -> list[SeenPerson]:
        """All points at once: the tracker prepares each frame only once then."""
        starts = [points for *_, points in people]
        if not sum(map(len, starts)):
            return [SeenPerson(box, score, looks) for box, score, looks, _ in people]
        (_, there), (_, is_kept) = self.backends["points"].track([before, frame], np.concatenate(starts))
        found, at = [], 0
        for box, score, looks, points in people:
            mine = slice(at, at + len(points))
            at += len(points)
            steps = (there[mine] - points)[is_kept[mine]]
            step = (float(np.median(steps[:, 0])), float(np.median(steps[:, 1]))) if len(steps) else (0.0, 0.0)
            found.append(SeenPerson(box, score, looks, float(is_kept[mine].mean()) if len(points) else 0.0, step))
        return found

    def _cuts(self, looked: "_Looked") -> list[dict[str, object]]:
        told, times = self.parameters, looked.times
        mixed = dissolves(
            [
                blend
                for blend in looked.blends
                if blend.similarity <= told.max_dissolve_similarity
                and blend.residual <= told.max_dissolve_residual
                and blend.bend <= told.max_dissolve_bend
                and blend.contrast >= told.min_dissolve_contrast
                and min(looked.neighbours[blend.first : blend.last]) > told.max_cut_similarity
            ]
        )
        found = [("dissolve", blend.first, blend.last, blend.similarity) for blend in mixed]
        found += [
            ("hard", i, i + 1, like) for i, like in enumerate(looked.neighbours) if like <= told.max_cut_similarity
        ]
        return [
            {
                "kind": kind,
                "first_s": rounded(times[first]),
                "last_s": rounded(times[last]),
                "similarity": rounded(like),
                "unexplained": rounded(
                    max(
                        (each.unexplained for each in looked.breaks if times[first] < each.at_s <= times[last]),
                        default=0.0,
                    )
                ),
            }
            for kind, first, last, like in sorted(found, key=lambda cut: cut[1])
        ]


_INNER = 0.15
"""Of a person's box, so much is left out at each side: the surroundings show there."""
_Marked = tuple[Box, float, Floats, Floats]
"""Box, score, colours and points of a person in a frame."""


@dataclass
class _Looked:
    """What one pass over a clip's samples tells."""

    height: int = 0
    width: int = 0
    times: list[float] = field(default_factory=list)
    people: list[list[SeenPerson]] = field(default_factory=list)
    neighbours: list[float] = field(default_factory=list)
    to_first: list[float] = field(default_factory=list)
    blends: list[Blend] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)


def _weight(track: Track, faces: Sequence[FaceAt], height: int, width: int) -> float:
    """A face makes someone more likely the one the clip is about than a back does."""
    own = sum(float(face["score"]) for face in faces if (seen := track.seen.get(face["sample"])) and is_of(face, seen))
    return prominence(track, height, width) * (1 + own)


def _box_row(person: SeenPerson | None) -> dict[str, object] | None:
    if person is None:
        return None
    return rounded_fields({"score": person.score, **sides(person.box)})


def _length(step: tuple[float, float]) -> float:
    return float(np.hypot(*step))
