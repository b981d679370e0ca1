"""Pictures of QGIS's own windows, without a screen, for its own Python: ``qgis_window.py WHAT PICTURE``, what of on stdin as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsFeature, QgsLayerTreeModel, QgsProject, QgsRectangle, QgsSettings  # type: ignore[import-not-found]
from qgis.gui import (  # type: ignore[import-not-found]
    QgsAttributeDialog,
    QgsAttributeEditorContext,
    QgsGui,
    QgsLayerTreeMapCanvasBridge,
    QgsLayerTreeView,
    QgsMapCanvas,
    QgsMessageViewer,
    QgsNewHttpConnection,
)
from qgis.PyQt.QtCore import QLocale, Qt, QTranslator  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QFont  # type: ignore[import-not-found]
from qgis.PyQt.QtWidgets import QHBoxLayout, QLineEdit, QSplitter, QWidget  # type: ignore[import-not-found]

SIZE = (1280, 800)
COVERS = "gisgrid_manhole_covers"


def opened(path: str) -> Any:
    """Return the project in a file, opened."""
    project = QgsProject.instance()
    project.clear()
    assert project.read(path), project.error()
    return project


def settle(canvas: Any, seconds: float = 60.0) -> None:
    """Let a canvas draw to its end."""
    end = time.monotonic() + seconds
    canvas.refreshAllLayers()
    QgsApplication.processEvents()
    time.sleep(0.3)
    while time.monotonic() < end and (canvas.isDrawing() or QgsApplication.hasPendingEvents()):
        QgsApplication.processEvents()
        time.sleep(0.02)
    canvas.waitWhileRendering()
    QgsApplication.processEvents()


def window(path: str, picture: Path, place: tuple[float, ...], opened_layers: tuple[str, ...]) -> None:
    """Draw the layers and the map of a project; ``place`` is x, y and the denominator of the scale, or nothing: all of it."""
    project = opened(path)
    root = QWidget()
    root.resize(*SIZE)
    tree = QgsLayerTreeView()
    model = QgsLayerTreeModel(project.layerTreeRoot())
    model.setFlag(QgsLayerTreeModel.AllowNodeChangeVisibility)
    model.setAutoCollapseLegendNodes(-1)
    tree.setModel(model)
    canvas = QgsMapCanvas()
    canvas.setCanvasColor(project.backgroundColor())
    bridge = QgsLayerTreeMapCanvasBridge(project.layerTreeRoot(), canvas)
    bridge.setAutoSetupOnFirstLayer(False)
    canvas.setDestinationCrs(project.crs())
    bridge.setCanvasLayers()
    splitter = QSplitter(Qt.Horizontal)
    splitter.addWidget(tree)
    splitter.addWidget(canvas)
    splitter.setSizes([300, SIZE[0] - 300])
    layout = QHBoxLayout(root)
    layout.setContentsMargins(4, 4, 4, 4)
    layout.addWidget(splitter)
    root.show()
    for leaf in project.layerTreeRoot().findLayers():
        leaf.setExpanded(leaf.layerId() in opened_layers)
    QgsApplication.processEvents()
    if not place:
        canvas.setExtent(project.viewSettings().defaultViewExtent())
    else:
        x, y, scale = place
        canvas.setExtent(QgsRectangle(x - 100, y - 100, x + 100, y + 100))
        canvas.zoomScale(scale)
    settle(canvas)
    root.grab().save(str(picture))
    root.close()


def form(path: str, picture: Path, code: str) -> None:
    """Draw the form of a cover."""
    layer = opened(path).mapLayer(COVERS)
    feature = next(layer.getFeatures(f"\"code\" = '{code}'"))
    layer.startEditing()
    dialog = QgsAttributeDialog(layer, QgsFeature(feature), False, None, True, QgsAttributeEditorContext())
    dialog.resize(620, 520)
    dialog.show()
    QgsApplication.processEvents()
    dialog.grab().save(str(picture))


def refusal(path: str, code: str) -> str:
    """Try to give a cover a wrong code; return what QGIS says of it."""
    layer = opened(path).mapLayer(COVERS)
    feature = next(layer.getFeatures(f"\"code\" = '{code}'"))
    layer.startEditing()
    layer.changeAttributeValue(feature.id(), layer.fields().indexOf("code"), "37020301")
    layer.commitChanges()
    errors = "\n".join(line.strip("\n") for line in layer.commitErrors())
    layer.rollBack()
    return errors


def message(text: str, picture: Path) -> None:
    """Draw what QGIS shows when the database refuses an edit."""
    viewer = QgsMessageViewer()
    viewer.setWindowTitle("保存编辑")
    viewer.setMessageAsPlainText(text.partition("CONTEXT:")[0].rstrip())
    viewer.resize(760, 260)
    viewer.show()
    QgsApplication.processEvents()
    viewer.grab().save(str(picture))
    viewer.close()


def connection(address: str, picture: Path) -> None:
    """Draw the dialog in which the address of the server goes."""
    dialog = QgsNewHttpConnection(None, QgsNewHttpConnection.ConnectionWfs, "qgis/connections-wfs/", "")
    for name, text in (("txtName", "gisgrid"), ("txtUrl", address)):
        box = dialog.findChild(QLineEdit, name)
        if box is not None:
            box.setText(text)
    for combo in dialog.findChildren(QWidget, "cmbVersion"):
        combo.setCurrentIndex(combo.count() - 1)
    dialog.resize(560, 640)
    dialog.show()
    QgsApplication.processEvents()
    dialog.grab().save(str(picture))
    dialog.close()


def in_chinese(application: Any) -> list[Any]:
    """Put QGIS's own words into Chinese where its translation is installed."""
    QLocale.setDefault(QLocale("zh_CN"))
    loaded = []
    for folder in (QgsApplication.i18nPath(), "/usr/share/qt5/translations"):
        for name in ("qgis_zh-Hans", "qgis_zh_Hans", "qtbase_zh_CN"):
            translator = QTranslator()
            if translator.load(name, folder):
                application.installTranslator(translator)
                loaded.append(translator)
    return loaded


def main() -> None:
    """Draw one picture."""
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    QgsSettings().setValue("qgis/symbolsListGroupsIndex", 0)
    application.setFont(QFont("WenQuanYi Micro Hei", 9))
    kept = in_chinese(application)
    QgsGui.editorWidgetRegistry().initEditors()
    what, picture, asked = sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin)
    if what == "form":
        form(asked["project"], picture, asked["code"])
    elif what == "refused":
        message(refusal(asked["project"], asked["code"]), picture)
    elif what == "connection":
        connection(asked["address"], picture)
    else:
        window(asked["project"], picture, tuple(asked.get("place", ())), tuple(asked.get("opened", ())))
    sys.stdout.flush()
    del kept
    # What Qt's windows leave behind comes apart in any order.
    os._exit(0)


main()
