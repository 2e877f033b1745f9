"""Files that lay where inputs were looked for and are none by their suffix: nothing is passed over without a word."""

from collections import Counter
from dataclasses import dataclass, field

_TOLD = 5


@dataclass(frozen=True)
class FilesLeftOut:
    """By suffix, how many, and the name of one."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, suffix: str) -> None:
        self.counts[suffix] += 1
        # Whatever the order in which a folder is read.
        self.examples[suffix] = min(name, self.examples.get(suffix, name))

    def __str__(self) -> str:
        """12 files were not taken: .txt 10 (such as notes.txt), .jpg 2 (such as cover.jpg)"""
        by_count = sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))
        told = [f"{suffix or 'no suffix'} {count} ({self._example(suffix)})" for suffix, count in by_count[:_TOLD]]
        if others := sum(count for _, count in by_count[_TOLD:]):
            told.append(f"others {others}")
        total = self.counts.total()
        return f"{total} {'file was' if total == 1 else 'files were'} not taken: {', '.join(told)}"

    def _example(self, suffix: str) -> str:
        return ("such as " if self.counts[suffix] > 1 else "") + self.examples[suffix]
