"""A dry run: every source checked as for a load, and nothing written; what was read before stands in for the database."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import shapely

from gisgrid.db.records import Issue
from gisgrid.deployment import Deployment
from gisgrid.locator import AreaTable
from gisgrid.progress import Progress
from gisgrid.types import Level
from ingest.load import Job, check
from ingest.positions import Delivered
from ingest.report import LayerReport
from ingest.topology import check_areas


class DryRun:
    """Checks sources in the order in which they would be loaded, each against those before it."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._delivered = Delivered()
        self._areas: dict[Level, list[pa.Table]] = defaultdict(list)

    def check(self, job: Job, progress: Progress) -> LayerReport:
        """Return what would come of one source; raises SourceError when its file turns out to be broken."""
        goal = job.opened.target
        report = check(job, progress, self._delivered, lambda rows: self._keep(job, rows))
        if report.status == "failed":
            self._delivered.forget(goal)
            if goal.level is not None:
                self._areas.pop(goal.level, None)
        return report

    def issues(self) -> tuple[Issue, ...]:
        """Return what is wrong between the areas that were delivered, as ``ingest.topology`` finds it."""
        tables = {level: _table(pa.concat_tables(rows)) for level, rows in self._areas.items()}
        return tuple(check_areas(tables, self._deployment)) if tables else ()

    def _keep(self, job: Job, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        goal = job.opened.target
        self._delivered.add(goal, rows)
        if goal.level is not None:
            self._areas[goal.level].append(rows.select(["code", "name", "parent_code", "geom"]))


def _table(rows: pa.Table) -> AreaTable:
    rows = rows.sort_by("code")
    shapes = np.asarray(shapely.from_wkb(rows["geom"].to_pylist()), dtype=object)
    return AreaTable(rows["code"].to_pylist(), rows["name"].to_pylist(), rows["parent_code"].to_pylist(), shapes)
