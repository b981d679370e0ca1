"""What a benchmark found: lines of ratios, proofs of what must hold, and what could not be measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Result


class Proof(NamedTuple):
    """Something that must hold, and what was found."""

    work: str
    found: str
    goal: str
    holds: bool


class Report:
    """What was measured so far, what was proved, and what could not be had."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.results: list[Result] = []
        self.proofs: list[Proof] = []
        self.missing: list[str] = []
        self._say = say

    def measured(self, *results: Result) -> None:
        """Add lines, and tell them at once: a run takes a while."""
        for result in results:
            self._say(f"{result.work}: {result.ratio:.2f} of {result.reference} ({result.goal})")
        self.results += results

    def proved(self, work: str, found: str, goal: str, *, holds: bool) -> None:
        """Add what was found of something that must hold."""
        self._say(f"{work}: {found} ({goal})")
        self.proofs.append(Proof(work, found, goal, holds))

    @property
    def holds(self) -> bool:
        """Whether everything that must hold does."""
        return all(proof.holds for proof in self.proofs)


def table(results: list[Result]) -> Table:
    """Return lines of ratios as a table, one row a comparison."""
    shown = Table(title="Ours against the reference, median of the rounds", title_justify="left")
    for heading in ("work", "reference", "ours", "reference's", "unit", "ratio", "range", "to reach"):
        shown.add_column(heading)
    for item in results:
        low, high = item.spread
        shown.add_row(
            item.work,
            item.reference,
            f"{item.ours:,.2f}",
            f"{item.theirs:,.2f}",
            item.unit,
            f"{item.ratio:.2f}",
            f"{low:.2f}-{high:.2f}",
            item.goal,
        )
    return shown


def proofs(report: Report) -> Table:
    """Return what must hold as a table, one row each."""
    shown = Table(title="What must hold", title_justify="left")
    for heading in ("what", "found", "to reach", "holds"):
        shown.add_column(heading)
    for proof in report.proofs:
        shown.add_row(proof.work, proof.found, proof.goal, "yes" if proof.holds else "NO")
    return shown


def show(report: Report, file: Path) -> None:
    """Print the tables, and write them to ``file``."""
    console = Console(record=True, highlight=False)
    if not console.is_terminal:
        console.width = 170
    console.print(table(report.results))
    console.print(proofs(report))
    for what in report.missing:
        console.print(f"Not measured: {what}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(console.export_text(), encoding="utf-8")
