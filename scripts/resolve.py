"""Writes into docs/installing.md what an install on a cluster brings, with exact versions: `python scripts/resolve.py`.

Nothing is installed: `uv` (pip install uv) asks the package index for what each package requires, and reads no wheel of
CUDA's. It is told the platform, so that it does the same on a machine without a GPU.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/installing.md"
PYTHONS = ("3.11", "3.12")
EXTRAS = ("cluster", "embedded", "gcs", "readers", "s3")
BEGIN, END = "<!-- resolved: scripts/resolve.py -->\n", "<!-- /resolved -->"


def main() -> None:
    whole = {constrained: [resolved(python, constrained) for python in PYTHONS] for constrained in (True, False)}
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table(whole[True], whole[False]) + END + after)


def resolved(python: str, constrained: bool) -> dict[str, str]:
    """Package -> version, on Linux with this Python."""
    command = ["uv", "pip", "compile", "pyproject.toml", "--python-version", python, "--no-header", "--no-annotate"]
    command += ["--quiet", "--python-platform", "x86_64-manylinux_2_28"]
    command += [part for extra in EXTRAS for part in ("--extra", extra)]
    command += ["--constraints", "constraints.txt"] if constrained else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"Python {python}: {done.stderr}")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", done.stdout, re.MULTILINE))


def table(pinned: list[dict[str, str]], newest: list[dict[str, str]]) -> str:
    """Markdown: what the constraints give, and where the newest of everything would differ from that."""
    spelt = " ".join(f"{name}=={version}" for name, version in sorted(pinned[0].items()))
    lines = ["```", *textwrap.wrap(spelt, 120, break_long_words=False, break_on_hyphens=False), "```", ""]
    apart = sorted(name for name in pinned[0] | pinned[1] if pinned[0].get(name) != pinned[1].get(name))
    told = ", ".join(f"{name} {pinned[0].get(name, '-')} and {pinned[1].get(name, '-')}" for name in apart)
    lines += [f"{len(pinned[0])} packages on Python {PYTHONS[0]}, {len(pinned[1])} on {PYTHONS[1]}: "
              f"{'the same versions on both' if not apart else told}.", ""]  # fmt: skip
    lines += ["Without the constraints it resolves, too. What would then be another version:", ""]
    lines += [
        f"| package | constraints | newest, Python {PYTHONS[0]} | newest, Python {PYTHONS[1]} |",
        "|---|---|---|---|",
    ]
    for name in sorted({*newest[0], *newest[1], *pinned[0]}):
        versions = [pinned[0].get(name, "-"), *(each.get(name, "-") for each in newest)]
        if len({*versions}) > 1:
            lines.append(f"| {name} | {' | '.join(versions)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
