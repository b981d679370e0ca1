"""What QGIS makes of a project, for QGIS's own Python: ``inside.py WHAT PROJECT [more]`` prints it as JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsExpressionContextUtils,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor, QImage, QPainter  # type: ignore[import-not-found]


def opened(path: str) -> Any:
    project = QgsProject.instance()
    assert project.read(path), project.error()
    return project


def layers_of(path: str) -> dict[str, Any]:
    """Tell of the project and of each layer: whether it is valid, how many features come, of which fields."""
    project = opened(path)
    told = {}
    for id, layer in project.mapLayers().items():
        is_vector = hasattr(layer, "getFeatures")
        told[id] = {
            "name": layer.name(),
            "valid": layer.isValid(),
            "error": layer.error().message(1) if not layer.isValid() else "",
            "crs": layer.crs().authid(),
            "styles": layer.styleManager().styles(),
            "renderer": layer.renderer().type() if layer.renderer() else None,
        }
        if is_vector:
            features = list(layer.getFeatures())
            told[id] |= {
                "count": len(features),
                "feature_count": layer.featureCount(),
                "fields": [field.name() for field in layer.fields()],
                "aliases": {field.name(): field.alias() for field in layer.fields()},
                "widgets": {field.name(): layer.editorWidgetSetup(index).type() for index, field in enumerate(layer.fields())},
                "fixed": [field.name() for index, field in enumerate(layer.fields()) if layer.editFormConfig().readOnly(index)],
                "geometry": layer.wkbType(),
                "read_only": layer.readOnly(),
            }
    view = project.viewSettings().defaultViewExtent()
    box = [view.xMinimum(), view.yMinimum(), view.xMaximum(), view.yMaximum()]
    groups = {group.name(): [leaf.layerId() for leaf in group.findLayers()] for group in project.layerTreeRoot().findGroups()}
    return {"title": project.title(), "crs": project.crs().authid(), "box": box, "groups": groups, "layers": told}


def drawn(path: str, picture: str, scale: str, place: str) -> dict[str, Any]:
    """Draw the map at a scale around a place (x,y in the system of the map; empty: where it begins) and tell its colours."""
    project = opened(path)
    settings = QgsMapSettings()
    settings.setLayers([leaf.layer() for leaf in project.layerTreeRoot().findLayers() if leaf.isVisible() and leaf.layer().isValid()])
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setBackgroundColor(project.backgroundColor())
    settings.setOutputDpi(96)
    settings.setFlag(QgsMapSettings.Antialiasing)
    size = QSize(1200, 800)
    settings.setOutputSize(size)
    box = project.viewSettings().defaultViewExtent()
    if place:
        x, y = map(float, place.split(","))
        metres = 0.0254 / 96 * float(scale)
        box = QgsRectangle(x - 600 * metres, y - 400 * metres, x + 600 * metres, y + 400 * metres)
    settings.setExtent(box)
    context = settings.expressionContext()
    context.appendScope(QgsExpressionContextUtils.projectScope(project))
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    image = QImage(size, QImage.Format_ARGB32)
    image.setDotsPerMeterX(3780)
    image.setDotsPerMeterY(3780)
    image.fill(project.backgroundColor())
    painter = QPainter(image)
    job = QgsMapRendererCustomPainterJob(settings, painter)
    job.renderSynchronously()
    painter.end()
    image.save(picture)
    counts: dict[str, int] = {}
    for x in range(0, size.width(), 3):
        for y in range(0, size.height(), 3):
            name = QColor(image.pixel(x, y)).name()
            counts[name] = counts.get(name, 0) + 1
    return {"scale": settings.scale(), "colours": dict(sorted(counts.items(), key=lambda item: -item[1])[:400])}


def main() -> None:
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    what, *more = sys.argv[1:]
    answer = {"layers": layers_of, "draw": drawn}[what](*more)
    sys.stdout.write("\n@@" + json.dumps(answer, ensure_ascii=False))
    sys.stdout.flush()


main()
