"""Tables of a report for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from ingest.checks import CHECKS
from ingest.report.values import LayerReport

_SEVERITIES = ("reject", "repair", "warn", "")


def summary_table(reports: Sequence[LayerReport]) -> Table:
    """Return a table with one row a source: what came of its rows, and how long that took."""
    table = Table(title="Layers", title_justify="left")
    for heading in ("layer", "status"):
        table.add_column(heading)
    for heading in ("read", "loaded", "repaired", "rejected", "seconds"):
        table.add_column(heading, justify="right")
    for report in reports:
        counts = (f"{value:,}" for value in (report.read, report.loaded, report.repaired, report.rejected))
        table.add_row(name_of(report, reports), report.status, *counts, f"{report.seconds:.1f}")
    return table


def findings_table(reports: Sequence[LayerReport]) -> Table:
    """Return a table of what the checks found, for each layer rejections first, the most frequent of them first."""
    table = Table(title="Findings", title_justify="left")
    for heading in ("layer", "check", "what is done"):
        table.add_column(heading)
    table.add_column("rows", justify="right")
    for report in reports:
        for code, count in ordered(report.reasons):
            table.add_row(name_of(report, reports), code, severity_of(code), f"{count:,}")
    return table


def ordered(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """Return (check, rows) with rejections first, then repairs and warnings, the most frequent of each first."""
    return sorted(reasons.items(), key=lambda item: (_SEVERITIES.index(severity_of(item[0])), -item[1], item[0]))


def severity_of(code: str) -> str:
    """Return what a check does to its rows; "" for a check that there is no more (an old run may name one)."""
    return CHECKS[code].severity if code in CHECKS else ""


def name_of(report: LayerReport, reports: Iterable[LayerReport]) -> str:
    """Return the layer, and the source where the layer has several."""
    several = sum(other.layer == report.layer for other in reports) > 1
    return f"{report.layer} ({report.source_id})" if several else report.layer


def verdict(reports: Sequence[LayerReport]) -> str:
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
