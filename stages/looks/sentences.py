"""A caption composed of its elements: what is not told or not visible is left out."""

from collections.abc import Mapping, Sequence

from stages.caption import NOT_TOLD, NOT_VISIBLE

_NUMBERS = {1: "one person", 2: "two people", 3: "three people"}
_FROM = {"front": "the front", "side": "the side", "back": "behind"}
_TO = {
    "front": "to the camera",
    "left": "to their own left",
    "right": "to their own right",
    "up": "upwards",
    "down": "downwards",
}


def caption_of(elements: Mapping[str, str], views: Sequence[str], face_views: Sequence[str], people: int) -> str:
    """`views`: from where the body is seen, in the order in which they come; `face_views`: where the face looks."""
    told = {name: text for name, text in elements.items() if text not in (NOT_TOLD, NOT_VISIBLE)}
    shown = "" if people == 0 else f" of {_NUMBERS.get(people, 'several people')}"
    body = f", the body seen from {_listed([_FROM[view] for view in views])}" if views else ""
    face = f", the face turned {_listed([_TO[view] for view in face_views])}" if face_views else ""
    sentences = [f"{told.get('shot_type', 'A video').capitalize()}{shown}{body}{face}."]
    if "action" in told:
        sentences.append(f"The person {told['action']}.")
    if "expression" in told:
        sentences.append(f"Their expression: {told['expression']}.")
    if "hairstyle" in told:
        sentences.append(f"Their hair: {told['hairstyle']}.")
    if "clothing" in told:
        sentences.append(f"Their clothes: {told['clothing']}.")
    if "accessory" in told:
        sentences.append(f"They wear {told['accessory']}.")
    if "background" in told:
        sentences.append(f"The background: {told['background']}.")
    return " ".join(sentences)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
