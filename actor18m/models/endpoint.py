"""Whether an OpenAI-compatible endpoint is there, takes the key, and serves the model: asked before a build asks it."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Annotated, Literal
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import AfterValidator

from actor18m.errors import ActorError
from actor18m.redact import carries_secret, hides_variable, redact

Finding = tuple[Literal["ok", "warn", "fail"], str, str]
"""How it stands, what was found, and what to do."""
_TIMEOUT_S = 10
_MAX_BYTES = 4 << 20
_SHOWN = 6


@dataclass(frozen=True)
class Endpoint:
    """What a backend says of where it asks."""

    url: str
    model: str
    key_from: str | None
    """The environment variable with the key."""

    def look(self) -> Iterator[Finding]:
        """Reads the list of its models, which costs nothing."""
        key = None if self.key_from is None else os.environ.get(self.key_from, "").strip()
        if key == "":
            yield "fail", f"{self.key_from} is not set here", f"export {self.key_from}=… where stages are run"
            return
        try:
            served = self._models(key)
        except HTTPError as error:
            yield self._refused(error)
        except (OSError, HTTPException, ValueError) as error:
            why = redact(str(error.reason if isinstance(error, URLError) else error)) or type(error).__name__
            fix = "start its server, or mend `url` of the backend in the pipeline"
            yield "fail", f"cannot be reached ({why})", fix
        else:
            yield self._told(served)

    def _models(self, key: str | None) -> list[str]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        opener = build_opener(_NoRedirects)  # a redirection would take the key elsewhere
        with opener.open(Request(f"{self.url}/models", headers=headers), timeout=_TIMEOUT_S) as answer:
            told = json.loads(answer.read(_MAX_BYTES))
        if not isinstance(told, dict) or not isinstance(told.get("data"), list):
            raise ValueError("what it answers is no list of models")
        return [str(each["id"]) for each in told["data"] if isinstance(each, dict) and "id" in each]

    def _refused(self, error: HTTPError) -> Finding:
        if error.code in (401, 403):
            if self.key_from is None:
                return "fail", f"wants a key ({error.code})", "name its environment variable in `key_from`"
            return "fail", f"does not take the key in {self.key_from} ({error.code})", f"set {self.key_from} anew"
        if error.code in (404, 405):
            fix = "`url` ends before /chat/completions, mostly with /v1; else look whether it serves the model"
            return "warn", f"is there, and tells no models ({error.code})", fix
        return "fail", f"answers {error.code} {error.reason}", "look at its log, or try again later"

    def _told(self, served: list[str]) -> Finding:
        if self.model in served:
            return "ok", f"serves {self.model}", ""
        some = ", ".join(served[:_SHOWN]) + (f" and {len(served) - _SHOWN} more" if len(served) > _SHOWN else "")
        return "fail", f"does not serve {self.model}, but {some or 'nothing'}", "mend `model`, or serve it"


@dataclass(frozen=True)
class ToServe(Endpoint):
    """One that is not there yet: the stage starts it."""

    command: tuple[str, ...]

    def look(self) -> Iterator[Finding]:
        """Whether its program is here; whether it serves the model is known when it runs."""
        program = self.command[0]
        if shutil.which(program) is None:
            fix = "install it where stages are run, if need be in an environment of its own, and name its whole path"
            yield "fail", f"{program} is not here, by which {self.model} is to be served", fix
        else:
            yield "ok", f"{program} is here; the stage starts it to serve {self.model}", ""


class EndpointError(Exception):
    """What an endpoint answered instead of an answer, with its status and what it says of when to ask again."""

    def __init__(self, message: str, status: int | None, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def address(url: str) -> str:
    """As a parameter may name it, without a slash at its end; ValueError where it is none, or carries a secret."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://, such as http://127.0.0.1:8000/v1")
    if carries_secret(url):
        raise ValueError("has a user, a password or a key in it; name an environment variable in `key_from` instead")
    return url.rstrip("/")


def hidden_variable(name: str) -> str:
    """The name of an environment variable whose value is hidden wherever it might be seen; ValueError of another."""
    if not hides_variable(name):
        raise ValueError(
            f"{name} does not look like the name of a secret, so its value would not be hidden in logs; take one "
            "with KEY or TOKEN in it, such as JUDGE_API_KEY"
        )
    return name


Address = Annotated[str, AfterValidator(address)]
HiddenVariable = Annotated[str, AfterValidator(hidden_variable)]


def key_of(variable: str, url: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ActorError(f"the environment variable {variable} is not set where this runs; it is to have {url}'s key")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ActorError(f"the environment variable {variable} has characters that no key has; set it again")
    return key
