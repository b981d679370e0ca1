"""What an ingest tells: counts for each source, as values, as a table for people and as JSON for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.table import Table

from ingest.checks import CHECKS

RunStatus = Literal["loaded", "unchanged", "checked"]
"""Loaded; nothing to do because file and description are as at the last load; or only checked (a dry run)."""

_SEVERITIES = ("reject", "repair", "warn")


@dataclass(frozen=True)
class LayerReport:
    """What became of one source's rows: ``read`` = ``loaded`` + ``rejected``; repaired and warned rows are loaded ones.

    ``reasons`` counts rows by check code (a rejected row once, under its first reason). When the status is ``unchanged``
    the counts are those of the run that loaded the file; ``inserted``, ``updated`` and ``deleted`` count what this run
    really changed in the database. ``notes`` holds remarks of the reading library.
    """

    layer: str
    source_id: str
    path: str
    status: RunStatus
    read: int
    loaded: int
    repaired: int
    rejected: int
    warned: int
    seconds: float
    reasons: dict[str, int]
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    crs: str | None = None
    encoding: str | None = None
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


@dataclass
class Tally:
    """Running counts over the batches of one source."""

    read: int = 0
    repaired: int = 0
    rejected: int = 0
    warned: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def loaded(self) -> int:
        """Rows that were not rejected."""
        return self.read - self.rejected


def summary_table(reports: list[LayerReport]) -> Table:
    """Return a table with one row a source: what came of its rows, and how long that took."""
    table = Table(title="Layers", title_justify="left")
    for heading in ("layer", "status"):
        table.add_column(heading)
    for heading in ("read", "loaded", "repaired", "rejected", "seconds"):
        table.add_column(heading, justify="right")
    for report in reports:
        counts = (f"{value:,}" for value in (report.read, report.loaded, report.repaired, report.rejected))
        table.add_row(_name(report, reports), report.status, *counts, f"{report.seconds:.1f}")
    return table


def findings_table(reports: list[LayerReport]) -> Table:
    """Return a table of what the checks found, for each layer rejections first, the most frequent of them first."""
    table = Table(title="Findings", title_justify="left")
    for heading in ("layer", "check", "what is done"):
        table.add_column(heading)
    table.add_column("rows", justify="right")
    for report in reports:
        ordered = sorted(report.reasons.items(), key=lambda item: (_SEVERITIES.index(CHECKS[item[0]].severity), -item[1], item[0]))
        for code, count in ordered:
            table.add_row(_name(report, reports), code, CHECKS[code].severity, f"{count:,}")
    return table


def _name(report: LayerReport, reports: list[LayerReport]) -> str:
    """Return the layer, and the source where the layer has several."""
    several = sum(other.layer == report.layer for other in reports) > 1
    return f"{report.layer} ({report.source_id})" if several else report.layer


def verdict(reports: list[LayerReport]) -> str:
    """Return one sentence on the whole ingest."""
    rejected = sum(report.rejected for report in reports)
    if all(report.status == "unchanged" for report in reports):
        words = "Nothing changed: every file was loaded as it is before."
    elif any(report.status == "checked" for report in reports):
        words = "Checked only; nothing was written."
    else:
        words = "Loaded."
    if rejected:
        words += f" {rejected:,} rows were rejected" + (" and are kept in gisgrid.ingest_rejects." if "Checked" not in words else ".")
    return words
