"""Reports made by hand, for tests of how they are told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely

from gisgrid.db.records import Issue
from ingest.report import Example, IngestReport, LayerReport

START = dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)


def hex_ewkb(shape: shapely.Geometry) -> str:
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))


def a_source(**changes: Any) -> LayerReport:
    """A source of covers, 17,000 rows of which 84 were rejected."""
    values: dict[str, Any] = {
        "layer": "manhole_covers",
        "source_id": "covers",
        "path": "covers/survey.shp",
        "status": "loaded",
        "read": 17_000,
        "loaded": 16_916,
        "repaired": 12,
        "rejected": 84,
        "warned": 3,
        "seconds": 2.0,
        "reasons": {"trimmed": 12, "duplicate_code": 80, "bad_date": 4, "value_dropped": 3},
        "inserted": 900,
        "updated": 16,
        "retired": 5,
        "unchanged": 16_000,
        "run_id": 12,
        "examples": {"duplicate_code": (Example(813, "code", "'1' was delivered by row 812 already."),)},
    }
    return LayerReport(**values | changes)


def a_report(*sources: LayerReport, **changes: Any) -> IngestReport:
    values: dict[str, Any] = {"deployment": "shibei", "started_at": START, "seconds": 2.5}
    return IngestReport(sources or (a_source(),), **values | changes)


def an_issue(
    code: str = "overlap", severity: Any = "error", place: shapely.Geometry | None = None, message: str = "They overlap."
) -> Issue:
    return Issue("grids", "370203005001001", code, severity, message, hex_ewkb(place) if place is not None else None)
