"""The result as tables."""

from rich.console import Console
from rich.table import Table

from accuracy import verdicts
from accuracy.build import DEFAULT, POLICIES
from accuracy.judging import NAME as JUDGING
from accuracy.jumps import NAME as JUMPS
from accuracy.measures import SUMMARY
from accuracy.result import Result
from accuracy.sets import FRESH, SHIPPED
from accuracy.splices import NAME as SPLICES

_MADE = (JUMPS, SPLICES, JUDGING)
WIDTH = 200
"""Where the output is no terminal."""


def show(result: Result) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(_figures(result))
    for name in result.seen:
        if name != FRESH:
            console.print(_confusion(result, name))
    if result.seen:
        console.print(_misses(result))
    console.print(_bars(result))


def _figures(result: Result) -> Table:
    """A row for each figure, a column for each set; clips that are made of others have rows of their own."""
    names = [name for name in result.sections if name not in _MADE]
    table = Table("", *names, title="How right it is (shares, medians / p90, means / p10, each of n cases)")
    titles = dict.fromkeys(title for name in names for title in result.sections[name])
    for title in titles:
        table.add_section()
        table.add_row(f"[bold]{title}")
        sections = [result.sections[name].get(title, {}) for name in names]
        for label in dict.fromkeys(label for section in sections for label in section):
            table.add_row(f"  {label}", *(str(section.get(label, "")) for section in sections))
    made = [result.sections.get(name, {}) for name in _MADE]
    for title, figures in ((title, each[title]) for each in made for title in each):
        table.add_section()
        table.add_row(f"[bold]{title}")
        for label, figure in figures.items():
            table.add_row(f"  {label}", *[""] * max(0, len(names) - 1), str(figure))
    return table


def _confusion(result: Result, name: str) -> Table:
    seen = result.seen[name]
    table = Table("case", "expected", *(f"policy {policy}" for policy in POLICIES), title=f"Verdicts by case: {name}")
    counts = {policy: verdicts.confusion(seen, policy) for policy in POLICIES}
    for case in counts[DEFAULT]:
        of_case = [each.filmed for each in seen if each.filmed.case == case]
        expected = dict.fromkeys(f"{f.state or 'any'} {' or '.join(f.rules)}".strip() for f in of_case)
        told = (", ".join(f"{n} {what}" for what, n in counts[policy][case].items()) for policy in POLICIES)
        table.add_row(case, "; ".join(expected), *told)
    return table


def _misses(result: Result) -> Table:
    table = Table("set", "clip", "expected", "came", "frames", title=f"Misses, policy {DEFAULT}")
    for name, misses in result.misses.items():
        for miss in misses:
            table.add_row(name, miss.clip, miss.expected, miss.came, miss.picture or "-")
    return table


def _bars(result: Result) -> Table:
    """Of what was asked for."""
    title = f"Bars, of {result.summary_of} samples and real footage" if result.seen else "Bars"
    table = Table("", "measured", "bar", "", title=title)
    for name, figure in result.summary.items():
        bar = SUMMARY[name]
        sets = {*bar.sets} | ({SHIPPED} if FRESH in bar.sets else set())
        if not sets & result.sections.keys():
            continue
        asked = f"{'at most' if bar.is_at_most else 'at least'} {bar.bar:g}"
        is_met = "" if figure.value is None else "met" if bar.is_met(figure.value) else "[bold red]missed"
        table.add_row(name, str(figure), asked, is_met)
    return table
