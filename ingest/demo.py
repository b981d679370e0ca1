"""The main job, end to end: ``gisgrid demo`` makes the sample district, loads it and geolocates a day of cases."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from gisgrid.db import Database, open_database
from gisgrid.db.migrate import migrate
from gisgrid.deployment import load_deployment
from gisgrid.progress import Progress, progress_bar
from gisgrid.services import ReadModel
from gisgrid.services.batch import BatchSummary, locate_file
from gisgrid.settings import Settings, load_settings
from ingest.pipeline import run
from ingest.report import IngestReport, LayerReport, print_plain, print_report
from ingest.sample.generate import DEFAULT_SEED, generate


class Step(NamedTuple):
    """One step of the demo: its name, what came of it, whether it changed anything, and its wall time."""

    name: str
    outcome: str
    changed: bool
    seconds: float


class Truth(NamedTuple):
    """How the located cases compare with the true answers, for the cases that have coordinates.

    ``unmarked`` counts wrong grids that were given with no mention of doubt.
    """

    cases: int
    right: int
    unmarked: int


class DemoResult(NamedTuple):
    """All that the demo did, for the summary and for tests."""

    steps: list[Step]
    ingest: IngestReport
    cases: BatchSummary
    truth: Truth

    @property
    def layers(self) -> tuple[LayerReport, ...]:
        """What came of each source of the ingest."""
        return self.ingest.sources

    @property
    def changed(self) -> bool:
        """Whether any step changed anything."""
        return any(step.changed for step in self.steps)


def demo(
    scale: Annotated[float, typer.Option(help="Size of the sample district; 1 is the real size.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed makes another district.")] = DEFAULT_SEED,
    directory: Annotated[Path | None, typer.Option(help="Folder for the sample's files.", show_default="sample in GISGRID_HOME")] = None,
) -> None:
    """Make a sample district, load it into PostGIS, geolocate a day of cases and print what happened."""
    settings = load_settings()
    console = Console()
    result = run_demo(settings, directory or settings.home / "sample", seed=seed, scale=scale)
    print_report(result.ingest, console)
    tables = [case_table(result), step_table(result.steps)]
    if console.is_terminal:
        for table in tables:
            console.print(table)
    else:
        print_plain(tables, console)
    console.print("Everything is in place." if result.changed else "Nothing changed: everything was in place already.")


def run_demo(settings: Settings, directory: Path, *, seed: int, scale: float) -> DemoResult:
    """Run every step of the main job and return what came of each.

    Safe to repeat: a step that finds its result in place leaves it alone and says so. Raises GisgridError from the step
    that failed; what earlier steps have done stays.
    """
    steps: list[Step] = []

    def step(name: str, work: Callable[[Progress], tuple[str, bool]], unit: str = "rows") -> None:
        start = time.perf_counter()
        with progress_bar(name, unit=unit) as progress:
            outcome, changed = work(progress)
        steps.append(Step(name, outcome, changed, time.perf_counter() - start))

    work = _Work(settings, directory)
    step("Database", lambda _: work.open())
    step("Sample files", lambda progress: work.sample(seed, scale, progress), "steps")
    step("Ingest", work.ingest)
    step("Locate cases", work.locate)
    return DemoResult(steps, work.report, work.cases, compare_with_truth(work.located, directory / "cases_truth.csv"))


class _Work:
    """The demo's steps, each of which needs what the one before has made."""

    database: Database
    report: IngestReport
    cases: BatchSummary

    def __init__(self, settings: Settings, directory: Path) -> None:
        self.settings = settings
        self.directory = directory
        self.located = settings.home / "cases_located.csv"

    def open(self) -> tuple[str, bool]:
        self.database = open_database(self.settings)
        applied = migrate(self.database)
        return (f"migrated to {applied[-1]}", True) if applied else ("up to date", False)

    def sample(self, seed: int, scale: float, progress: Progress) -> tuple[str, bool]:
        written = generate(self.directory, seed, scale, progress).written
        return (f"{'written to' if written else 'unchanged in'} {_short(self.directory)}", written)

    def ingest(self, progress: Progress) -> tuple[str, bool]:
        deployment = load_deployment(self.settings.deployment)
        self.report = run(self.database, deployment, self.directory / "sources.toml", activate=True, progress=progress)
        self.report.raise_failure()
        loaded = sum(source.status == "loaded" for source in self.report.sources)
        return (f"{loaded} of {len(self.report.sources)} sources loaded, the others unchanged", loaded > 0)

    def locate(self, progress: Progress) -> tuple[str, bool]:
        model = ReadModel.load(self.database, self.settings)
        before = self.located.read_bytes() if self.located.exists() else None
        with _replaced_if_different(self.located, before) as target:
            self.cases = locate_file(model, self.directory / "cases.csv", target, crs_column="crs", progress=progress)
        changed = self.located.read_bytes() != before
        return (f"{'written to' if changed else 'unchanged in'} {_short(self.located)}", changed)


@contextmanager
def _replaced_if_different(path: Path, before: bytes | None) -> Iterator[Path]:
    """Give a neighbouring path to write to, which takes the place of ``path`` unless the bytes are the same."""
    draft = path.with_suffix(".draft.csv")
    try:
        yield draft
        if draft.read_bytes() != before:
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _short(path: Path) -> str:
    """Return ``path`` as seen from the current folder where that is shorter."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def compare_with_truth(located: Path, truth: Path) -> Truth:
    """Compare a located case file with the true answers, by case number, over the cases that have coordinates.

    A wrong grid counts as marked when the answer is on an edge or names more than one candidate.
    """
    with truth.open(encoding="utf-8", newline="") as file:
        grids = {row["number"]: row["grid"] for row in csv.DictReader(file)}
    with located.open(encoding="utf-8", newline="") as file:
        answers = [row for row in csv.DictReader(file) if row["status"] in {"inside", "edge", "outside"}]
    wrong = [row for row in answers if row["grid"] != grids[row["number"]]]
    unmarked = sum(row["status"] == "inside" and ";" not in row["candidates"] for row in wrong)
    return Truth(len(answers), len(answers) - len(wrong), unmarked)


def case_table(result: DemoResult) -> Table:
    """Return the table of cases by outcome, with the comparison with the true answers."""
    table = Table(title=f"Cases of the day: {result.cases.rows:,}", title_justify="left")
    table.add_column("outcome")
    table.add_column("cases", justify="right")
    for outcome, count in sorted(result.cases.outcomes.items(), key=lambda item: -item[1]):
        table.add_row(outcome, f"{count:,}")
    truth = result.truth
    table.add_row(f"true grid, of {truth.cases:,} with coordinates", f"{truth.right:,}")
    table.add_row("wrong grid with no mention of doubt", f"{truth.unmarked:,}")
    return table


def step_table(steps: list[Step]) -> Table:
    """Return the table of steps with what came of them and how long they took."""
    table = Table(title="Steps", title_justify="left")
    table.add_column("step")
    table.add_column("outcome")
    table.add_column("seconds", justify="right")
    for step in steps:
        table.add_row(step.name, step.outcome, f"{step.seconds:.1f}")
    table.add_row("all", "", f"{sum(step.seconds for step in steps):.1f}")
    return table
