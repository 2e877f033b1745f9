"""Where does the subject look, how clearly is the face seen, and what does it express? At motion's samples."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

from pyarrow import list_, string
from pydantic import PositiveFloat, PositiveInt

from actor18m.media.chunks import chunks
from actor18m.media.video import frames
from actor18m.stage import Clip, Failure, ReadingParameters, Row, Stage, schema
from stages.looks.face import FACE, PARSING, FaceParameters, FaceReader
from stages.motion import Motion
from stages.told import box_of, one_by_one


class FacesParameters(FaceParameters, ReadingParameters):
    """`fps` is motion's; of its samples every one, every second one and so on is looked at."""

    fps: PositiveFloat = 8.0
    every: PositiveInt = 1


class Faces(Stage):
    """Needs a detector, a mesh, a parser and a reader of expressions; where a model of head poses is there, too, it is
    asked about faces without a mesh."""

    version = 3
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {Motion: ("frame_times", "subject")}
    roles: ClassVar = FaceReader.roles
    may_lack: ClassVar = FaceReader.may_lack
    writes = schema("faces", faces=list_(FACE), parsing=list_(PARSING), parsing_method=string())
    """At most one face a sample, the subject's; `parsing` has one entry for each of `faces`."""
    parameters = FacesParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        reader = FaceReader(self.backends, self.parameters)
        return one_by_one(clips, lambda clip: Row(clip.key, self._measured(clip, reader)))

    def _measured(self, clip: Clip, reader: FaceReader) -> Mapping[str, object]:
        subject = clip.upstream["motion"]["subject"]
        faces: list[dict[str, Any]] = []
        parsing: list[dict[str, Any]] = []
        pictures = frames(clip.uri, clip.cut, clip.crop, self.parameters.fps, reader=self.parameters.reader)
        looked_at = (
            (sample, frame, box_of(person))
            for sample, ((_, frame), person) in enumerate(zip(pictures, subject, strict=True))
            if person is not None and sample % self.parameters.every == 0
        )
        for chunk in chunks(looked_at, itemgetter(1)):
            found = reader.find([frame for _, frame, _ in chunk], [box for *_, box in chunk])
            seen = [
                (sample, frame, face, box)
                for (sample, frame, box), face in zip(chunk, found, strict=True)
                if face is not None
            ]
            read = reader.read(
                [frame for _, frame, _, _ in seen], [face for *_, face, _ in seen], [box for *_, box in seen]
            )
            for (sample, *_), (measured, parts) in zip(seen, read, strict=True):
                faces.append({"sample": sample, **measured})
                parsing.append({"sample": sample, **parts})
        return {"faces": faces, "parsing": parsing, "parsing_method": reader.parsing_method}
