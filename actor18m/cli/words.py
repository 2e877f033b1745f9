"""What a person says of clips, images and inputs, and lasts: deny, allow, remove, undo, relicense. `words` lists it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import typer

from actor18m.amounts import amount
from actor18m.catalog.register import Register
from actor18m.catalog.sources import find_inputs
from actor18m.cli.arguments import AsJson
from actor18m.cli.build import StoreUrl
from actor18m.errors import ActorError
from actor18m.inputs import Input, refusal, shown
from actor18m.keys import KEY_DIGITS, clip_key
from actor18m.policy.overrides import IMAGES_ARE_DENIED
from actor18m.policy.words import ALLOW, DENY, ClipContent, Word, Words, is_image, keep, now, read_words, whoever
from actor18m.storage.lease import hold
from actor18m.storage.store import Store, open_store
from actor18m.survey.catalog_gone import check_catalog, last_measured
from actor18m.survey.contents import Row, content_of, is_key, look_up, must_exist, uri_of
from actor18m.survey.image_digests import MadeImage, made_image
from actor18m.survey.meaning import look_of, meant_by
from actor18m.terminal.say import say, say_json

app = typer.Typer()

_NAMED = 20

Names = Annotated[
    list[str], typer.Argument(metavar="KEY|URI...", help="Keys of clips or images, as explain shows them; paths, URIs.")
]


def _not_blank(told: str | None) -> str | None:
    if told is not None and not any(letter.isprintable() and not letter.isspace() for letter in told):
        raise typer.BadParameter("it says nothing, and is published with the verdict")
    return told


Why = Annotated[str, typer.Option(help="The reason, which is kept and published with it.", callback=_not_blank)]
Reason = Annotated[
    str | None, typer.Option("--why", help="The reason, which is kept and shown with it.", callback=_not_blank)
]
Who = Annotated[str | None, typer.Option(help="Who says it; by default the user of this machine.", callback=_not_blank)]


@app.command("deny")
def deny(names: Names, why: Why, who: Who = None, store: StoreUrl = "store") -> None:
    """Leave clips or single images out of the dataset, from the next build on and for ever."""
    _say(DENY, names, why, who, store)


@app.command("allow")
def allow(names: Names, why: Why, who: Who = None, store: StoreUrl = "store") -> None:
    """Take clips whatever the rules say of them, from the next build on and for ever."""
    _say(ALLOW, names, why, who, store)


@app.command("undo")
def undo(names: Names, why: Reason = None, who: Who = None, store: StoreUrl = "store") -> None:
    """Take back what was denied, allowed or removed. What was said stays to be seen."""
    with hold(open_store(store)) as lease:
        words = read_words(lease.store)
        rows = look_up(lease.store, [name for name in names if not is_image(name)])
        taken = [_taken_back(words, name, rows.get(name, ())) for name in names]
        at, by = now(), whoever(who)
        said = [
            Word(verb="restore" if ids else "undo", of=word.of, who=by, why=why, at=at, inputs=ids)
            for word, ids in taken
        ]
        keep(lease, said)
    for word, _ in taken:
        say(f"{word.of}: {word}: taken back; the next build decides by its rules")


def _taken_back(words: Words, name: str, rows: Sequence[Row]) -> tuple[Word, tuple[str, ...]]:
    """The newest word that was said of it, and the ids of inputs if they were removed by it."""
    ids = tuple(dict.fromkeys(row["id"] for row in rows if row["id"] in words.removed))
    keys = {row["clip"] for row in rows if is_key(name)}
    verdict = next((word for word in words.in_force if word.of == _plain(name) or word.of in keys), None)
    removal = words.removed[ids[0]] if ids else None
    if removal is not None and (verdict is None or words.is_newer(removal, verdict)):
        return removal, ids
    if verdict is not None:
        return verdict, ()
    holds = [*words.in_force, *dict.fromkeys(words.removed.values())]
    hint = ", ".join(each.of for each in holds[:8]) or "nothing"
    raise ActorError(
        f"{name} is neither allowed, denied nor removed by a word of its own. What holds is said of: {hint}"
    )


@app.command("remove")
def remove(names: Names, why: Reason = None, who: Who = None, store: StoreUrl = "store") -> None:
    """Take out inputs that were given by mistake, with the clips that they were split into. `gc` takes their bytes."""
    with hold(open_store(store)) as lease:
        found = look_up(lease.store, names)
        gone = read_words(lease.store).removed
        said = [_of_inputs(name, _inputs(name, found[name]), why, who) for name in names]
        said = [word for word in said if not gone.keys() >= set(word.inputs)]
        keep(lease, said)
    for word in said:
        then = "the next build leaves them out, and after it `gc` takes what was measured of them"
        say(f"{word.of}: {_counted(word)} removed; {then}")
    if not said:
        say("removed already")


def _inputs(name: str, rows: Sequence[Row]) -> list[str]:
    """Ids of the inputs that a name means: of a path or URI those that were given, which take their clips along."""
    if not rows:
        raise ActorError(
            f"nothing is registered that {name!r} means. Give a clip's key, an input's id, a path or a URI; "
            "`actor18m status --inputs` lists them."
        )
    given = [row["id"] for row in rows if is_key(name) or row["parent"] is None]
    return list(dict.fromkeys(given))


def _of_inputs(name: str, ids: Sequence[str], why: str | None, who: str | None) -> Word:
    return Word(verb="remove", of=_plain(name), who=whoever(who), why=why, at=now(), inputs=tuple(ids))


def _counted(word: Word) -> str:
    return amount(len(word.inputs), "input")


@app.command("relicense")
def relicense(
    inputs: Annotated[
        list[str],
        typer.Option("--input", metavar="LIST", help="CSV, TSV or Parquet with a column licence or consent."),
    ],
    why: Reason = None,
    who: Who = None,
    store: StoreUrl = "store",
) -> None:
    """Correct licence or consent of inputs that are registered: what the list says counts from the next build on.

    A row of the list means the input with the same file, cut and crop. An empty cell means that nothing is stated.
    """
    with hold(open_store(store)) as lease:
        check_catalog(lease.store, last_measured(lease.store))
        found = Register(lease.store).relicense(lease, _stating(find_inputs(inputs)))
        if found.corrected:
            by, name = whoever(who), ", ".join(inputs)
            keep(lease, [Word(verb="relicense", of=name, who=by, why=why, at=now())])
    for uri in found.unknown[:_NAMED]:
        say(f"not registered with this cut and crop: {uri}", err=True)
    if len(found.unknown) > _NAMED:
        say(f"… and {amount(len(found.unknown) - _NAMED, 'more that is', 'more that are')} not registered", err=True)
    say(
        f"{amount(found.given, 'row')} given, {amount(found.corrected, 'input')} corrected, "
        f"{amount(len(found.unknown), 'row')} not registered" + ("; the next build tells it" if found.corrected else "")
    )
    if found.given and len(found.unknown) == found.given:
        raise ActorError("No row means an input that is registered: `actor18m status --inputs` lists them.")


def _stating(inputs: Iterable[Input]) -> Iterator[Input]:
    for each in inputs:
        if not each.states and refusal(each.uri) is None:
            raise ActorError(
                f"{shown(each.uri)} is given without a licence or consent: give a list with a column licence or "
                "consent. Nothing was corrected."
            )
        yield each


@app.command("words")
def words(
    store: StoreUrl = "store",
    history: Annotated[bool, typer.Option("--all", help="Also what was taken back or said otherwise since.")] = False,
    as_json: AsJson = False,
) -> None:
    """What people said of clips, images and inputs: who, why, when."""
    found = read_words(open_store(store))
    holds = [*found.in_force, *dict.fromkeys(found.removed.values())]
    listed = [word for word in found.said if word.verb != "found"] if history else holds
    if as_json:
        say_json([word.model_dump(mode="json") for word in listed])
        return
    for word in listed:
        say(f"{word.at}  {word.verb}  {word.of}  by {word.who}" + (f": {word.why}" if word.why else ""))
    if not listed:
        say("nothing was said" if not found.said else "nothing holds; --all lists what was said")


def _say(verb: str, names: Sequence[str], why: str, who: str | None, store: str) -> None:
    clips = [name for name in names if not is_image(name)]
    # what a file has in it counts, by whatever other name it is registered
    contents = {name: sha256 for name in clips if not is_key(name) and (sha256 := content_of(name)) is not None}
    with hold(open_store(store)) as lease:
        found = look_up(lease.store, clips, set(contents.values()))
        at, by = now(), whoever(who)
        images = {name: _image(lease.store, verb, name) for name in names if is_image(name)}
        said = []
        for name in names:
            blank = Word(verb=verb, of=name, who=by, why=why, at=at)  # type: ignore[arg-type]
            if name in images:
                said.append(blank.model_copy(update={"images": images[name].digests}))
            else:
                content = contents.get(name)
                said.append(
                    _as_it_looks(_of_clips(blank, found[name], content), [*found[name], *found.get(content or "", ())])
                )
        before = read_words(lease.store)
        keep(lease, said)
    for name, word in zip(names, said, strict=True):
        rows = [*found.get(name, ()), *found.get(contents.get(name, ""), ())]
        effect = _effect_on_images(images[name]) if name in images else _effect(word, rows)
        told = f"{word.of}: {word}; {effect}"
        if not rows and word.is_of_uri and name not in contents:
            say(
                f"{word.of}: nothing is registered under this name and nothing can be read there: it holds only if a "
                "file is registered under just this name. To name what is in a file, give a copy of it.",
                err=True,
            )
        if (former := before.of(word.of)) is not None and former.verb != word.verb:
            told += f" (before: {former})"
        say(told)
    if verb == DENY:
        say("Versions that are published keep what they have: `actor18m gc` removes old ones, but none with a tag.")


def _image(store: Store, verb: str, key: str) -> MadeImage:
    if verb == ALLOW:
        raise ActorError(f"{key}: {IMAGES_ARE_DENIED}.")
    return made_image(store, key)


def _of_clips(word: Word, rows: Sequence[Row], content: str | None) -> Word:
    """What is said of a key is said of one clip; of a path or URI, of all that is in the file, as it is now and as it
    was measured. To allow is more careful: of a file that is registered by this name it concerns what was measured.
    """
    word = word.model_copy(update={"of": _meant(word.of, rows)})
    windows = dict.fromkeys(window for row in rows if (window := meant_by(word, row)) is not None)
    if content is not None and (word.verb == DENY or not rows):
        windows |= {ClipContent(clip=clip_key(content, None, None), content=content): None}
    return word.model_copy(update={"windows": tuple(windows)})


def _as_it_looks(word: Word, rows: Sequence[Row]) -> Word:
    """With what is known of a denied clip by now: the next build may come when that has gone."""
    if word.verb != DENY:
        return word
    looks = (look_of(row) for row in rows if _is_about(word, row))
    return word.model_copy(update={"looks": tuple(dict.fromkeys(look for look in looks if look is not None))})


def _meant(name: str, rows: Sequence[Row]) -> str:
    if not is_key(name):
        if not rows:
            must_exist(name)
        return uri_of(name)
    keys = sorted({str(row["clip"]) for row in rows if row["clip"] is not None})
    if len(keys) > 1 and (exact := [key for key in keys if key == name]):
        keys = exact
    if len(keys) == 1:
        return keys[0]
    if keys:
        raise ActorError(f"{name} is the beginning of several keys: {', '.join(keys)}. Give more of its digits.")
    if rows:
        raise ActorError(
            f"{name} is not measured yet, and so has no clip's key. Give its path or URI: {rows[0]['uri']}"
        )
    if len(name) < KEY_DIGITS:
        raise ActorError(f"no clip is registered whose key begins with {name}. `actor18m status --inputs` lists them.")
    return name


def _effect(word: Word, rows: Sequence[Row]) -> str:
    about = [row for row in rows if _is_about(word, row)]
    clips = sorted({str(row["clip"]) for row in about if row["clip"] is not None})
    if not about:
        return "no such clip is registered yet: it holds as soon as there is one"
    if not clips:
        return "it is not measured yet: it holds as soon as it is"
    verb = "leaves out" if word.verb == DENY else "takes"
    return f"the next build {verb} {_counted_clips(clips, word.verb)}"


def _effect_on_images(image: MadeImage) -> str:
    others = f", and with it {amount(len(image.others), 'image')} made from it" if image.others else ""
    return f"the next build leaves it out{others}"


def _is_about(word: Word, row: Row) -> bool:
    if word.of in (row["uri"], row["clip"]):
        return True
    if word.verb == ALLOW:
        return any(window.clip == row["clip"] for window in word.windows)
    return any(window.overlaps(row["content"], row["cut"], row["crop"]) for window in word.windows)


def _counted_clips(clips: Sequence[str], verb: str) -> str:
    more = ", copies and windows of it" if verb == DENY else ""
    some = ", ".join(clips[:_NAMED]) + (f" and {len(clips) - _NAMED} more" if len(clips) > _NAMED else "")
    return f"{amount(len(clips), 'clip')}{more}: {some}"


def _plain(name: str) -> str:
    return name if is_key(name) or is_image(name) else uri_of(name)
