"""What an inspection found, for people and as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ingest.inspecting.columns import Column
from ingest.inspecting.mapping import columns_of
from ingest.inspecting.proposal import Inspected, Proposal
from ingest.inspecting.writing import toml

_MOST_VALUES = 8
_VALUE_CHARS = 24


def show(console: Console, part: Inspected) -> None:
    """Print what one part of a file holds, column by column, and what it could be loaded as."""
    console.print(f"[bold]{escape(part.sample.part.label)}[/bold]")
    for line in _facts(part):
        console.print(f"  {escape(line)}", soft_wrap=True)
    if part.sample.columns:
        console.print(_table(part))
    for proposal in part.proposals:
        _show_proposal(console, proposal)
    if part.why_not:
        console.print(f"  {escape(part.why_not)}", style="yellow", soft_wrap=True)


def _facts(part: Inspected) -> list[str]:
    sample, lines = part.sample, []
    total = f" of {sample.contents.total:,}" if not sample.is_whole and sample.contents.total else ""
    lines.append(f"rows: {sample.rows:,}" + ("" if sample.is_whole else f"{total} (the first; the rest was not read)"))
    if sample.shapes is not None:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sample.shapes.kinds.items()) or "none"
        without = f", {sample.shapes.missing:,} rows without a usable one" if sample.shapes.missing else ""
        lines.append(f"geometry: {kinds}{' with Z' if sample.shapes.has_z else ''}{without}")
    elif part.place is not None:
        lines.append(f"geometry: from columns {', '.join(part.place.coordinates.values())}")
    if part.place is not None and (extent := _extent(part)):
        lines.append(f"extent as in the file: {extent}")
    if part.system is not None:
        lines.append(f"coordinate system: {part.system.crs or ''}{': ' if part.system.crs else ''}{'; '.join(part.system.remarks)}")
    if sample.contents.encoding:
        lines.append(f"encoding: {sample.contents.encoding}")
    return lines + [f"note: {note}" for note in sample.contents.notes]


def _extent(part: Inspected) -> str:
    boxes = part.place.boxes if part.place is not None else np.empty((0, 4))
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(boxes):
        return ""
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    return f"{west:.10g} to {east:.10g}, {south:.10g} to {north:.10g}"


def _table(part: Inspected) -> Table:
    table = Table(box=None, pad_edge=True)
    for name in ("column", "holds", "filled", "values", "probably"):
        table.add_column(name, overflow="fold", justify="right" if name == "filled" else "left")
    uses = _uses(part)
    for column in part.sample.columns:
        if column.filled or column.name in uses:
            cells = (column.name, column.kind, f"{column.share:.0%}", _values(column), uses.get(column.name, ""))
            table.add_row(*(Text(cell) for cell in cells))
    return table


def _uses(part: Inspected) -> dict[str, str]:
    """Return what each column is used for."""
    uses: dict[str, list[str]] = {}
    for proposal in part.proposals:
        for entry in proposal.fields:
            for name in columns_of(entry.value):
                uses.setdefault(name, []).append(entry.key)
    if part.place is not None:
        for key, name in part.place.coordinates.items():
            uses.setdefault(name, []).append(key)
    return {name: "; ".join(dict.fromkeys(said)) for name, said in uses.items()}


def _values(column: Column) -> str:
    """Return the values of a column in a few words: all of them when they are few, else examples."""
    if column.listed and column.distinct <= _MOST_VALUES < column.filled:
        return ", ".join(f"{_short(value)} ({count:,})" for value, count in column.listed)
    spread = f"{column.minimum:.10g} to {column.maximum:.10g}: " if column.minimum is not None and column.kind == "number" else ""
    different = "all different" if column.distinct == column.filled else f"{column.distinct:,} different"
    odd = f"; also {', '.join(_short(value) for value in column.odd)}" if column.odd else ""
    return f"{spread}{', '.join(_short(value) for value in column.examples)} … ({different}){odd}"


def _short(value: str) -> str:
    return value if len(value) <= _VALUE_CHARS else value[: _VALUE_CHARS - 1] + "…"


def _show_proposal(console: Console, proposal: Proposal) -> None:
    guess = proposal.guess
    lines: list[Text] = [Text(f"  source {proposal.source_id!r}: layer {guess.layer}, because {'; '.join(guess.reasons)}")]
    lines += [Text(f"  fill in: {key}: {doubt}", style="yellow") for key, doubt in proposal.open.items()]
    console.print(Group(*lines), soft_wrap=True)


def as_json(part: Inspected) -> dict[str, Any]:
    """Return what one part of a file holds and could be loaded as, for JSON."""
    sample = part.sample
    return {
        "part": sample.part.label,
        "rows_read": sample.rows,
        "is_whole": sample.is_whole,
        "total": sample.contents.total or None,
        "geometry": sample.shapes.kinds if sample.shapes is not None else None,
        "coordinates": part.place.coordinates if part.place is not None else None,
        "crs": {"name": part.system.crs, "is_known": part.system.is_known, "remarks": part.system.remarks} if part.system else None,
        "encoding": sample.contents.encoding,
        "notes": sample.contents.notes,
        "columns": [_column_json(column) for column in sample.columns],
        "sources": [_source_json(proposal) for proposal in part.proposals],
        "why_not": part.why_not or None,
    }


def _column_json(column: Column) -> dict[str, Any]:
    names = ("name", "kind", "filled", "distinct", "examples", "minimum", "maximum", "formats", "odd")
    return {name: getattr(column, name) for name in names} | {"values": dict(column.listed)}


def _source_json(proposal: Proposal) -> dict[str, Any]:
    lines = (*proposal.keys, *proposal.fields)
    return {
        "id": proposal.source_id,
        "layer": proposal.guess.layer,
        "is_sure": proposal.guess.is_sure,
        "reasons": proposal.guess.reasons,
        "lines": {entry.key: toml(entry.value) for entry in lines if entry.value is not None},
        "fill_in": proposal.open,
    }
