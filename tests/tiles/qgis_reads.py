"""What QGIS draws of vector tiles, for its own Python: ``qgis_reads.py SOURCE WEST,SOUTH,EAST,NORTH`` prints it as JSON.

SOURCE is that of a vector tile layer (``type=xyz&url=...`` or ``type=mbtiles&url=...``), the box is in EPSG:3857. The answer tells how
many features of each layer QGIS hands to a renderer, by tile as z/x/y, and how many places the style that it makes up itself paints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor, QImage, QPainter  # type: ignore[import-not-found]

# Run by its path, by a Python that knows nothing of this project.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.qgis_noting import TILES, Noting

SIDE = 2048


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
        "counts": TILES,
        "painted": painted,
    }
    sys.stdout.write(json.dumps(told))


main()
