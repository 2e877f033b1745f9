import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actor18m.models.libraries import hushed, library
from actor18m.samples.shipped import SHIPPED

ROOT = Path(__file__).parents[2]
LOOKING = """
import sys
from actor18m.media.video import frames
from actor18m.models.backends import load
faces, mesh, people, poses = map(load, ("centerface", "mediapipe-face", "efficientdet", "mediapipe-pose"))
_, frame = next(frames(sys.argv[1]))
print(mesh.mesh([frame], [faces.detect([frame])[0][0].box]) != [None])
print(poses.pose([frame], [people.people([frame])[0][0].box]) != [None])
"""


def fail_noisily() -> None:
    with hushed():
        os.write(2, b"native noise ")
        raise ValueError("said in Python")


def test_native_code_is_hushed_and_heard_again(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with pytest.raises(ValueError, match="said in Python"):
        fail_noisily()
    os.write(2, b"after")
    sys.stderr.flush()
    assert capfd.readouterr().err == "before after"


def test_models_that_find_a_person_say_nothing(pulled: Callable[..., None]) -> None:
    """In a process of their own: what MediaPipe says, it says once."""
    pulled("centerface", "mediapipe-face", "efficientdet", "mediapipe-pose")
    ran = subprocess.run(
        [sys.executable, "-c", LOOKING, SHIPPED / "talk_yaw_1.mp4"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout.split(), ran.stderr) == (["True", "True"], "")


@pytest.mark.parametrize("name", ["transformers", "diffusers"])
def test_libraries_draw_no_bars_of_their_own(name: str) -> None:
    pytest.importorskip(name, reason=f"{name} is not installed (extra `cluster`)")
    assert not library(name, name).utils.logging.is_progress_bar_enabled()
