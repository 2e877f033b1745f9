"""Which files a store has, by the patterns of their names, and what each is for."""

import re
from dataclasses import dataclass

from actor18m.storage.sealed import DIGEST

_STAGE, _FINGERPRINT = r"[a-z][a-z0-9_-]*", r"[0-9a-z]+"
_SEGMENT = rf"seg-\d{{6,}}\.{DIGEST}\.parquet"


@dataclass(frozen=True)
class What:
    pattern: re.Pattern[str]
    is_sealed: bool = False
    """Its name carries a digest of its bytes."""


CACHE = What(
    re.compile(rf"(index/{_STAGE}/{_FINGERPRINT}|relations/\w+/\w+|restricted/identities/\w+)/{_SEGMENT}"), True
)
ROWS = What(re.compile(rf"ledger/({_STAGE})/({_FINGERPRINT})/lot-(\d{{6,}})\.(?:g\d+\.)?{DIGEST}\.parquet"), True)
BESIDE = What(re.compile(rf"(images|restricted)/({_STAGE})/({_FINGERPRINT})/lot-(\d{{6,}})\.{DIGEST}\.parquet"), True)
CATALOG = What(re.compile(rf"catalog/(?:batch|children|presence|rights)-\d{{6,}}\.{DIGEST}\.parquet"), True)
MARK = What(re.compile(rf"(?:catalog/(?:batch|children|presence|rights)-\d{{6,}}\.{DIGEST}|words/\d{{6,}})\.mark"))
JOURNAL = What(re.compile(r"journal/\d{6,}-\d{6,}\.jsonl"))
ACCOUNT = What(re.compile(r"runs/\d{6,}(?:\.begun|\.so-far)?\.json"))
LOG = What(re.compile(r"runs/\d{6,}\.log\.jsonl"))
CLAIM = What(re.compile(r"writers/\d{6,}\.json"))
BEAT = What(re.compile(r"writers/\d{6,}\.beat\.json"))
WORDS = What(re.compile(r"words/\d{6,}\.json"))
NOTE = What(re.compile(rf"asked/{_STAGE}/[0-9a-z][0-9a-z.-]*"))
STORE = What(re.compile(r"store\.json"))

ALL = (CACHE, ROWS, BESIDE, CATALOG, MARK, JOURNAL, ACCOUNT, LOG, CLAIM, BEAT, WORDS, NOTE, STORE)


def what(path: str) -> What | None:
    """None for a file that is none of the store's."""
    return next((each for each in ALL if each.pattern.fullmatch(path)), None)
