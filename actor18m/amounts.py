"""Counts in sentences: one clip, two clips."""


def amount(count: int, one: str, more: str | None = None) -> str:
    """`1 clip` or `1,200 clips`; `more` where an s behind `one` does not make several of it."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"
