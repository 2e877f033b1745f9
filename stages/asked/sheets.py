"""Three-view sheets by a model that is asked: it is sent the three real pictures, and makes one sheet of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from pydantic import PositiveFloat, PositiveInt

from actor18m.batched import Batched
from actor18m.keys import seed
from actor18m.media.encoded import decoded
from actor18m.media.source import MediaError
from actor18m.models.asked_roles import AskedEditor, Edited, NoAnswer, Written
from actor18m.models.roles import Edit
from actor18m.stage import Failure, Image, Row, schema
from actor18m.waiting import WaitingStage
from stages.anchors import anchor_pictures
from stages.brought import PictureParameters, brought
from stages.edited.made import generated
from stages.edited.sheets import PROMPT
from stages.layout import OF_SHEET, of_panels


class AskedSheetsParameters(PictureParameters):
    prompt: str = PROMPT
    """Another one makes the sheets anew."""
    fps: PositiveFloat = 8.0
    """Motion's: samples are counted by it."""
    max_px: PositiveInt = 1024
    """Of the longer side of each picture that is sent."""
    height_px: PositiveInt = 896
    width_px: PositiveInt = 1344
    """The model makes what is nearest to this shape."""


@dataclass(frozen=True, eq=False)
class Asked:
    """For one sheet."""

    image: Image
    edit: Edit
    written: Written


class AskedSheets(WaitingStage[Image, Asked]):
    """Asks for each sheet once. Nobody tells the person in it from the ground: it has no mask."""

    version = 1
    of = "requests"
    roles: ClassVar = {"editor": AskedEditor}
    costs = ("tokens",)
    writes = schema("sheet_images", **OF_SHEET)
    parameters = AskedSheetsParameters()
    _batched: Mapping[asyncio.AbstractEventLoop, Batched] = MappingProxyType({})
    """Of the loop in which it asks."""

    def prepare(self, image: Image, /) -> Asked | Failure:
        of = self.parameters
        try:
            pictures = anchor_pictures(image, of.fps, of.max_px)
        except MediaError as error:
            return Failure(image.key, error.kind, str(error))
        edit = Edit(pictures, of.prompt, seed(image.key, "sheet", image.candidate), of.height_px, of.width_px)
        return Asked(image, edit, self.backends["editor"].write(edit))

    async def measure_one(self, asked: Asked, /) -> Row | Failure:
        answer = await self._answer(asked)
        if isinstance(answer, NoAnswer):
            return Failure(asked.image.key, answer.kind, answer.why, {"tokens": answer.tokens})
        return await asyncio.to_thread(self._row, asked, answer)

    def kept(self, keys: Sequence[str], /) -> None:
        for batched in self._batched.values():
            batched.kept(keys)

    async def _answer(self, asked: Asked) -> Edited | NoAnswer:
        """By itself or, where the editor has jobs, in one with others."""
        jobs = self.backends["editor"].batches
        if jobs is None:
            answer: Edited | NoAnswer = await self.backends["editor"].ask(asked.written)
            return answer
        loop = asyncio.get_running_loop()
        if loop not in self._batched:
            self._batched = {loop: Batched(jobs, self.notes, next(iter(self._batched.values()), None))}
        return await self._batched[loop].ask(asked.image.key, asked.written)

    def _row(self, asked: Asked, answer: Edited) -> Row | Failure:
        costs = {"tokens": answer.tokens}
        try:
            sheet = decoded(answer.content)
        except ValueError:
            return Failure(asked.image.key, "no_image", "what came is no picture that can be read", costs)
        about, brings = brought(sheet, None, self.parameters)
        told = generated("three-view", self.backends["editor"].called, asked.edit.prompt, asked.edit.seed)
        return Row(asked.image.key, {**told, **about, **of_panels(asked.image)}, brings, costs=costs)
