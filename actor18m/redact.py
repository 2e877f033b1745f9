"""The one place that knows what a secret looks like: in text that leaves (logs, errors, tables, JSON), and in what is
registered: URIs and columns of lists.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote, unquote

HIDDEN = "***"

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
"""Of an environment variable."""
_NO_SECRETS = {"true", "false", "none", "null"}
_SHORTEST = 4
_SURELY_ONE = 8
"""A shorter value is hidden only where it stands alone, since it may well be a part of some word."""

_SECRET_COLUMN = re.compile(
    r"(?:.*[_ .-])?(?:api[_-]?keys?|(?:secret[_-]?)?access[_-]?key(?:[_-]?id)?|(?:secret|private|signing)[_-]?key"
    r"|secrets?|token|sas|password|passwd|passphrase|pwd|credentials?|authori[sz]ation|auth|bearer|jwt|cookies?"
    r"|connection[_-]?string|x-(?:amz|goog|oss)-.*)",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_USER_INFO = re.compile(
    r"\b(https?://)[^\s/?#\"'<>]+@|\b([a-z][a-z0-9+.-]{0,30}://)[^\s/?#\"'<>:]*:[^\s/?#\"'<>]*@", re.IGNORECASE
)
_KEY_PAIR = re.compile(r"://[A-Z0-9]{16,32}:[^\s\"'<>@]{20,}@")
"""An AWS secret may hold slashes."""
_SIGNING = (
    r"(?:x-(?:amz|goog|oss|cos|ms)-)?(?:signature|credential|security-token)|sig|hmac|jwt|sas"
    r"|(?:access_|id_|refresh_|auth_|session_|sas_|hf_)?token|(?:x-)?api[_-]?key|password|passwd|passphrase|pwd"
    r"|authorization|(?:client_)?secret|(?:aws|oss)?_?(?:secret_?)?access_?key(?:_?id)?|secret_?key"
)
_IN_QUERY = rf"{_SIGNING}|[\w.~-]*(?:token|secret|password|signature|credential|api_?key|hmac)|auth|key|session_?id"
_BREAK = r"\s\"'<>\\"
_SIGNED_QUERY = re.compile(rf"[?#](?:[^{_BREAK}?#]*[&;])?(?:{_IN_QUERY})=[^{_BREAK}]*", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(?<![\w-])({_SIGNING})=[^{_BREAK}&,;:)]+", re.IGNORECASE)
_QUOTED = re.compile(
    rf"([\"'])((?:[\w-]*[_-])?(?:{_SIGNING}|cookie))\1(\s*[:=]\s*)([\"'])(?:(?!\4)[^\\]|\\.)*\4", re.IGNORECASE
)
_AUTHORIZATION = re.compile(
    r"\b(Bearer|Basic)\s+(?:[A-Za-z0-9._~+/=-]{16,}|(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE
)
"""A short one has a digit: "basic movement" is no secret."""
_HEADER = re.compile(r"\b((?:set-)?cookie|x-[\w-]*(?:key|token|secret))(\s*:\s*)[^\r\n\"'<>]+", re.IGNORECASE)
_ELEMENT = re.compile(r"<(AWSAccessKeyId|SignatureProvided|StringToSign|CanonicalRequest)(Bytes)?>[^<]*")
_KNOWN_BY_SIGHT = re.compile(
    r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|hf_[A-Za-z0-9]{30,}"
    r"|sk-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_ENCODED = re.compile(r"[^\s\"'<>]*%(?:25)*(?:3[adf]|40)[^\s\"'<>]*", re.IGNORECASE)
_ENCODED_TWICE = 2
_HINT = re.compile(r"[=@%:_<-]|Bearer|Basic|AKIA|ASIA|AIza|eyJ", re.IGNORECASE)
"""Most text has none of these, and is let through at once."""
_WAS_HIDDEN = re.compile(r"(?<![\w*])\*\*\*(?![\w*])")


def redact(text: str) -> str:
    """Hides values of environment variables that are named like secrets, and all that `without_secrets` knows."""
    return _redact(text, _secrets())


def _redact(text: str, secrets: Iterable[re.Pattern[str]]) -> str:
    for secret in secrets:
        text = secret.sub(HIDDEN, text)
    return without_secrets(text)


def without_secrets(text: str) -> str:
    """Hides users and passwords in URLs, query strings of signed URLs, what is sent to authorise, and keys that are
    known by sight, percent-encoded ones too. It depends on the text alone, so it may be used on what is published.
    """
    if not _HINT.search(text):
        return text
    text = _without_plain(text)
    return _ENCODED.sub(lambda found: _without_encoded(found[0]), text) if "%" in text else text


def carries_secret(uri: str) -> bool:
    """Also when it was hidden already."""
    return bool(_WAS_HIDDEN.search(uri)) or without_secrets(uri) != uri


def hides_variable(name: str) -> bool:
    """Whether the value of an environment variable of this name is taken for a secret, and hidden everywhere."""
    return bool(_SECRET_NAME.search(name))


def is_secret_name(name: str) -> bool:
    """Of a column: `api_key`, `hf_token`, `DbPassword`. Not `tokens`, `key` or `author`."""
    name = name.strip()
    return bool(_SECRET_COLUMN.fullmatch(name) or _SECRET_COLUMN.fullmatch(_CAPITAL.sub("_", name)))


def redacted(value: object) -> object:
    """The same JSON value without secrets: in its texts, and under names that say that one follows."""
    return _redacted(value, _secrets())


def _redacted(value: object, secrets: Sequence[re.Pattern[str]]) -> object:
    match value:
        case str():
            return _redact(value, secrets)
        case Mapping():
            return {
                _redact(name, secrets): HIDDEN if inner and is_secret_name(name) else _redacted(inner, secrets)
                for name, inner in ((str(name), inner) for name, inner in value.items())
            }
        case list() | tuple():
            return [_redacted(inner, secrets) for inner in value]
        case _:
            return value


def _without_plain(text: str) -> str:
    text = _KEY_PAIR.sub(f"://{HIDDEN}@", text)
    text = _USER_INFO.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}@", text)
    text = _SIGNED_QUERY.sub(lambda found: f"{found[0][0]}{HIDDEN}{_punctuation_after(found[0])}", text)
    text = _ASSIGNED.sub(rf"\1={HIDDEN}", text)
    text = _QUOTED.sub(rf"\1\2\1\3\4{HIDDEN}\4", text)
    text = _AUTHORIZATION.sub(rf"\1 {HIDDEN}", text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _ELEMENT.sub(rf"<\1\2>{HIDDEN}", text)
    return _KNOWN_BY_SIGHT.sub(HIDDEN, text)


def _without_encoded(token: str) -> str:
    plain = token
    for _ in range(_ENCODED_TWICE):
        plain = unquote(plain, errors="surrogateescape")
        hidden = _without_plain(plain)
        if hidden != plain:
            return quote(hidden, safe="/:?#&=*@+,;~()!$[]", errors="surrogateescape")
    return token


def _secrets() -> tuple[re.Pattern[str], ...]:
    """Looked up each time: a variable may be set after the start."""
    return _patterns(frozenset(value for name, value in os.environ.items() if _SECRET_NAME.search(name)))


@lru_cache(8)
def _patterns(values: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """The longest first: one may hold another."""
    secret = filter(_is_secret, values)
    spelt = {each for value in secret for each in (value, quote(value, safe=""), repr(value)[1:-1])}
    return tuple(_pattern(each) for each in sorted(spelt, key=lambda each: (-len(each), each)))


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
