"""A stage that asks for sheets of any clip, whoever is in it."""

from collections.abc import Iterable, Sequence
from typing import Any

from pyarrow import list_, struct

from actor18m.stage import Clip, Requests, Row, Stage, schema
from stages.sheets import SHEET, VIEWS
from stages.told import SIDES

OF_CLIP = 2
_ASKED = struct([field for field in SHEET if field.name != "source_image"])
PIPELINE = """\
name: in_jobs
profile: test
stages:
  - stage: stages.intake:Intake
  - stage: tests.stages.asked.sheets_of_clips:SheetsOfClips
  - stage: stages.asked.sheets:AskedSheets
    parameters: {{max_px: 64}}
    roles: {{editor: {{backend: gemini-image, url: "{url}", model: m, jobs_of: {jobs_of}, gather_s: 0.5, look_every_s: 0.1}}}}
    run: {run}
subsets:
  C: {{stages: [sheets_of_clips], references: sheet_images}}
publish: {{images: all}}
"""  # noqa: E501


class SheetsOfClips(Stage):
    version = 1
    reads_source = False
    requests = Requests("wanted", "three", private=("masks", "points", "visibility"))
    writes = schema("sheets_of_clips", wanted=list_(_ASKED))

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row]:
        for clip in clips:
            yield Row(clip.key, {"wanted": [_sheet(number) for number in range(1, OF_CLIP + 1)]})


def _sheet(number: int) -> dict[str, Any]:
    box = dict(zip(SIDES, (0, 0, 64 + number, 96), strict=True))
    anchors = [
        {"view": view, "image": "", "sample": at, "time_s": at / 8, "yaw_deg": 0.0, **box, "is_cut_off": False}
        for at, view in enumerate(VIEWS)
    ]
    asked = {"name": f"sheet-three-{number:02d}", "region": "sheet", "anchors": anchors}
    return {**asked, "masks": [], "points": [], "visibility": []}
