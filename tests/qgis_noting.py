"""A renderer that notes what QGIS hands to it of vector tiles; for scripts that run in QGIS's own Python."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsVectorTileRenderer  # type: ignore[import-not-found]

TILES: dict[str, dict[str, int]] = {}
"""How many features of each layer there were, by tile as z/x/y."""


class Noting(QgsVectorTileRenderer):  # type: ignore[misc]
    """Draws nothing, and notes in ``TILES`` how much of each layer it is given."""

    def type(self) -> str:
        return "noting"

    def clone(self) -> Noting:
        return Noting()

    def startRender(self, *_: object) -> None:
        pass

    def stopRender(self, *_: object) -> None:
        pass

    def renderTile(self, tile: Any, _context: object) -> None:
        place = tile.id()
        counts = TILES.setdefault(f"{place.zoomLevel()}/{place.column()}/{place.row()}", {})
        counts.update({name: len(tile.layerFeatures(name)) for name in tile.layers()})

    def writeXml(self, *_: object) -> None:
        pass

    def readXml(self, *_: object) -> None:
        pass
