from pathlib import Path

import cv2
import numpy as np
import pytest

from actor18m.errors import ActorError
from actor18m.media.tile import PAPER, tile_of, write_png


@pytest.mark.parametrize(("size", "shown"), [((300, 100), (60, 20)), ((10, 20), (40, 80)), ((1, 800), (1, 80))])
def test_a_picture_fills_a_tile_as_far_as_its_shape_allows(size: tuple[int, int], shown: tuple[int, int]) -> None:
    tile = tile_of(np.full((*size, 3), 200, np.uint8), 60, 80)
    assert tile.shape == (60, 80, 3)
    rows, columns = np.flatnonzero((tile != PAPER).any(axis=(1, 2))), np.flatnonzero((tile != PAPER).any(axis=(0, 2)))
    assert (len(rows), len(columns)) == shown
    assert (rows[0], columns[0]) == ((60 - shown[0]) // 2, (80 - shown[1]) // 2)


def test_a_sheet_is_written_whatever_its_name_or_the_reason_is_told(tmp_path: Path) -> None:
    sheet = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    write_png(sheet, tmp_path / "sheet")
    read = cv2.imread(str(tmp_path / "sheet"))
    assert read is not None
    assert np.array_equal(read[:, :, ::-1], sheet)
    with pytest.raises(ActorError, match=r"nowhere/sheet\.png cannot be written: No such file"):
        write_png(sheet, tmp_path / "nowhere" / "sheet.png")
