"""Generations, issues and differences as lines of at most 80 columns: for a terminal, a file or another program alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from rich.table import Table

from gisgrid.db.generations import Generation
from gisgrid.db.periods import Period
from gisgrid.db.records import Issue
from gisgrid.layers import AREA_LAYERS
from gisgrid.types import LEVELS, AreaRef, Level
from ingest.generations.check import Diff
from ingest.generations.diff import Change, LevelDiff
from ingest.generations.documents import counts_of
from ingest.report.text import wrapped
from ingest.report.words import counted

_SHOWN = 20
_EXAMPLES = 3
_KINDS: tuple[Any, ...] = ("added", "removed", "renamed", "recoded", "reparented", "reshaped")
_DEEP = " " * 4


def generation_lines(generation: Generation, periods: Iterable[Period]) -> Iterator[str]:
    """Yield what a generation is, when it was served, and how many areas and issues it has."""
    yield from wrapped(f"Generation {generation.id} {generation.status}" + (f": {generation.note}" if generation.note else ""), "", "  ")
    served = [f"{_time(period.valid_from)} - {_time(period.valid_to)}" for period in periods if period.generation == generation.id]
    areas = ", ".join(_areas(level, generation.areas[level]) for level in LEVELS if level in generation.areas)
    yield f"  loaded  {_loaded(generation)}"
    for first, words in zip(["  served  ", *[" " * 10] * len(served)], served or ["never"], strict=False):
        yield first + words
    yield from wrapped(areas or "none", "  areas   ", " " * 10)
    yield from wrapped(_issues(generation), "  issues  ", " " * 10)


def _areas(level: Level, count: int) -> str:
    return f"{count:,} {level if count == 1 else AREA_LAYERS[level].id}"


def _loaded(found: Generation) -> str:
    if found.status == "draft" and found.completed_at is None:
        return "not complete"
    return _time(found.completed_at or found.created_at)


def _issues(found: Generation) -> str:
    if found.status == "retired" and not found.issues:
        return "not kept; checked again when it is served again"
    return _severities(found) if found.checked_at else "not checked"


def _severities(found: Generation) -> str:
    words = (f"{count:,} info" if severity == "info" else counted(count, severity) for severity, count in sorted(found.issues.items()))
    return ", ".join(words) or "none"


def _time(instant: datetime | None) -> str:
    return "now" if instant is None else instant.astimezone().strftime("%Y-%m-%d %H:%M:%S%z")


def issue_lines(issues: list[Issue]) -> Iterator[str]:
    """Yield how many issues of each kind there are, the errors first, with a few of each."""
    for (severity, code, layer), count in counts_of(issues).items():
        yield f"{count:,} info: {code} in {layer}" if severity == "info" else f"{counted(count, severity)}: {code} in {layer}"
        some = [issue.message for issue in issues if (issue.severity, issue.code, issue.layer) == (severity, code, layer)]
        for message in some[:_EXAMPLES]:
            yield from wrapped(message, "  ", _DEEP)


def summary_table(diff: Diff) -> Table:
    """Return a table of what differs, a column for each level."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", *(AREA_LAYERS[level.level].id for level in diff.levels)):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for heading, numbers in (
        ("before", [f"{level.old_count:,}" for level in diff.levels]),
        ("after", [f"{level.new_count:,}" for level in diff.levels]),
        ("unchanged", [f"{level.unchanged:,}" for level in diff.levels]),
        *((kind, [f"{len(level.of_kind(kind)):,}" for level in diff.levels]) for kind in _KINDS),
        ("m2 moved", [f"{level.moved_m2:,.0f}" for level in diff.levels]),
        *((_heading(kind), [_count(diff, kind, level.moved(kind)) for level in diff.levels]) for kind in diff.followed),
    ):
        table.add_row(heading, *numbers)
    return table


def level_lines(diff: Diff, level: LevelDiff) -> Iterator[str]:
    """Yield which areas of a level came, went, or are called otherwise, and what changes hands, most land first."""
    name = AREA_LAYERS[level.level].id
    changes = [change for change in level.changes if change.kind != "reshaped"]
    if changes:
        yield f"{name}: what became of them{_more(len(changes))}"
    for change in changes[:_SHOWN]:
        yield from wrapped(_became(change), "  ", _DEEP)
    if level.handovers:
        yield f"{name}: what changes hands{_more(len(level.handovers))}"
    for handover in level.handovers[:_SHOWN]:
        yield from wrapped(f"{_named(handover.before)} -> {_named(handover.after)}", "  ", _DEEP)
        land = f"{handover.area_m2:,.0f} m2" if handover.area_m2 else "no land"
        counts = (f"{_heading(kind)} {_count(diff, kind, handover.counts.get(kind, 0))}" for kind in diff.followed)
        yield from wrapped(", ".join((land, *counts)), _DEEP)


def _more(count: int) -> str:
    return f" (the first {_SHOWN} of {count:,})" if count > _SHOWN else ""


def _became(change: Change) -> str:
    if change.kind == "reparented":
        return f"reparented {_named(change.after)}: {change.parent_before or 'no parent'} -> {change.parent_after or 'no parent'}"
    return f"{change.kind} {' -> '.join(_named(ref) for ref in (change.before, change.after) if ref)}"


def _heading(kind: str) -> str:
    return "cases/day" if kind == "cases" else kind


def _count(diff: Diff, kind: str, count: int) -> str:
    return f"{count / diff.days:,.1f}" if kind == "cases" else f"{count:,}"


def _named(ref: AreaRef | None) -> str:
    return "no area" if ref is None else f"{ref.code} {ref.name}".rstrip()
