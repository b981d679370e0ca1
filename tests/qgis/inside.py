"""What QGIS makes of a project, for its own Python: reads steps as JSON, ``[[name, argument, ...], ...]``, and prints an answer to each."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor, QImage, QPainter  # type: ignore[import-not-found]

# Run by its path, by a Python that knows nothing of this project.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.qgis_noting import TILES, Noting

WIDTH, HEIGHT = 1200, 800
LOG: list[str] = []


def project_of(path: str) -> dict[str, Any]:
    """Open a project and tell what it says of itself."""
    project = QgsProject.instance()
    assert project.read(path), project.error()
    view = project.viewSettings().defaultViewExtent()
    return {
        "title": project.title(),
        "crs": project.crs().authid(),
        "box": [view.xMinimum(), view.yMinimum(), view.xMaximum(), view.yMaximum()],
        "groups": {group.name(): [leaf.layerId() for leaf in group.findLayers()] for group in project.layerTreeRoot().findGroups()},
    }


def layers_of() -> dict[str, Any]:
    """Tell of each layer of the open project: whether it is valid, how many features come, of which fields, with which form."""
    return {id: told_of(layer) for id, layer in QgsProject.instance().mapLayers().items()}


def told_of(layer: Any) -> dict[str, Any]:
    told = {
        "name": layer.name(),
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "styles": layer.styleManager().styles(),
        "style": layer.styleManager().currentStyle(),
        "renderer": layer.renderer().type() if layer.renderer() else None,
        "visible_from": layer.minimumScale() if layer.hasScaleBasedVisibility() else None,
    }
    if not isinstance(layer, QgsVectorLayer):
        return told
    form = layer.editFormConfig()
    fields = list(enumerate(layer.fields()))
    return told | {
        "count": sum(1 for _ in layer.getFeatures()),
        "fields": [field.name() for _, field in fields],
        "aliases": {field.name(): field.alias() for _, field in fields},
        "widgets": {field.name(): layer.editorWidgetSetup(index).type() for index, field in fields},
        "values": {
            field.name(): [next(iter(pair.items())) for pair in layer.editorWidgetSetup(index).config()["map"]]
            for index, field in fields
            if layer.editorWidgetSetup(index).type() == "ValueMap"
        },
        "fixed": [field.name() for index, field in fields if form.readOnly(index)],
        "tabs": [tab.name() for tab in form.tabs()],
        "placed": [child.name() for tab in form.tabs() for child in tab.children() if child.idx() >= 0],
        "defaults": {
            field.name(): layer.defaultValue(index) for index, field in fields if layer.defaultValueDefinition(index).expression()
        },
        "constraints": {field.name(): layer.constraintExpression(index) for index, field in fields if layer.constraintExpression(index)},
        "labels": layer.labelsEnabled(),
        "legend": [item.label() for item in layer.renderer().legendSymbolItems()] if layer.renderer() else [],
        "read_only": layer.readOnly(),
        "can": layer.dataProvider().capabilitiesString(),
    }


def settings_for(box: list[float] | None, layers: list[Any] | None = None) -> Any:
    """Return what to draw: the visible layers of the open project in a box of its system, or where it begins."""
    project = QgsProject.instance()
    settings = QgsMapSettings()
    leaves = project.layerTreeRoot().findLayers()
    settings.setLayers(layers or [leaf.layer() for leaf in leaves if leaf.isVisible() and leaf.layer().isValid()])
    settings.setDestinationCrs(project.crs())
    settings.setTransformContext(project.transformContext())
    settings.setBackgroundColor(project.backgroundColor())
    settings.setOutputDpi(96)
    settings.setFlag(QgsMapSettings.Antialiasing)
    settings.setOutputSize(QSize(WIDTH, HEIGHT))
    settings.setExtent(QgsRectangle(*box) if box else project.viewSettings().defaultViewExtent())
    context = settings.expressionContext()
    context.appendScope(QgsExpressionContextUtils.projectScope(project))
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    return settings


def draw(settings: Any) -> QImage:
    image = QImage(QSize(WIDTH, HEIGHT), QImage.Format_ARGB32)
    image.setDotsPerMeterX(3780)
    image.setDotsPerMeterY(3780)
    image.fill(settings.backgroundColor())
    painter = QPainter(image)
    QgsMapRendererCustomPainterJob(settings, painter).renderSynchronously()
    painter.end()
    return image


def drawn(picture: str, box: list[float] | None = None) -> dict[str, Any]:
    """Draw the map into a file and tell its scale and how often each colour is in it."""
    settings = settings_for(box)
    image = draw(settings)
    if picture:
        image.save(picture)
    counts: dict[str, int] = {}
    for x in range(0, WIDTH, 2):
        for y in range(0, HEIGHT, 2):
            name = QColor(image.pixel(x, y)).name()
            counts[name] = counts.get(name, 0) + 1
    return {"scale": settings.scale(), "colours": counts}


def counted(box: list[float]) -> dict[str, dict[str, int]]:
    """Tell how many features of each layer the tiles of the open project hold in a box, by tile as z/x/y."""
    for layer in QgsProject.instance().mapLayers().values():
        bare = QgsVectorTileLayer(layer.source(), layer.name())
        bare.setRenderer(Noting())
        draw(settings_for(box, [bare]))
    return TILES


def filtered(id: str, expression: str) -> dict[str, Any]:
    """Narrow a layer down with a filter that its source works out, and tell what is left."""
    layer = QgsProject.instance().mapLayer(id)
    taken = layer.setSubsetString(expression)
    count = sum(1 for _ in layer.getFeatures())
    layer.setSubsetString("")
    return {"taken": taken, "count": count}


def changed(id: str, code: str, values: dict[str, Any]) -> dict[str, Any]:
    """Change the fields of the feature with a code and save; a list is a place in the layer's own system."""
    layer = QgsProject.instance().mapLayer(id)
    feature = next(layer.getFeatures(f"\"code\" = '{code}'"))
    began = layer.startEditing()
    for name, value in values.items():
        if name == "geometry":
            layer.changeGeometry(feature.id(), QgsGeometry.fromPointXY(QgsPointXY(*value)))
        else:
            layer.changeAttributeValue(feature.id(), layer.fields().indexOf(name), value)
    return saved(layer, began)


