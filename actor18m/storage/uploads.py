"""Large objects are sent in parts: of an upload whose writer died they stay where no listing shows them, and cost."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from actor18m.errors import ActorError
from actor18m.inputs import shown
from actor18m.storage import remote
from actor18m.storage.remote import AMAZON

_log = logging.getLogger(__name__)


def drop_uploads(url: str) -> None:
    """All that were begun in this folder of S3, by its new writer before it begins any. Google forgets them after a
    week. Of a whole bucket none: others may write there, too.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, folder = rest.strip("/").partition("/")
    if scheme not in AMAZON or not folder:
        return
    fs = remote.at(url)[0]
    try:
        for upload in _begun(url, fs, bucket, f"{folder}/"):
            _abort(url, fs, bucket, upload)
    except (ActorError, FileNotFoundError) as error:
        _log.info("what was left of unfinished uploads to %s stays: %s", shown(url), error)


def _begun(url: str, fs: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    page: dict[str, Any] = {}
    after: dict[str, str] = {}
    while not page or page.get("IsTruncated"):
        ask = {"Bucket": bucket, "Prefix": prefix} | after
        page = remote.asked(url, "list uploads to", lambda ask=ask: fs.call_s3("list_multipart_uploads", **ask))  # type: ignore[misc]
        yield from page.get("Uploads", [])
        after = {"KeyMarker": page.get("NextKeyMarker", ""), "UploadIdMarker": page.get("NextUploadIdMarker", "")}


def _abort(url: str, fs: Any, bucket: str, upload: dict[str, Any]) -> None:
    named = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
    with suppress(FileNotFoundError):  # it ended, or somebody else did
        remote.asked(url, "abort an upload to", lambda: fs.call_s3("abort_multipart_upload", **named))
