"""What a Gemini model answered, of Google's own JSON: the picture, or why there is none."""

import base64
from collections.abc import Mapping
from typing import Any

from actor18m.models.asked_roles import Edited, NoAnswer
from actor18m.redact import redact

_NO_IMAGE = "no_image"
_KINDS = {"STOP": _NO_IMAGE, "NO_IMAGE": _NO_IMAGE, "MAX_TOKENS": "cut_short"}
"""Of reasons for which it ended without an image; all others are refusals."""
MOST_LETTERS = 300
"""Of what Google says, so many are told."""


def told(answer: Mapping[str, Any]) -> Edited | NoAnswer:
    """The last picture that is no draft, or why there is none."""
    tokens = int(answer.get("usageMetadata", {}).get("totalTokenCount") or 0)
    if blocked := answer.get("promptFeedback", {}).get("blockReason"):
        return NoAnswer("blocked", f"the model was not asked: {blocked}", tokens, 0.0)
    candidate: Mapping[str, Any] = next(iter(answer.get("candidates", [])), {})
    parts = candidate.get("content", {}).get("parts", [])
    pictures = [part["inlineData"].get("data") for part in parts if "inlineData" in part and not part.get("thought")]
    if pictures and pictures[-1]:
        return Edited(_bytes_of(pictures[-1]), tokens)
    reason = candidate.get("finishReason") or "STOP"
    words = " ".join(part["text"] for part in parts if part.get("text")) or candidate.get("finishMessage") or ""
    why = f"no image came: {reason} {redact(words)[:MOST_LETTERS]}".rstrip()
    return NoAnswer(_KINDS.get(reason, "refused"), why, tokens, 0.0)


def _bytes_of(data: str) -> bytes:
    """Of either alphabet."""
    return base64.b64decode(data.replace("-", "+").replace("_", "/"))