def added(id: str, values: dict[str, Any], wkt: str) -> dict[str, Any]:
    """Add a feature with the defaults of its form, and save."""
    layer = QgsProject.instance().mapLayer(id)
    began = layer.startEditing()
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromWkt(wkt))
    for index, field in enumerate(layer.fields()):
        if field.name() in values:
            feature.setAttribute(index, values[field.name()])
        elif layer.defaultValueDefinition(index).isValid():
            feature.setAttribute(index, layer.defaultValue(index, feature))
    layer.addFeature(feature)
    return saved(layer, began)


def removed(id: str, code: str) -> dict[str, Any]:
    """Delete the feature with a code, and save."""
    layer = QgsProject.instance().mapLayer(id)
    began = layer.startEditing()
    layer.deleteFeature(next(layer.getFeatures(f"\"code\" = '{code}'")).id())
    return saved(layer, began)


def saved(layer: Any, began: bool) -> dict[str, Any]:
    LOG.clear()
    done = began and layer.commitChanges()
    errors = layer.commitErrors() if began else []
    if began and not done:
        layer.rollBack()
    return {"began": began, "saved": done, "errors": errors, "log": list(LOG)}


def by_hand(uri: str, provider: str) -> dict[str, Any]:
    """Add a layer without a project, with the style that its source has for it."""
    layer = QgsVectorLayer(uri, "by hand", provider)
    assert layer.isValid(), layer.error().message(1)
    _, loaded = layer.loadDefaultStyle()
    number, ids, names, _, _ = layer.listStylesInDatabase()
    return told_of(layer) | {"loaded": loaded, "stored": sorted(names), "related": number, "ids": len(ids)}


STEPS: dict[str, Any] = {
    "project": project_of,
    "layers": layers_of,
    "draw": drawn,
    "count": counted,
    "filter": filtered,
    "change": changed,
    "add": added,
    "remove": removed,
    "by hand": by_hand,
}


def main() -> None:
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    assert QgsCoordinateReferenceSystem("EPSG:4549").isValid()
    QgsApplication.messageLog().messageReceived.connect(lambda text, *_: LOG.append(text))
    answers = [STEPS[step](*more) for step, *more in json.load(sys.stdin)]
    sys.stdout.write("\n@@" + json.dumps(answers, ensure_ascii=False, default=str))
    sys.stdout.flush()


main()
