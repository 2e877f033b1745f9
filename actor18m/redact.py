"""Text without the secrets that stand in it: every log record and every error's text goes through here."""

import os
import re
from pathlib import Path
from urllib.parse import quote

HIDDEN = "***"

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_NO_SECRETS = {"true", "false", "none", "null"}
_SHORTEST = 4
_SURELY_ONE = 8
"""A shorter value is hidden only where it stands alone, since it may well be a part of some word."""

_USER_INFO = re.compile(
    r"\b(https?://)[^\s/?#\"'<>]+@|\b([a-z][a-z0-9+.-]{0,30}://)[^\s/?#\"'<>:]*:[^\s/?#\"'<>]*@", re.IGNORECASE
)
_SIGNING = (
    r"(?:x-(?:amz|goog)-)?(?:signature|credential|security-token)|sig|(?:access_|id_|refresh_|auth_)?token"
    r"|api_?key|password|passwd|(?:client_)?secret|AWSAccessKeyId"
)
_SIGNED_QUERY = re.compile(rf"\?(?:[^\s\"'<>?]*[&;])?(?:{_SIGNING}|key)=[^\s\"'<>]*", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(?<![\w-])({_SIGNING})=[^\s&\"'<>,;:)]+", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)


def redact(text: str) -> str:
    """Hides values of environment variables that are named like secrets, users and passwords in URLs, query strings of
    signed URLs, and what is sent to authorise.
    """
    for secret in _secrets():
        text = secret.sub(HIDDEN, text)
    text = _USER_INFO.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}@", text)
    text = _SIGNED_QUERY.sub(lambda found: f"?{HIDDEN}{_punctuation_after(found[0])}", text)
    text = _ASSIGNED.sub(rf"\1={HIDDEN}", text)
    return _AUTHORIZATION.sub(rf"\1 {HIDDEN}", text)


def _secrets() -> list[re.Pattern[str]]:
    """Looked up each time: a variable may be set after the start. The longest first: one may hold another."""
    values = {value for name, value in os.environ.items() if _SECRET_NAME.search(name) and _is_secret(value)}
    spelt = {each for value in values for each in (value, quote(value, safe=""), repr(value)[1:-1])}
    return [_pattern(each) for each in sorted(spelt, key=lambda each: (-len(each), each))]


def _is_secret(value: str) -> bool:
    if len(value) < _SHORTEST or value.lower() in _NO_SECRETS:
        return False
    # such as GOOGLE_APPLICATION_CREDENTIALS: where a secret lies is none
    return not (value.startswith("/") and _exists(value))


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _punctuation_after(url: str) -> str:
    return url[len(url.rstrip(".,:;)")) :]


def _pattern(secret: str) -> re.Pattern[str]:
    escaped = re.escape(secret)
    return re.compile(escaped if len(secret) >= _SURELY_ONE else rf"(?<!\w){escaped}(?!\w)")
