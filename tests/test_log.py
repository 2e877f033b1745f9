import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actor18m.log import bind, guard, printable, run_log

SECRET = "correct horse"
log = logging.getLogger("actor18m.somewhere")


@pytest.fixture(autouse=True)
def unguarded_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STORE_SECRET", SECRET)
    factory, raising = logging.getLogRecordFactory(), logging.raiseExceptions
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    logging.setLogRecordFactory(factory)
    logging.raiseExceptions = raising


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_record_says_what_it_is_about(tmp_path: Path) -> None:
    with run_log(tmp_path / "runs" / "1.jsonl"):
        with bind(stage="identity", lot=3):
            log.info("begins")
            with bind(clip="3f2a"):
                log.info("%d faces", 2)
        log.info("ends")
    log.info("not of this run")
    first, second, third = read(tmp_path / "runs" / "1.jsonl")
    assert (first["stage"], first["lot"], "clip" in first) == ("identity", 3, False)
    assert (second["stage"], second["clip"], second["message"]) == ("identity", "3f2a", "2 faces")
    assert second["level"] == "INFO"
    assert second["logger"] == "actor18m.somewhere"
    assert "stage" not in third


def test_threads_do_not_mix_what_they_are_about(tmp_path: Path) -> None:
    both_inside = threading.Barrier(2)

    def work(clip: str) -> None:
        with bind(clip=clip):
            both_inside.wait()
            log.info(clip)

    with run_log(tmp_path / "log"):
        threads = [threading.Thread(target=work, args=(clip,)) for clip in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(record["clip"] == record["message"] for record in read(tmp_path / "log"))


def test_a_second_run_goes_on_in_the_file(tmp_path: Path) -> None:
    for number in range(2):
        with run_log(tmp_path / "log"):
            log.info("run %d", number)
    assert [record["message"] for record in read(tmp_path / "log")] == ["run 0", "run 1"]


def test_people_see_warnings_in_one_line_and_nothing_less(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with run_log(tmp_path / "log"), bind(stage="identity", clip="3f2a", lot=3):
        log.info("all is well")
        try:
            raise OSError("it is\ngone")
        except OSError:
            log.warning("cannot read %s", "a\x1b[2J.mp4", exc_info=True)
    assert capsys.readouterr().err == "warning: identity 3f2a: cannot read a\\x1b[2J.mp4: gone\n"
    assert "Traceback" in read(tmp_path / "log")[1]["error"]


def test_it_goes_to_what_stderr_is_at_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_log(tmp_path / "log"):
        with monkeypatch.context() as inside:
            inside.setattr(sys, "stderr", sys.stdout)
            log.warning("elsewhere")
        log.warning("here")
    assert capsys.readouterr() == ("warning: elsewhere\n", "warning: here\n")


def test_warnings_of_libraries_are_kept(tmp_path: Path) -> None:
    with run_log(tmp_path / "log"), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"old api {SECRET}", stacklevel=1)
        logging.getLogger("some.library").warning("hm")
        logging.getLogger("some.library").info("chatter")
    old, library = read(tmp_path / "log")
    assert "old api ***" in old["message"]
    assert library["message"] == "hm"


def test_no_record_shows_a_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with run_log(tmp_path / "log"), bind(clip=f"https://ann:{SECRET}@host"):
        log.warning("with %s", SECRET)
        log.warning("at %(url)s", {"url": "https://h/a.mp4?X-Amz-Signature=abc"}, stack_info=True)
        try:
            raise OSError(f"refused {SECRET}") from ValueError(f"because of {SECRET}")
        except OSError:
            log.exception("failed")
    written = (tmp_path / "log").read_text() + capsys.readouterr().err
    assert SECRET not in written
    assert "abc" not in written
    assert "because of ***" in written


def test_nor_do_handlers_of_others_once_guarded() -> None:
    seen: list[str] = []

    class Theirs(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(logging.Formatter("%(message)s").format(record))

    theirs, logger = Theirs(), logging.getLogger("some.library")
    logger.addHandler(theirs)
    try:
        guard()
        try:
            raise OSError(SECRET)
        except OSError:
            logger.exception("secret: %s", SECRET)
    finally:
        logger.removeHandler(theirs)
    assert "secret: ***" in seen[0]
    assert "OSError: ***" in seen[0]
    assert SECRET not in seen[0]


@pytest.mark.parametrize("thread", [False, True])
def test_what_nobody_caught_is_told_without_secrets(thread: bool) -> None:
    code = f"""
import threading
from actor18m.log import guard
guard()
def fail():
    raise OSError("refused {SECRET}")
{"threading.Thread(target=fail).start()" if thread else "fail()"}
"""
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert SECRET not in died.stderr.replace(code, "")
    assert "OSError: refused ***" in died.stderr
    assert "in fail" in died.stderr


def test_a_full_disk_stops_no_build_and_tells_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    with run_log(Path("/dev/full")):
        log.info("no space for %s", SECRET)
    assert capsys.readouterr().err == ""


def test_a_name_of_a_file_is_spelt_on_one_line() -> None:
    assert printable("a\nb\t\x9bc\udcff\u2028é 🎬") == "a\\nb\\t\\x9bc\\udcff\\u2028é 🎬"
