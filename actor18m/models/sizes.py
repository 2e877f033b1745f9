"""How much models take on disk: as the lock says, as they were pinned, and of large ones by their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from actor18m.amounts import amount
from actor18m.models.lock import Model
from actor18m.models.snapshots import pinned_size
from actor18m.models.weights import folder


@dataclass(frozen=True)
class Size:
    bytes: int
    is_about: bool = False
    unknown: tuple[str, ...] = ()
    """Models of which nobody knows before they are pinned, or here."""

    def __str__(self) -> str:
        """about 58.1 GB beside 3 models of unknown size"""
        size = f"{self.bytes / 1e9:,.1f} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:,.0f} MB"
        told = f"about {size}" if self.is_about else size
        return f"{told} beside {amount(len(self.unknown), 'model')} of unknown size" if self.unknown else told


def size_of(name: str, model: Model) -> Size | None:
    """None where nobody knows."""
    if model.snapshot is not None:
        if (pinned := pinned_size(name)) is not None:
            return Size(pinned)
        return None if model.snapshot.about_gb is None else Size(int(model.snapshot.about_gb * 1e9), is_about=True)
    places = [folder() / file.name for file in model.files]
    here = [place.stat().st_size if place.is_file() else None for place in places]
    sizes = [file.size or size for file, size in zip(model.files, here, strict=True)]
    return None if None in sizes else Size(sum(size or 0 for size in sizes))


def sizes_of(models: Mapping[str, Model]) -> Size:
    """All together."""
    found = {name: size_of(name, model) for name, model in models.items()}
    known = [size for size in found.values() if size is not None]
    unknown = tuple(name for name, size in found.items() if size is None)
    return Size(sum(size.bytes for size in known), any(size.is_about for size in known), unknown)
