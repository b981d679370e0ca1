"""What QGIS draws of vector tiles, for its own Python: ``qgis_reads.py SOURCE WEST,SOUTH,EAST,NORTH`` prints it as JSON.

SOURCE is that of a vector tile layer (``type=xyz&url=...`` or ``type=mbtiles&url=...``), the box is in EPSG:3857. The answer tells how
many features of each layer QGIS hands to a renderer, by tile as z/x/y, and how many places the style that it makes up itself paints.
"""

from __future__ import annotations

import json
import sys

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorTileLayer,
    QgsVectorTileRenderer,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor, QImage, QPainter  # type: ignore[import-not-found]

SIDE = 2048
COUNTS: dict[str, dict[str, int]] = {}


class Noting(QgsVectorTileRenderer):  # type: ignore[misc]
    """Draws nothing, and notes what it is given."""

    def type(self) -> str:
        return "noting"

    def clone(self) -> Noting:
        return Noting()

    def startRender(self, *_: object) -> None:
        pass

    def stopRender(self, *_: object) -> None:
        pass

    def renderTile(self, tile: object, _context: object) -> None:
        place = tile.id()  # type: ignore[attr-defined]
        address = f"{place.zoomLevel()}/{place.column()}/{place.row()}"
        COUNTS[address] = {name: len(tile.layerFeatures(name)) for name in tile.layers()}  # type: ignore[attr-defined]

    def writeXml(self, *_: object) -> None:
        pass

    def readXml(self, *_: object) -> None:
        pass


def draw(layer: object, box: list[float]) -> QImage:
    """Draw a layer in a box of 2048 pixels a side."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(QgsRectangle(*box))
    settings.setBackgroundColor(QColor(0, 0, 0, 0))
    settings.setOutputSize(QSize(SIDE, SIDE))
    image = QImage(SIDE, SIDE, QImage.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QgsMapRendererCustomPainterJob(settings, painter).renderSynchronously()
    painter.end()
    return image


def main() -> None:
    application = QgsApplication([], False)
    application.initQgis()
    box = [float(part) for part in sys.argv[2].split(",")]
    layer = QgsVectorTileLayer(sys.argv[1], "tiles")
    image = draw(layer, box)
    painted = sum(image.pixelColor(x, y).alpha() > 0 for x in range(0, SIDE, 16) for y in range(0, SIDE, 16))
    layer.setRenderer(Noting())
    draw(layer, box)
    told = {
        "valid": layer.isValid(),
        "zooms": [layer.sourceMinZoom(), layer.sourceMaxZoom()],
        "counts": COUNTS,
        "painted": painted,
    }
    sys.stdout.write(json.dumps(told))


main()
