"""The rasters of an ingest: which there are, opened, checked or loaded one by one. What reads cells is imported when there are any."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gisgrid.db.loading import Loading
from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from gisgrid.progress import Progress
from ingest.description import Description, RasterSource, load_description
from ingest.report import LayerReport

if TYPE_CHECKING:
    from ingest.rasters import RasterJob

RASTERS = "rasters"
"""What rasters are filed under, where sources name their layer."""

_GEOTIFF = {".tif", ".tiff"}
_LONGEST_ID = 63


def description_of(path: Path) -> Description:
    """Return the description at ``path``; of a GeoTIFF one of itself, called by the name of the file.

    Raises SourceError that names the mistakes in it.
    """
    if path.suffix.lower() not in _GEOTIFF:
        return load_description(path)
    id = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:_LONGEST_ID]
    if not id:
        raise SourceError(
            f"{path.name} has no plain letters or digits that a raster could be called by.",
            f'Write a description: [[rasters]] with id = "…" and path = "{path.name}".',
        )
    return Description(rasters=(RasterSource(id=id, path=path.name),))


class Rasters:
    """The rasters of one ingest, each looked at when this is made; raises SourceError when one cannot be used at all."""

    def __init__(self, sources: Sequence[RasterSource], folder: Path, deployment: Deployment, home: Path, progress: Progress) -> None:
        self._home, self._progress = home, progress
        self._jobs: list[RasterJob] = []
        if sources:
            # The libraries that read cells take longer to import than most loads of rows.
            from ingest.rasters import open_raster_job  # noqa: PLC0415

            self._jobs = [open_raster_job(source, folder, deployment) for source in sources]

    def checked(self) -> list[LayerReport]:
        """Read all cells and write nothing; a raster that cannot be used fails alone."""
        if not self._jobs:
            return []
        from ingest.rasters import check_raster  # noqa: PLC0415

        return self._each(lambda job: check_raster(job, self._progress))

    def loaded(self, loading: Loading) -> list[LayerReport]:
        """Load what is not loaded yet; a raster that cannot be used fails alone."""
        if not self._jobs:
            return []
        from ingest.rasters import load_raster  # noqa: PLC0415

        return self._each(lambda job: load_raster(loading, job, self._home, self._progress))

    def _each(self, work: Callable[[RasterJob], LayerReport]) -> list[LayerReport]:
        from ingest.rasters import failed_raster  # noqa: PLC0415

        reports = []
        for job in self._jobs:
            try:
                reports.append(work(job))
            except SourceError as error:
                reports.append(failed_raster(job, error))
        return reports
