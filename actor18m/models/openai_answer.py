"""What came back from an OpenAI-compatible endpoint: an answer in the form that was asked for, or why there is none.

Nothing is mended: an answer that is cut short, refused, no JSON or in another form is none.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from actor18m.models.asked_roles import Answer, Letter, NoAnswer, Said

MALFORMED = "what is no chat completion"


class Malformed(Exception):
    """It was not OpenAI's protocol."""


def answer_of(content: bytes, letter: Letter[Said], dollars: Callable[[int, int], float]) -> Answer[Said] | NoAnswer:
    try:
        told = json.loads(content)
        choice, usage = told["choices"][0], told["usage"]
        text, finish = choice["message"].get("content"), choice.get("finish_reason")
        refusal = choice["message"].get("refusal")
        tokens_in, tokens_out = int(usage["prompt_tokens"]), int(usage.get("completion_tokens") or 0)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None
    cost = max(0, tokens_in) + max(0, tokens_out), max(0.0, dollars(tokens_in, tokens_out))
    if finish == "length":
        return NoAnswer("cut_short", f"the answer did not end within {tokens_out} tokens; raise max_tokens", *cost)
    if refusal or finish == "content_filter" or not isinstance(text, str):
        return NoAnswer("refused", "the model or its endpoint would not answer this", *cost)
    try:
        said = letter.form.model_validate_json(text, strict=True)
    except ValidationError as error:
        return NoAnswer(*_in_another_form(error), *cost)
    certainty = None if letter.sure_of is None else certainty_of(text, choice.get("logprobs"), letter)
    return Answer(said, certainty, *cost)


def certainty_of(text: str, logprobs: Any, letter: Letter[Said]) -> float | None:
    """How sure the model was of the word that it wrote for a property: at the token that begins it, the probability of
    tokens by which it goes on as this word, as a share of that of tokens by which it goes on as any of the words.
    """
    assert letter.sure_of is not None
    words = get_args(letter.form.model_fields[letter.sure_of].annotation)
    # the name of a property that comes before all free text stands there once; in a text it would be escaped
    found = re.search(rf'(?<!\\)"{re.escape(letter.sure_of)}"\s*:\s*"([^"\\]*)"', text)
    told = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if found is None or not isinstance(told, Sequence) or found[1] not in words:
        return None
    try:
        token, at = _token_at(told, len(text[: found.start(1)].encode()))
        before = _bytes(token)[:at]
        beginnings = {_bytes(each): float(each["logprob"]) for each in [*token.get("top_logprobs", ()), token]}
    except (KeyError, TypeError, ValueError, LookupError):
        return None
    mass = dict.fromkeys(words, 0.0)
    for begins, logprob in beginnings.items():
        fitting = [word for word in words if begins.startswith(before) and _begins(begins[len(before) :], word)]
        if len(fitting) == 1:
            mass[fitting[0]] += math.exp(min(0.0, logprob))
    whole = sum(mass.values())
    return mass[found[1]] / whole if whole > 0 and math.isfinite(whole) else None


def _begins(begins: bytes, word: str) -> bool:
    """Whether a token, from the word's first letter on, is the word's beginning, or all of it and more."""
    whole = f'{word}"'.encode()
    return bool(begins) and (whole.startswith(begins) or begins.startswith(whole))


def _token_at(tokens: Sequence[Mapping[str, Any]], offset: int) -> tuple[Mapping[str, Any], int]:
    """The one in which this byte of the text lies, and where in it."""
    for token in tokens:
        length = len(_bytes(token))
        if offset < length:
            return token, offset
        offset -= length
    raise LookupError("there are fewer tokens than text")


def _bytes(token: Mapping[str, Any]) -> bytes:
    told = token.get("bytes")
    return bytes(told) if told is not None else str(token["token"]).encode()


def _in_another_form(error: ValidationError) -> tuple[str, str]:
    """Without what was said: it may be anything."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return "not_json", "the answer is no JSON"
    where = ".".join(str(each) for each in first["loc"])
    kind = "missing" if first["type"] == "missing" else first["type"].replace("_", " ")
    return "another_form", f"the answer is not in the form that was asked for: {where or 'as a whole'}, {kind}"
