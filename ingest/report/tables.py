"""Tables of a report for a terminal, and for what is not one: there the same columns without lines, never cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ingest.report.values import LayerReport
from ingest.report.words import DONE, field_of, ordered, severity_of

_STYLES = {"reject": "red", "repair": "cyan", "warn": "yellow", "": ""}
_ROWS = ("read", "loaded", "rejected", "repaired", "warned")
_CHANGES = ("new", "changed", "unchanged", "retired")


def summary_table(reports: Sequence[LayerReport], *, plain: bool = False) -> Table:
    """Return a table with one row a source: what came of its rows, and how long that took."""
    table = _table("Rows", ("source", "status"), (*_ROWS, "sec", "rows/s"), plain=plain)
    for report in reports:
        rate = f"{report.rows_per_s:,.0f}" if report.rows_per_s else "-"
        counts = (f"{value:,}" for value in (report.read, report.loaded, report.rejected, report.repaired, report.warned))
        table.add_row(name_of(report, reports), report.status, *counts, f"{report.seconds:.1f}", rate)
    return table


def changes_table(reports: Sequence[LayerReport], *, plain: bool = False) -> Table:
    """Return a table with one row a source: what it changed in the database."""
    table = _table("Changes in the database", ("source",), _CHANGES, plain=plain)
    for report in reports:
        counts = (f"{value:,}" for value in (report.inserted, report.updated, report.unchanged, report.retired))
        table.add_row(name_of(report, reports), *counts)
    return table


def findings_table(reports: Sequence[LayerReport]) -> Table:
    """Return a table of what the checks found with an example of each, for each source rejections first."""
    table = Table(title="Findings", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("source", "check", "rows are"):
        table.add_column(heading, no_wrap=heading == "check", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("example", overflow="fold")
    for report in reports:
        for code, count in ordered(report.reasons):
            severity = severity_of(code)
            done = Text(DONE[severity], style=_STYLES[severity])
            table.add_row(name_of(report, reports), code, done, f"{count:,}", Text(example_of(report, code)))
    return table


def _table(title: str, texts: Sequence[str], numbers: Sequence[str], *, plain: bool) -> Table:
    """Return an empty table with columns of text and of numbers; without lines, and never narrowed, when ``plain``."""
    table = Table(title=title, title_justify="left", box=None if plain else box.SIMPLE_HEAD, pad_edge=not plain)
    if plain:
        table.title_style = "none"
    for heading in texts:
        table.add_column(heading, no_wrap=plain, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def example_of(report: LayerReport, code: str) -> str:
    """Return the first row that a check found: its number, the field, and what is wrong with it."""
    for example in report.examples.get(code, ()):
        row = f"row {example.row_number:,}" if example.row_number is not None else ""
        place = ", ".join(filter(None, (row, field_of(example))))
        return f"{place}: {example.message}" if place else example.message
    return ""


def name_of(report: LayerReport, reports: Iterable[LayerReport]) -> str:
    """Return the layer, and the source where the layer has several."""
    several = sum(other.layer == report.layer for other in reports) > 1
    return f"{report.layer} ({report.source_id})" if several else report.layer
