"""What the errors of drivers mean: would it pass, why was it refused, and what is the way out? They are known by what
they hold and are called, since no driver need be installed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from actor18m.redact import redact

_BUSY = {408, 409, 425, 429, 500, 502, 503, 504}
"""409 is said of two conditional writes at once, of which one should be tried again."""
_PASSING = (
    "ClientConnectorError", "ClientOSError", "ClientPayloadError", "ConnectTimeoutError", "ConnectionClosedError",
    "EndpointConnectionError", "HTTPClientError", "IncompleteRead", "ReadTimeoutError", "ResponseParserError",
    "ResponseStreamingError", "ServerDisconnectedError", "ServerTimeoutError",
)  # fmt: skip
"""Of botocore and aiohttp."""
_NOBODY = (
    "EndpointConnectionError",
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ConnectionRefusedError",
    "gaierror",
)


@dataclass(frozen=True)
class Refusal:
    cause: str
    way_out: str
    codes: tuple[str, ...]
    """Of S3, classes of errors, the first words of Google's driver; and of HTTP, where an answer has no words."""
    is_of_access: bool = True


_AND_AGAIN = "and run the same command again: it goes on where it was"
_REFUSALS = (
    Refusal(
        "there are no credentials",
        f"Credentials come from the environment or the driver's own configuration: set them, {_AND_AGAIN}",
        (
            "NoCredentialsError",
            "PartialCredentialsError",
            "ProfileNotFound",
            "TokenRetrievalError",
            "CredentialRetrievalError",
            "DefaultCredentialsError",
            "UnauthorizedSSOTokenError",
        ),
    ),
    Refusal(
        "the session's token has expired, or is no token",
        f"Get a new one, {_AND_AGAIN}",
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "TokenRefreshRequired",
            "InvalidToken",
            "RefreshError",
        ),
    ),
    Refusal(
        "its credentials are not known there",
        f"See that key, secret and endpoint belong together, {_AND_AGAIN}",
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "NotSignedUp", "401"),
    ),
    Refusal(
        "the clock of this machine is wrong",
        f"Set it, {_AND_AGAIN}",
        ("RequestTimeTooSkewed",),
    ),
    Refusal(
        "access is denied",
        f"Give these credentials the right to, or take others, {_AND_AGAIN}",
        ("AccessDenied", "AllAccessDisabled", "403", "Forbidden", "PermissionError"),
    ),
    Refusal(
        "the bucket is in another region, or at another endpoint",
        f"Set AWS_DEFAULT_REGION (or AWS_ENDPOINT_URL) to where it is, {_AND_AGAIN}",
        (
            "PermanentRedirect",
            "Redirect",
            "TemporaryRedirect",
            "AuthorizationHeaderMalformed",
            "301",
            "307",
        ),
        is_of_access=False,
    ),
    Refusal(
        "it does not know such a request",
        "Two writers are kept apart by writes with conditions: take a place that has them",
        ("NotImplemented", "501"),
        is_of_access=False,
    ),
    Refusal(
        "the question was refused without a reason",
        f"Mostly a token has expired, or the region (AWS_DEFAULT_REGION) is another: mend it, {_AND_AGAIN}",
        ("400",),
        is_of_access=False,
    ),
)
NO_BUCKET = Refusal(
    "there is no such bucket",
    "Make it, or see how its name is spelt and whether the endpoint is right, and run the same command again",
    (),
    is_of_access=False,
)


def is_passing(error: BaseException) -> bool:
    """Would it likely go well another time, with nothing changed?"""
    return any(map(_is_passing, _chain(error)))


def is_of_nobody(error: BaseException) -> bool:
    """Is it that nobody listens at all?"""
    return any(type(each).__name__ in _NOBODY for each in _chain(error))


def is_of_dropped_upload(error: BaseException) -> bool:
    """Has another writer dropped what this one was sending in parts?"""
    return any("NoSuchUpload" in _names(each) for each in _chain(error))


def refusal_of(error: BaseException, is_store: bool = True) -> Refusal | None:
    """Why a place that answers does not do it, where that is understood, and no trouble that may pass. Of a place that
    is no object store the status of an answer says less.
    """
    said: set[str] = set()
    for each in _chain(error):
        said.update(name for name in _names(each) if is_store or not name.isdigit())
        if _is_passing(each):
            break
    return next((known for known in _REFUSALS if not said.isdisjoint(known.codes)), None)


def lacks_a_right(error: BaseException) -> bool:
    """Would a right help whoever asks? What is no folder, is full or is not there wants another place."""
    found = refusal_of(error)
    return found is not None and found.is_of_access


def is_of_no_bucket(error: BaseException) -> bool:
    """Is it that the bucket is not there, and not only the object?"""
    return any("NoSuchBucket" in _names(each) for each in _chain(error))


def is_without_words(error: BaseException) -> bool:
    """Does S3 say no more than the status of its answer, which it does of a refusal?"""
    codes = {name for each in _chain(error) for name in _names(each)}
    return bool(codes & {"400", "403", "301", "501"}) and any(
        response.get("Error", {}).get("Code", "").isdigit()
        for each in _chain(error)
        if isinstance(response := getattr(each, "response", None), dict)
    )


def statuses(error: BaseException) -> list[object]:
    """Of HTTP, of the error and of what it came from."""
    return [_status(each) for each in _chain(error)]


def retry_after(error: BaseException) -> float:
    """Seconds that the place asks to wait for; a date is not understood."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        told = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}) if isinstance(response, dict) else {}
        told = told or getattr(each, "headers", None) or {}
        for name in ("retry-after", "Retry-After"):
            try:
                return max(0.0, float(str(told.get(name))))
            except (AttributeError, TypeError, ValueError):
                continue
    return 0.0


def brief(error: BaseException) -> str:
    """Its own words."""
    return redact(" ".join(str(error).split()))[:300]


def _is_passing(error: BaseException) -> bool:
    """Of one error, without what it came from."""
    return (
        isinstance(error, ConnectionError | TimeoutError)
        or type(error).__name__ in (*_PASSING, *_NOBODY)
        or _status(error) in _BUSY
    )


def _names(error: BaseException) -> Iterator[str]:
    """What one error says of its kind: code, class, status, first word."""
    yield type(error).__name__
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        yield str(response.get("Error", {}).get("Code"))
    if (status := _status(error)) is not None:
        yield str(status)
    if isinstance(error, OSError):
        yield str(error).partition(":")[0]


def _status(error: BaseException) -> object:
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    found = (getattr(error, name, None) for name in ("status", "status_code", "code"))
    return next((each for each in found if isinstance(each, int)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    each: BaseException | None = error
    for _ in range(20):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__
