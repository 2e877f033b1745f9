"""What a place answers that does not let one in, or is another one than was meant: a sentence with the way out."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import fsspec
import pytest

from actor18m.catalog.sources.files import find
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.dataset.version import Version
from actor18m.errors import ActorError
from actor18m.publish.targets import target_of
from actor18m.storage import remote
from actor18m.storage.objects import Objects
from actor18m.storage.store import make_store, store_at
from tests.engine.faulty import Faulty, answering
from tests.engine.site import Site

ASKED: Mapping[str, Callable[[Objects], object]] = {
    "read": lambda place: place.read("a"),
    "look at": lambda place: place.exists("a"),
    "list": lambda place: list(place.entries("")),
    "write": lambda place: place.create("a", b"", ""),
}


@pytest.fixture
def place(proxy: Faulty) -> Objects:
    name = f"b{uuid4().hex}"
    fs: Any = fsspec.filesystem("s3")
    fs.mkdir(name)
    return Objects(f"s3://{name}/folder")


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (403, "AccessDenied", "access is denied"),
        (403, "InvalidAccessKeyId", "its credentials are not known there"),
        (403, "RequestTimeTooSkewed", "the clock of this machine is wrong"),
        (400, "ExpiredToken", "the session's token has expired"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region"),
        (501, "NotImplemented", "it does not know such a request"),
    ],
)
def test_a_refusal_is_told_at_once_with_the_place_the_cause_and_the_way_out(
    status: int, code: str, told: str, proxy: Faulty
) -> None:
    """Also by HEAD, to which S3 answers no words."""
    place = Objects("s3://bucket/folder")
    proxy.fault, begun = answering(proxy, status, code), time.monotonic()
    for what, ask in ASKED.items():
        with pytest.raises(ActorError) as found:
            ask(place)
        said = str(found.value)
        assert said.startswith(f"cannot {what} 's3://bucket/folder")
        assert told in said
        assert "run the same command again" in said or "take a place that has them" in said
        assert isinstance(found.value, remote.NoAccess) == (status == 403 or code == "ExpiredToken")
    assert time.monotonic() - begun < 15


def test_a_bucket_that_is_not_there_is_told_where_something_is_written(site: Site, proxy: Faulty) -> None:
    url = f"s3://b{uuid4().hex}/folder"
    for write in (lambda: make_store(url), lambda: target_of(url).check_usable()):
        with pytest.raises(ActorError, match=r"there is no such bucket \(.*\)\. Make it, or see how its name is spelt"):
            write()
    told = site.bare("doctor", "--store", url, "--dataset", url)
    assert told.exit_code == 1
    assert " ".join(told.output.split()).count("there is no such bucket") == 2


@pytest.mark.parametrize("what", ["", "/", "/clips", "/clips/*.mp4", "/*.mp4"])
def test_a_bucket_that_is_not_there_is_told_of_an_input(what: str, proxy: Faulty) -> None:
    with pytest.raises(ActorError, match=r"'s3://nobkt.*there is no such bucket \(.*\)\. Make it, or see how"):
        list(find(f"s3://nobkt{what}", FilesLeftOut()))


@pytest.mark.parametrize("url", ["s3://nobkt", "s3://nobkt/", "s3://nobkt/folder"])
@pytest.mark.parametrize(
    "command",
    [("status", "embedded", "--store"), ("runs", "--store"), ("verify",), ("versions", "--dataset"),
     ("diff", "000001", "--dataset")],
)  # fmt: skip
def test_a_bucket_that_is_not_there_is_told_where_something_is_read(
    command: tuple[str, ...], url: str, site: Site, proxy: Faulty
) -> None:
    told = site.bare(*command, url)
    assert told.exit_code != 0
    assert "there is no such bucket" in " ".join(told.output.split())


def test_a_dataset_that_is_loaded_from_a_bucket_that_is_not_there_is_told_so(proxy: Faulty) -> None:
    with pytest.raises(ActorError, match="there is no such bucket"):
        Version.open("s3://nobkt/dataset")


def test_an_empty_place_in_a_bucket_has_nothing_and_no_trouble(site: Site, place: Objects) -> None:
    assert site.bare("versions", "--dataset", place.url).exit_code == 0
    assert "there is no store at" in site.bare("runs", "--store", place.url).output


def test_a_place_that_is_busy_for_longer_than_the_patience_is_told_with_how_often_it_was_tried(
    place: Objects, proxy: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(remote.TIMEOUT, "1")
    proxy.fault, begun = (lambda head: "busy"), time.monotonic()
    with pytest.raises(remote.Unreachable, match=r"Service Unavailable; tried \d+ times in [12] s"):
        place.read("a")
    assert time.monotonic() - begun < 6


def test_a_place_that_takes_no_notice_of_conditions_is_refused_before_anything_is_measured(
    site: Site, place: Objects, proxy: Faulty
) -> None:
    """As older drivers, and some servers that are like S3, do."""
    proxy.hidden = (*proxy.hidden, b"if-none-match:", b"if-match:")
    url = place.url
    for write in (lambda: make_store(f"{url}/store"), lambda: target_of(f"{url}/dataset").check_usable()):
        with pytest.raises(ActorError, match="takes no notice of conditions"):
            write()
    told = " ".join(site.bare("doctor", "--store", f"{url}/s", "--dataset", f"{url}/d").output.split())
    assert told.count("takes no notice of conditions") == 2
    assert not store_at(f"{url}/store").exists("store.json")


def test_a_dataset_is_refused_where_a_write_goes_over_another_one_that_came_meanwhile(
    site: Site, place: Objects, proxy: Faulty
) -> None:
    """As servers do that know the condition for new names alone."""
    target_of(f"{place.url}/dataset").check_usable()
    proxy.hidden = (*proxy.hidden, b"if-match:")
    with pytest.raises(ActorError, match="takes no notice of conditions"):
        target_of(f"{place.url}/dataset").check_usable()
    told = " ".join(site.bare("doctor", "--dataset", f"{place.url}/d").output.split())
    assert told.count("takes no notice of conditions") == 1
    assert not list(place.names(""))
