"""Generations, issues and differences as JSON documents and as features for QGIS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import shapely

from gisgrid.db.generations import Generation
from gisgrid.db.periods import Period
from gisgrid.db.records import Issue
from gisgrid.errors import SourceError
from gisgrid.layers import AREA_LAYERS
from gisgrid.types import AreaRef
from ingest.generations.check import Diff
from ingest.generations.diff import Change, Handover, LevelDiff

_DRIVERS = {".geojson": "GeoJSON", ".json": "GeoJSON", ".gpkg": "GPKG"}


def generation_document(generation: Generation, periods: Iterable[Period]) -> dict[str, Any]:
    """Return a generation as JSON with the times in which it was served, all as RFC 3339."""
    own = {name: _plain(value) for name, value in generation._asdict().items()}
    served = [{"valid_from": _plain(period.valid_from), "valid_to": _plain(period.valid_to)} for period in periods]
    return {**own, "served": served}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def issue_document(issue: Issue) -> dict[str, Any]:
    """Return an issue as JSON, with a point in its place in degrees, or null."""
    lon_lat = None
    if issue.ewkb:
        point = shapely.point_on_surface(shapely.from_wkb(issue.ewkb))
        lon_lat = [round(point.x, 7), round(point.y, 7)] if not point.is_empty else None
    return {**{name: value for name, value in issue._asdict().items() if name != "ewkb"}, "lon_lat": lon_lat}


def counts_of(issues: list[Issue]) -> dict[tuple[str, str, str], int]:
    """Return how many issues there are of each severity, code and layer: errors first, then the most frequent."""
    counts = Counter((issue.severity, issue.code, issue.layer) for issue in issues)
    return dict(sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0])))


def diff_document(diff: Diff) -> dict[str, Any]:
    """Return a difference as JSON: what became of areas and what changes hands, level by level."""
    levels = {AREA_LAYERS[level.level].id: _level_document(level, diff) for level in diff.levels}
    return {"old": diff.old, "new": diff.new, "days": diff.days, "same": diff.is_empty, "layers": levels}


def _level_document(level: LevelDiff, diff: Diff) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for change in level.changes:
        changes.setdefault(change.kind, []).append(_change_document(change))
    return {
        "areas_before": level.old_count,
        "areas_after": level.new_count,
        "unchanged": level.unchanged,
        **{kind: changes.get(kind, []) for kind in ("added", "removed", "renamed", "recoded", "reparented", "reshaped")},
        "moved": {"area_m2": round(level.moved_m2, 2), **_moved(diff, {kind: level.moved(kind) for kind in diff.followed})},
        "handovers": [_handover_document(handover, diff) for handover in level.handovers],
    }


def _change_document(change: Change) -> dict[str, Any]:
    document: dict[str, Any] = {"before": _area(change.before), "after": _area(change.after)}
    if change.kind == "reparented":
        document |= {"parent_before": change.parent_before, "parent_after": change.parent_after}
    if change.kind in {"added", "removed", "reshaped"}:
        document |= {"lost_m2": round(change.lost_m2, 2), "gained_m2": round(change.gained_m2, 2)}
    return document


def _handover_document(handover: Handover, diff: Diff) -> dict[str, Any]:
    counts = {kind: handover.counts.get(kind, 0) for kind in diff.followed}
    return {
        "from": _area(handover.before),
        "to": _area(handover.after),
        "area_m2": round(handover.area_m2, 2),
        **_moved(diff, counts),
    }


def _area(ref: AreaRef | None) -> dict[str, str] | None:
    return None if ref is None else ref._asdict()


def _moved(diff: Diff, counts: dict[str, int]) -> dict[str, float]:
    """Return counts by kind; that of cases by the day."""
    return {
        "cases_per_day" if kind == "cases" else kind: round(count / diff.days, 3) if kind == "cases" else count
        for kind, count in counts.items()
    }


def require_writable(path: Path) -> None:
    """Raise SourceError when ``path`` is no file that the pieces of a difference can be written to."""
    if path.suffix.lower() not in _DRIVERS:
        raise SourceError(f"{path} names no format.", f"Give a file that ends in {', '.join(_DRIVERS)}.")
    if not path.parent.is_dir():
        raise SourceError(f"There is no folder {path.parent}.", "Make it first, or give another file.")


def write_pieces(diff: Diff, path: Path) -> int:
    """Write the land that changes hands, a feature a pair of areas, for QGIS; return how many features there are.

    ``path`` ends in .geojson or .gpkg and is replaced. Raises SourceError when it cannot be written.
    """
    rows = [(level, handover) for level in diff.levels for handover in level.handovers if handover.place is not None]
    fields = [_piece_fields(diff, level, handover) for level, handover in rows]
    columns = ["layer", "from_code", "from_name", "to_code", "to_name", "area_m2", *_moved(diff, dict.fromkeys(diff.followed, 0))]
    shapes = geopandas.array.from_shapely(
        [shapely.multipolygons(shapely.get_parts(handover.place)) for _, handover in rows], crs="EPSG:4326"
    )
    frame = geopandas.GeoDataFrame(fields, columns=columns, geometry=shapes)
    try:
        path.unlink(missing_ok=True)
        frame.to_file(path, driver=_DRIVERS[path.suffix.lower()], layer="handovers")
    except (OSError, pyogrio.errors.DataSourceError) as error:
        raise SourceError(f"{path} cannot be written: {error}", "Close it where it is open, or give another file.") from error
    return len(rows)


def _piece_fields(diff: Diff, level: LevelDiff, handover: Handover) -> dict[str, Any]:
    before, after = handover.before or AreaRef("", ""), handover.after or AreaRef("", "")
    return {
        "layer": AREA_LAYERS[level.level].id,
        "from_code": before.code or None,
        "from_name": before.name or None,
        "to_code": after.code or None,
        "to_name": after.name or None,
        "area_m2": round(handover.area_m2, 2),
        **_moved(diff, {kind: handover.counts.get(kind, 0) for kind in diff.followed}),
    }
