"""What a list and file names hold that must not leave: secrets, and what steers terminals."""

import ast
import csv
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

from actor18m.samples.shipped import find_clips
from tests.catalog.test_lists import SECRETS
from tests.engine.intake_alone import PIPELINE
from tests.engine.site import Site

SECRET = "S3CRET"
ESC, BELL, TURN = "\x1b", "\x07", "\u202e"
STEERING = {
    "colour": f"{ESC}[31mred",
    "link": f"{ESC}]8;;http://evil.example{ESC}\\click{ESC}]8;;{ESC}\\",
    "title": f"{ESC}]0;title{BELL}",
    "turned": f"clip{TURN}4pm.exe",
    "lines": "one\nfake: line\rtwo",
    "eight bit": "\x9b31mred",
    "markup": "[bold]big[/bold] [click](http://evil.example)",
}
ASKED = {
    "status": ["--inputs"],
    "status in JSON": ["--inputs", "--json"],
    "plan": [],
    "plan in JSON": ["--json"],
    "what-if": ["--set", "intake.seconds=100"],
}


def with_list(site: Site, columns: list[str], rows: list[list[str]]) -> Path:
    """A list of one good clip, which each row may name, too."""
    path = site.root / "list.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([columns, *rows])
    return path


def good_clip(site: Site, name: str) -> str:
    site.videos.mkdir(exist_ok=True)
    smallest = min(find_clips(), key=lambda clip: clip.size_bytes)
    shutil.copyfile(smallest.video, site.videos / name)
    return f"videos/{name}"


def asked(site: Site, names: list[str]) -> Iterator[tuple[str, str]]:
    """What each command says of this site, by its call: on stdout and stderr."""
    calls = [[call.partition(" ")[0], *arguments] for call, arguments in ASKED.items()]
    calls += [["explain", *as_json, name] for name in names for as_json in ([], ["--json"])]
    for command, *arguments in calls:
        result = site.run(command, *arguments, str(site.root / "steady.yaml"))
        yield f"{command} {arguments}", result.output + result.stderr
    for command in ("diff", "sheet", "gc"):
        more = {"diff": ["000001", "--json"], "sheet": [str(site.root / "sheets")], "gc": ["--dry-run"]}[command]
        done = site.bare(command, *more, "--dataset", str(site.dataset))
        yield command, done.output + done.stderr


def everything_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Bytes of every file, of Parquet also what its columns hold."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        content = path.read_bytes()
        yield str(path), content
        if path.suffix == ".parquet":
            yield f"{path} decoded", json.dumps(pq.read_table(path).to_pylist(), default=repr).encode()
        elif content.startswith(b"\x1f\x8b"):
            yield f"{path} unpacked", gzip.decompress(content)


def spelt(secret: str) -> set[bytes]:
    encoded = "".join(f"%{byte:02X}" for byte in secret.encode())
    return {each.encode() for each in (secret, quote(secret, safe=""), encoded, encoded.lower())}


def test_no_shape_of_a_secret_is_in_store_dataset_logs_or_what_commands_say(
    site: Site,
) -> None:
    site = Site(site.root, PIPELINE)
    good = good_clip(site, "good.mp4")
    seen_at = "https://ann:S3CRET@host/?token=S3CRET"
    rows = [[good, SECRET, SECRET, seen_at, "CC0 token=S3CRET"]]
    rows += [[uri, SECRET, SECRET, seen_at, ""] for uri in SECRETS.values()]
    path = with_list(site, ["uri", "api_key", "Cookie", "seen_at", "licence"], rows)
    built = site.run("build", str(site.root / "steady.yaml"), "--input", str(path), "--max-failed", "1")
    assert built.exit_code == 0, built.output
    states = {row["uri"]: (row["state"], row["error_kind"]) for row in site.table("inputs")}
    assert len(states) > 9
    kinds = {kind for _, kind in states.values()}
    assert kinds == {None, "credentials_in_uri", "unsupported_scheme"}
    said = [("build", built.output + built.stderr)]
    refused = site.run("build", str(site.root / "steady.yaml"), "--input", SECRETS["token"])
    assert refused.exit_code == 1
    assert "credentials come from the environment" in refused.stderr
    said += [("refused", refused.output + refused.stderr)]
    said += asked(site, [*SECRETS.values(), "videos/good.mp4"])
    found = [(where, text.encode()) for where, text in said]
    found += [*everything_in(site.root / "store"), *everything_in(site.dataset)]
    assert len(found) > 20
    for where, content in found:
        for secret in {*spelt(SECRET), *spelt("AKIAIOSFODNN7EXAMPLE")}:
            assert secret not in content, where


def test_nothing_that_a_name_or_a_column_holds_steers_a_terminal_or_the_card(site: Site) -> None:
    site = Site(site.root, PIPELINE)
    names = [good_clip(site, f"{text.replace('/', '-')}.mp4") for text in STEERING.values()]
    rows = [[name, text, text, text] for name, text in zip(names, STEERING.values(), strict=True)]
    rows += [[f"gone/{text}.mp4", text, text, text] for text in STEERING.values()]
    rows += [[f"ftp://host/{text}", text, text, text] for text in STEERING.values()]
    path = with_list(site, ["uri", "licence", "consent", "note" + ESC], rows)
    built = site.run("build", str(site.root / "steady.yaml"), "--input", str(path), "--max-failed", "1")
    assert built.exit_code == 0, built.output
    said = [("build", built.output + built.stderr), *asked(site, [str(site.root / name) for name in names])]
    said += [("card", (site.dataset / "latest" / "README.md").read_text())]
    said += [("no such list", site.run("build", "--input", f"gone{ESC}[31m").stderr)]
    for where, text in said:
        for mark in (ESC, BELL, TURN, "\x9b", "\r", "\nfake: line"):
            assert mark not in text, where
    card = said[-2][1]
    assert "[click]" not in card.replace("\\[", "")


def test_commands_print_through_one_place() -> None:
    """Nothing else of the package writes to the terminal: whoever adds a command cannot forget."""
    package = Path(__file__).parents[2] / "actor18m"
    wrong = []
    for path in sorted(package.rglob("*.py")):
        if path.name == "say.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("print", "typer.echo", "click.echo", "typer.secho", "Console", "rich.print"):
                wrong.append(f"{path.relative_to(package)}:{node.lineno} {called}")  # type: ignore[attr-defined]
    assert not wrong
