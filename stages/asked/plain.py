"""What a model wrote, as a row may hold it: untrusted, since it may have been in a picture."""

ANOTHER_FORM = "another_form"
"""The kind of failure of an answer that has not what was asked for in it."""


def plain(text: str, longest: int) -> str:
    """On one line, without what would steer a terminal or turn the direction of reading, and not without end."""
    line = " ".join(text.split())
    return "".join(c for c in line if c.isprintable())[:longest].rstrip()
