"""Generations, issues and differences for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table

from gisgrid.db.generations import Generation
from gisgrid.db.periods import Period
from gisgrid.db.records import Issue
from gisgrid.layers import AREA_LAYERS
from gisgrid.types import LEVELS, AreaRef
from ingest.generations.check import Diff
from ingest.generations.diff import Handover, LevelDiff
from ingest.generations.documents import counts_of

_SHOWN_HANDOVERS = 20


def generations_table(generations: Iterable[Generation], periods: Iterable[Period]) -> Table:
    """Return a table of all generations, newest first."""
    table = Table(box=None, pad_edge=False)
    for heading in ("generation", "status", "loaded", "served", "areas", "issues", "note"):
        table.add_column(heading, overflow="fold")
    for found in generations:
        served = [f"{_time(p.valid_from)} - {_time(p.valid_to)}" for p in periods if p.generation == found.id]
        areas = "\n".join(f"{found.areas[level]:,} {AREA_LAYERS[level].id}" for level in LEVELS if level in found.areas)
        table.add_row(
            str(found.id), found.status, _loaded(found), "\n".join(served) or "never", areas or "-", _issues(found), found.note or ""
        )
    return table


def _loaded(found: Generation) -> str:
    if found.status == "draft" and found.completed_at is None:
        return "not complete"
    return _time(found.completed_at or found.created_at)


def _issues(found: Generation) -> str:
    if found.checked_at is None:
        return "not checked"
    return ", ".join(f"{count:,} {severity}s" for severity, count in sorted(found.issues.items())) or "none"


def _time(instant: datetime | None) -> str:
    return "now" if instant is None else instant.astimezone().strftime("%Y-%m-%d %H:%M:%S%z")


def issues_table(issues: list[Issue], examples: int) -> Table:
    """Return a table of how many issues of each kind there are, with the first few of them."""
    table = Table(box=None, pad_edge=False)
    for heading in ("severity", "check", "layer", "issues", "such as"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "issues" else "left")
    for (severity, code, layer), count in counts_of(issues).items():
        some = [issue.message for issue in issues if (issue.severity, issue.code, issue.layer) == (severity, code, layer)][:examples]
        table.add_row(severity, code, layer, f"{count:,}", "\n".join(some))
    return table


def summary_table(diff: Diff) -> Table:
    """Return a table of what differs, a line a level."""
    table = Table(box=None, pad_edge=False)
    kinds = ("added", "removed", "renamed", "recoded", "reparented", "reshaped")
    for heading in ("layer", "before", "after", "unchanged", *kinds, "m2 moved", *_headings(diff)):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for level in diff.levels:
        counts = (level.old_count, level.new_count, level.unchanged, *(len(level.of_kind(kind)) for kind in kinds))  # type: ignore[arg-type]
        moved = [_count(diff, kind, level.moved(kind)) for kind in diff.followed]
        table.add_row(AREA_LAYERS[level.level].id, *(f"{count:,}" for count in counts), f"{level.moved_m2:,.0f}", *moved)
    return table


def handovers_table(diff: Diff, level: LevelDiff) -> Table:
    """Return a table of what changes hands at one level, most land first."""
    shown, whole = level.handovers[:_SHOWN_HANDOVERS], len(level.handovers)
    title = f"{AREA_LAYERS[level.level].id}: what changes hands" + (f" (the first {len(shown)} of {whole:,})" if whole > len(shown) else "")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("from", "to", "m2", *_headings(diff)):
        table.add_column(heading, overflow="fold", justify="left" if heading in {"from", "to"} else "right")
    for handover in shown:
        moved = [_count(diff, kind, handover.counts.get(kind, 0)) for kind in diff.followed]
        table.add_row(_named(handover.before), _named(handover.after), _m2(handover), *moved)
    return table


def changes_table(level: LevelDiff) -> Table | None:
    """Return a table of the areas that came, went, or are called otherwise, None when there are none."""
    rows = [change for change in level.changes if change.kind != "reshaped"]
    if not rows:
        return None
    shown = rows[:_SHOWN_HANDOVERS]
    more = f" (the first {len(shown)} of {len(rows):,})" if len(rows) > len(shown) else ""
    table = Table(title=f"{AREA_LAYERS[level.level].id}: what became of them{more}", title_justify="left", box=None, pad_edge=False)
    for heading in ("what", "before", "after"):
        table.add_column(heading, overflow="fold")
    for change in shown:
        if change.kind == "reparented":
            table.add_row(change.kind, f"{_named(change.before)} in {change.parent_before or '-'}", f"in {change.parent_after or '-'}")
        else:
            table.add_row(change.kind, _named(change.before), _named(change.after))
    return table


def _headings(diff: Diff) -> list[str]:
    return ["cases/day" if kind == "cases" else kind for kind in diff.followed]


def _count(diff: Diff, kind: str, count: int) -> str:
    return f"{count / diff.days:,.1f}" if kind == "cases" else f"{count:,}"


def _m2(handover: Handover) -> str:
    return f"{handover.area_m2:,.0f}" if handover.area_m2 else "-"


def _named(ref: AreaRef | None) -> str:
    return "-" if ref is None else f"{ref.code} {ref.name}"
