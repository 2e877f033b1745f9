"""What a build says of accepted clips that could not be published."""

from collections.abc import Mapping

from actor18m.amounts import amount
from actor18m.publish import Published
from actor18m.storage.store import Store
from actor18m.survey.runs import accounts
from actor18m.terminal.say import say


def known(store: Store) -> dict[str, str]:
    """Clips that the last build which published left out, with the cause of each."""
    for run in reversed(accounts(store)):
        if run.get("published"):
            return {clip: each["cause"] for clip, each in run["published"]["left_out"].items()}
    return {}


def tell_known(left_out: Mapping[str, str]) -> None:
    """To whoever asks where inputs stand."""
    for clip, cause in sorted(left_out.items()):
        say(f"  accepted, and not published: {clip}: {cause}")
    if left_out:
        say("  The next build tries again.")


def tell(published: Published | None) -> None:
    """Names each, with the way out."""
    left_out = {} if published is None else published.left_out
    for clip, each in sorted(left_out.items()):
        say(f"not published: {clip}: {each.cause}", err=True)
    if left_out:
        say(
            f"{amount(len(left_out), 'accepted clip')} could not be published now, all others are. Bring back what "
            "has gone, or leave it out for good (build with --sync and all other inputs); the same command takes in "
            "what is there.",
            err=True,
        )
