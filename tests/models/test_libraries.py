import os
import sys

import pytest

from actor18m.models.libraries import hushed


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
