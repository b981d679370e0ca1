"""How QGIS draws vector tiles: the looks of the layers as rules by zoom, and names from their own tiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gisgrid.layers import Layer
from gisgrid.qgis.colours import palette
from gisgrid.qgis.labels import Label, settings_node
from gisgrid.qgis.looks import Language, Look, Shape, many_rules
from gisgrid.qgis.nodes import Node, node
from gisgrid.qgis.rules import Rule, flat
from gisgrid.qgis.symbols import Symbol, fill, is_generated, symbol_node

_GEOMETRIES: dict[Shape, int] = {"Point": 0, "LineString": 1, "Polygon": 2}
_NAMES: dict[Shape, str] = {"Point": "Point", "LineString": "Line", "Polygon": "Polygon"}
_ANY = -1
_SCALE_OF_ZOOM_0 = 559_082_264


def zoom_at(scale: int) -> int:
    """Return the first zoom of QGIS's tiles that is drawn at a scale, given by its denominator.

    >>> zoom_at(20_000)
    14
    """
    zoom = 0
    while _SCALE_OF_ZOOM_0 / 2**zoom > scale * 1.5:
        zoom += 1
    return zoom


def renderer(styles: Iterable[Node]) -> Node:
    """Return the renderer of a layer of vector tiles."""
    return node("renderer", {"type": "basic"}, node("styles", {}, *styles))


def layer_styles(layer: Layer, look: Look, shape: Shape, language: Language, zooms: tuple[int, int] = (_ANY, _ANY)) -> list[Node]:
    """Return the styles of one layer in tiles: its look where every feature is there, one circle for several where tiles are thinned."""
    first, last = zooms
    if layer.thinned_below is not None and layer.geometry == "Point":
        many = [_style(layer, rule, shape, (first, layer.thinned_below - 1)) for rule in many_rules(layer.id, language)]
        return [*many, *(_style(layer, rule, shape, (layer.thinned_below, last)) for rule in _drawn(look))]
    return [_style(layer, rule, shape, zooms) for rule in _drawn(look)]


def view_styles(first_zoom: int) -> list[Node]:
    """Return the styles of what cameras see, by their status."""
    made = []
    for status in ("online", "offline", "fault"):
        symbol = Symbol("fill", (fill(palette()[status], alpha=30, border=palette()[status], border_width=0.08),))
        made.append(_node(f"camera_views/{status}", "camera_views", f"\"status\" = '{status}'", symbol, (2, first_zoom, _ANY)))
    return made


def names_labeling() -> Node:
    """Return the labels of areas, of which the tiles called ``names`` have one point each."""
    colours = palette()
    halo = colours["halo"]
    labels: Sequence[tuple[str, Label, tuple[int, int]]] = (
        ("districts", Label('"name"', 16, colours["district_label"], halo, bold=True, of_points=True), (_ANY, 12)),
        ("streets", Label('"name"', 11, colours["street_label"], halo, bold=True, of_points=True), (12, 16)),
        ("communities", Label('"short"', 9, colours["community_label"], halo, of_points=True), (14, 18)),
        ("grids", Label('"short"', 8, colours["grid_label"], halo, of_points=True), (15, _ANY)),
    )
    styles = [_label(id, f"\"layer\" = '{id}'", label, zooms) for id, label, zooms in labels]
    return node("labeling", {"type": "basic"}, node("styles", {}, *styles))


def _drawn(look: Look) -> list[Rule]:
    """Return the rules of a look for tiles: what is generated is measured in degrees, and features of tiles are in metres."""
    return [rule for rule in flat(look.rules) if not is_generated(rule.symbol)]


def _style(layer: Layer, rule: Rule, shape: Shape, zooms: tuple[int, int]) -> Node:
    symbol = rule.symbol or Symbol("marker", ())
    name = f"{layer.id}/{rule.label}" if rule.label else layer.id
    # Else QGIS draws what is meant for points in the middle of areas too.
    only = f"geometry_type($geometry) = '{_NAMES[shape]}'" if layer.geometry == "Geometry" else ""
    expression = " AND ".join(part for part in (rule.filter, only) if part)
    return _node(name, layer.id, expression, symbol, (_GEOMETRIES[shape], *zooms))


def _node(name: str, source_layer: str, expression: str, symbol: Symbol, place: tuple[int, int, int]) -> Node:
    return node("style", _attributes(name, source_layer, expression, place), node("symbols", {}, symbol_node(symbol)))


def _label(name: str, expression: str, label: Label, zooms: tuple[int, int]) -> Node:
    return node("style", _attributes(name, "names", expression, (0, *zooms)), settings_node(label))


def _attributes(name: str, source_layer: str, expression: str, place: tuple[int, int, int]) -> dict[str, object]:
    """Return what a style of tiles is for; ``place``: kind of geometry, first and last zoom."""
    geometry, first, last = place
    which = {"name": name, "layer": source_layer, "expression": expression, "enabled": "1"}
    return {**which, "geometry": geometry, "min-zoom": first, "max-zoom": last}
