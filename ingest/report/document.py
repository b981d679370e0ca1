"""The report as JSON: a shape that others may rely on, told in docs/ingest.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely

from gisgrid.db.records import Issue
from ingest.report.values import FORMAT, IngestReport
from ingest.report.words import verdict

_TOTALS = ("read", "loaded", "rejected", "repaired", "warned", "inserted", "updated", "unchanged", "retired")
_MOST_ISSUES = 1_000


def as_document(report: IngestReport) -> dict[str, Any]:
    """Return the report as plain values for JSON: verdict, totals, sources, topology issues (counts, and the first 1,000)."""
    return {
        "format": FORMAT,
        "deployment": report.deployment,
        "started_at": report.started_at.isoformat(timespec="seconds"),
        "seconds": round(report.seconds, 3),
        "dry_run": report.dry_run,
        "verdict": verdict(report),
        "generation": report.generation,
        "activated": report.activated,
        "draft": report.draft,
        "refusal": report.refusal,
        "totals": {name: report.total(name) for name in _TOTALS},
        "settings": report.settings,
        "sources": [source.as_json() for source in report.sources],
        "issue_counts": [{"code": code, "severity": severity, "count": count} for code, severity, count in report.issue_counts()],
        "issues": list(_issues(report.issues[:_MOST_ISSUES])),
    }


def to_json(report: IngestReport) -> str:
    """Return the report as JSON text that ends with a line break."""
    return json.dumps(as_document(report), ensure_ascii=False, indent=2, default=str) + "\n"


def _issues(issues: tuple[Issue, ...]) -> Iterator[dict[str, Any]]:
    """Yield each issue with a point in its place, degrees, WGS 84."""
    shapes = shapely.from_wkb(np.array([issue.ewkb for issue in issues], dtype=object), on_invalid="ignore")
    places = shapely.get_coordinates(shapely.point_on_surface(shapes), return_index=True)
    points = dict(zip(places[1].tolist(), places[0].round(7).tolist(), strict=True))
    for position, issue in enumerate(issues):
        lon, lat = points.get(position, (None, None))
        yield {name: value for name, value in issue._asdict().items() if name != "ewkb"} | {"lon": lon, "lat": lat}
