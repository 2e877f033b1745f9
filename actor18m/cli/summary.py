"""What `actor18m build` says when it has ended: what it measured, where inputs stand, and what needs a person."""

from collections.abc import Iterator

from actor18m.amounts import amount
from actor18m.building.built import Built, stopped
from actor18m.cli import unpublished
from actor18m.cli.spent import spent_lines
from actor18m.execute.tally import Tally
from actor18m.survey import runs
from actor18m.terminal.say import say, say_lines

_TOLD = 8


def tell(built: Built, as_json: bool) -> None:
    """The summary on stdout, and what needs a person on stderr."""
    _tell_words(built)
    if as_json:
        say_lines(runs.as_json(built.account))
    else:
        _summarise(built)
    unpublished.tell(built.published)
    _tell_what_stopped(built.tally)


def _tell_words(built: Built) -> None:
    project, meaning = built.project, built.meaning
    if project.pipeline.duplicates is None and any(word.looks for word in project.words.in_force):
        say("near duplicates of denied clips are not looked for: the pipeline has no rule `duplicates`", err=True)
    for word in meaning.unknown:
        say(f"override of {word.of} ({word}): no such clip is registered", err=True)
    if like := meaning.like_denied:
        some = ", ".join(f"{each.key} (like {each.like})" for each in like[:_TOLD])
        more = f" and {len(like) - _TOLD} more" if len(like) > _TOLD else ""
        say(
            f"left out as near duplicates of denied clips: {some}{more}. `actor18m allow KEY` takes one all the same",
            err=True,
        )


def _summarise(built: Built) -> None:
    _tell_inputs(built)
    say("states: " + ", ".join(f"{count} {state}" for state, count in built.states.items()))
    for subset, counts in built.subsets.items():
        images = ", ".join(f"{count} {state}" for state, count in counts.states.items())
        without = [f"{amount(count, 'clip')} without: {why}" for why, count in counts.lost.items()]
        what = "image" if counts.requested == 1 else "images"
        if images or without:
            say(f"subset {subset}: {'; '.join([f'{images or 0} {what}', *without])}")
    _tell_measured(built)
    for state in ("failed", "quarantined"):
        if told := ", ".join(_in_state(built, state)):
            say(f"{told} {state}: `actor18m status` says why; --retry {state} tries again")
    if (published := built.published) is not None:
        said = "as before" if not published.is_new else "new"
        shards = f"{amount(published.shards_made, 'shard')} made, {published.shards_reused} reused"
        say(f"dataset: {published.path} ({said}; {shards})")


def _in_state(built: Built, state: str) -> Iterator[str]:
    """How many there are: of inputs, whose number needs no more words, and of what subsets lack."""
    if count := built.states.get(state):
        yield str(count)
    for subset, counts in built.subsets.items():
        if count := counts.stopped.get(state):
            yield f"{amount(count, 'clip')} of subset {subset}"
        if count := counts.states.get(state):
            yield f"{amount(count, 'image')} of subset {subset}"


def _tell_inputs(built: Built) -> None:
    registered = built.registration
    changes = ["added", "changed", "back", "gone", "vanished"]
    told = [f"{getattr(registered, name)} {name}" for name in changes if getattr(registered, name)]
    say(f"inputs: {sum(built.states.values())}" + (f" ({', '.join(told)})" if told else ""))
    if built.not_taken.counts:
        say(str(built.not_taken))
    if registered.otherwise:
        say(
            f"{registered.otherwise} given with another licence or consent than is registered, which counts "
            f"({registered.one_otherwise}): `actor18m relicense --input LIST` corrects it"
        )
    if removed := registered.removed:
        which = f"{removed[0]}{' and others' if len(removed) > 1 else ''}"
        since = f"{len(removed)} given and left out, since they were removed ({which})"
        say(f"{since}: `actor18m undo URI` takes one in again")


def _tell_measured(built: Built) -> None:
    tally = built.tally
    for stage, about in built.account["stages"].items():
        done = tally.measured[stage], tally.unavailable[stage], tally.failed[stage], tally.quarantined[stage]
        moved = f", {tally.adopted[stage]} kept of moved files" if tally.adopted[stage] else ""
        if any(done) or moved:
            measured, unavailable, failed, quarantined = done
            what = "" if about["unit"] == "clips" else "images "
            none = f"{unavailable} unavailable, " if unavailable else ""
            say(f"{stage}: {measured} {what}measured, {none}{failed} failed, {quarantined} quarantined{moved}")
    if not any((tally.measured, tally.failed, tally.unavailable, tally.stopped)):
        say("measured: nothing was missing")
    for line in spent_lines(tally):
        say(line)
    for clip, reason in sorted(tally.given_up.items()):
        if clip.partition(" ")[0] not in tally.stopped:
            say(f"not now: {clip}: {reason}; run the same command again")


def _tell_what_stopped(tally: Tally) -> None:
    for stage, why in tally.stopped.items():
        if why.is_passing:
            say(
                f"{stopped(stage, why)} Nothing of that was kept and nothing was published; all other stages went on. "
                "When this is mended, run the same command again: what was answered or measured before is not asked "
                "for again.",
                err=True,
            )
            continue
        for line in why.trace.splitlines():
            say(line, err=True)
        say(
            f"{stopped(stage, why)} Nothing of that was kept and nothing was published. Mend the stage, or what it "
            "needs, and run the same command again; `actor18m try` shows what it does with one video. If these "
            f"{why.unit} are at fault, write `run: {{stop_after: null}}` to {stage} in the pipeline: then they fail "
            "one by one.",
            err=True,
        )
