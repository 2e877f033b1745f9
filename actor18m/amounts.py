"""Amounts in sentences: one clip, two clips, $0.0025."""


def amount(count: int, one: str, more: str | None = None) -> str:
    """`1 clip` or `1,200 clips`; `more` where an s behind `one` does not make several of it."""
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def dollars(value: float) -> str:
    """What is less than a dollar by its first two figures: a request may cost a part of a cent."""
    return f"${value:,.2f}" if value >= 1 or not value else f"${value:.2g}"
