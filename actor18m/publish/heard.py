"""What a dataset has heard of people's words: a build that knows less of them would publish again what was denied.

`.words.json` beside the versions tells which store published last, and how many files of words it had, with their
digest. It is no part of a version: stores that say the same make the same versions, and of an old version that is
brought back the dataset has heard no less.
"""

import json
from dataclasses import asdict, dataclass

from actor18m import keys
from actor18m.dataset import Dataset
from actor18m.errors import ActorError, Refused
from actor18m.policy.words import Words
from actor18m.publish.target import Writer
from actor18m.storage.store import Store, id_of

NAME = ".words.json"
_OF_ITSELF = "sha256"
"""A digest of the rest of the file."""
_GO_ON = "If nothing of that matters any more, go on with --allow-lost-words. Nothing was changed."


@dataclass(frozen=True)
class Heard:
    store: str
    """The store's id."""
    files: int
    digest: str


@dataclass(frozen=True)
class Hearing:
    """What one store knows of words, before a dataset that may have heard more."""

    store: Store
    words: Words
    may_lose: bool = False
    """A person said that it does not matter what the dataset heard."""

    def check(self, dataset: Dataset) -> None:
        """Raises where the dataset has heard of words that are not in the store."""
        if self.may_lose:
            return
        heard = read_heard(dataset)
        if heard is None:
            if (latest := dataset.latest()) is None:
                return
            raise Refused(
                f"{dataset.url}/{NAME} is not there, and version {latest} is: it tells which words (who is denied, "
                f"allowed, removed) the dataset was built with. Put a copy of it back. {_GO_ON}"
            )
        if self.words.digests.get(heard.files) == heard.digest:
            return
        counted = f"{heard.files} file{'' if heard.files == 1 else 's'}"
        what = "of what people said (who is denied, allowed, removed)"
        if heard.store != id_of(self.store):
            raise Refused(
                f"the latest version of {dataset.url} was built from another store, with {counted} {what} that "
                f"{self.store.url} does not know: it would publish again what was denied there. Build from that store, "
                "or into another --dataset; or, if nothing was said here yet, copy the other store's folder words/ "
                f"into this one. {_GO_ON}"
            )
        raise Refused(
            f"the latest version of {dataset.url} was built with {counted} {what}, and {self.store.url} has "
            f"{self.words.files if self.words.files < heard.files else 'others'}: it is an older copy, and would "
            "publish again what was denied since. Put the newer copy of its folder words/ back, or say again what is "
            f"missing. {_GO_ON}"
        )

    def keep(self, writer: Writer) -> None:
        """So that no later build knows less."""
        known = Heard(id_of(self.store), self.words.files, self.words.digests.get(self.words.files, ""))
        told = asdict(known) | {_OF_ITSELF: keys.digest(asdict(known))}
        writer.put(NAME, (json.dumps(told, indent=1) + "\n").encode())


def read_heard(dataset: Dataset) -> Heard | None:
    """None where it has gone, or nothing was published."""
    try:
        told = json.loads(dataset.place.read(NAME))
        of_itself = told.pop(_OF_ITSELF)
        heard = Heard(**told)
        if keys.digest(asdict(heard)) != of_itself:
            raise ValueError("its digest is another one")
        return heard
    except FileNotFoundError:
        return None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ActorError(
            f"{dataset.url}/{NAME} is damaged ({error}): it tells which words this dataset was built with. Put a copy "
            "of it back; or, if the store has all that was said, go on with --allow-lost-words."
        ) from error
