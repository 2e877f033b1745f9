"""Processes that publish to one dataset in an object store at once, and one that reads its latest version meanwhile."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from actor18m.dataset import Dataset, Version
from actor18m.errors import ActorError
from actor18m.publish import publish
from actor18m.storage import lease
from actor18m.storage.store import open_store
from actor18m.verify.dataset import verify_dataset
from tests.publish import killed
from tests.publish.material import FACTS, PIPELINE

CONTENTS = {"old": killed.old, "new": killed.new}


def publish_content(url: str, name: str) -> str:
    return publish(url, CONTENTS[name](), PIPELINE, FACTS).version


def publish_as(environment: Mapping[str, str], url: str, name: str, takes_over: bool, told: Any) -> None:
    """In a process of its own. Who takes over takes any other writer for dead."""
    os.environ.update(environment)
    if takes_over:
        lease._refuse_if_alive = lambda *given: None
    try:
        told.put(f"published {publish_content(url, name)}")
    except ActorError as error:
        told.put(str(error))


def hold_elsewhere(environment: Mapping[str, str], url: str, beat_s: float, silent_s: float, told: Any) -> None:
    """In a process of its own, which takes itself for one of a machine whose clock is two hours fast."""
    os.environ.update(environment)
    lease._this_process = lambda: "another-boot/pid:[1] 1"
    fast = SimpleNamespace(time=lambda: time.time() + 7200, sleep=time.sleep, monotonic=time.monotonic)
    setattr(lease, "time", fast)  # noqa: B010
    try:
        with lease.hold(open_store(url), beat_s=beat_s, silent_s=silent_s) as held:
            told.put(f"epoch {held.epoch}")
    except ActorError as error:
        told.put(str(error))


def content_of(url: str | Path, number: str | None = None) -> dict[str, str]:
    """Digests of a version's files that are the same wherever it lies, of bytes that are what its manifest says."""
    version = Version.open(url) if number is None else Version(Dataset.at(url), number)
    files = [name for name in version.manifest.files if not name.endswith(".urls")]
    return {name: sha256(version.read(name)).hexdigest() for name in files}


@dataclass
class Seen:
    polls: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    """By number, which content it has."""
    wrong: list[str] = field(default_factory=list)
    turned_back: list[str] = field(default_factory=list)


def watch(environment: Mapping[str, str], url: str, wanted: Mapping[str, dict[str, str]], end: Any, told: Any) -> None:
    """In a process of its own: what `latest` leads to, looked at again and again, each time with all its bytes; and
    whatever `verify` finds in each new one.
    """
    os.environ.update(environment)
    seen, before = Seen(), 0
    while not end.is_set():
        number = Dataset.at(url).latest()
        seen.polls += 1
        if number is None:
            seen.wrong.append("latest is gone")
            continue
        if int(number) < before:
            seen.turned_back.append(f"{before} {number}")
        before = int(number)
        try:
            found = content_of(url, number)
            names = [name for name, content in wanted.items() if content == found]
            if not names:
                seen.wrong.append(f"{number} is a mixture")
            if number not in seen.versions:
                seen.versions[number] = "".join(names)
                seen.wrong += [str(each) for each in verify_dataset(url) if f"{url}/{number}/" in each.path]
        except ActorError as error:
            seen.wrong.append(f"{number}: {error}")
        time.sleep(0.1)
    told.put(seen)
