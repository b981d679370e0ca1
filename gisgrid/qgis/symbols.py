"""Symbols of QGIS: markers, lines, fills and sectors, as values and as XML. Sizes and widths in millimetres on the map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from gisgrid.qgis.colours import rgba
from gisgrid.qgis.nodes import Node, node, options

SymbolType = Literal["marker", "line", "fill"]
"""What a symbol is drawn for."""

_BY_EXPRESSION = 3


class Part(NamedTuple):
    """One layer of a symbol: QGIS's class of it, its settings, those that go by an expression, and a symbol of its own."""

    kind: str
    settings: Mapping[str, str]
    by_expression: Mapping[str, str] = {}
    inner: Symbol | None = None


class Symbol(NamedTuple):
    """What a feature is drawn with, its parts from the bottom up."""

    type: SymbolType
    parts: tuple[Part, ...]


def marker(
    shape: str, colour: str, size: float, *, ring: str = "", ring_width: float = 0.2, by_expression: Mapping[str, str] | None = None
) -> Part:
    """Return a point as a ``shape`` of QGIS's (``circle``, ``arrowhead`` …) of ``size``, with a ``ring`` of another colour."""
    settings = {
        "name": shape,
        "color": rgba(colour),
        "size": str(size),
        "size_unit": "MM",
        "outline_style": "solid" if ring else "no",
        "outline_color": rgba(ring or colour),
        "outline_width": str(ring_width),
        "outline_width_unit": "MM",
    }
    return Part("SimpleMarker", settings, by_expression or {})


def line(colour: str, width: float, *, dash: str = "", alpha: int = 255, by_expression: Mapping[str, str] | None = None) -> Part:
    """Return a line; ``dash`` is lengths drawn and left out in turn, with semicolons."""
    settings = {
        "line_color": rgba(colour, alpha),
        "line_width": str(width),
        "line_width_unit": "MM",
        "joinstyle": "round",
        "capstyle": "flat" if dash else "round",
        "use_custom_dash": "1" if dash else "0",
        "customdash": dash or "5;2",
        "customdash_unit": "MM",
    }
    return Part("SimpleLine", settings, by_expression or {})


def fill(
    colour: str, *, alpha: int = 255, border: str = "", border_width: float = 0.2, by_expression: Mapping[str, str] | None = None
) -> Part:
    """Return a filled area, with a ``border`` of another colour when one is named."""
    settings = {
        "color": rgba(colour, alpha),
        "style": "solid",
        "outline_style": "solid" if border else "no",
        "outline_color": rgba(border or colour),
        "outline_width": str(border_width),
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }
    return Part("SimpleFill", settings, by_expression or {})


def generated(expression: str, symbol: Symbol) -> Part:
    """Return what ``symbol`` makes of the geometry that ``expression`` gives for a feature."""
    names = {"marker": "Marker", "line": "Line", "fill": "Fill"}
    return Part(
        "GeometryGenerator",
        {"SymbolType": names[symbol.type], "geometryModifier": expression, "units": "MapUnit"},
        {},
        symbol,
    )


def symbol_node(symbol: Symbol, name: str = "0") -> Node:
    """Return a symbol as XML, under the name that a renderer refers to it by."""
    attributes = {"name": name, "type": symbol.type, "alpha": "1", "clip_to_extent": "1", "force_rhr": "0"}
    return node("symbol", attributes, *(_part_node(part, f"@{name}@{index}") for index, part in enumerate(symbol.parts)))


def is_generated(symbol: Symbol | None) -> bool:
    """Say whether all of a symbol is drawn from generated geometries: it has no size of its own, in a legend it fills all there is."""
    return symbol is not None and all(part.kind == "GeometryGenerator" for part in symbol.parts)


def by_expression_node(tag: str, properties: Mapping[str, str]) -> Node:
    """Return settings that go by an expression, as QGIS's collection of properties."""
    content = {
        "name": "",
        "properties": {name: {"active": True, "expression": expression, "type": _BY_EXPRESSION} for name, expression in properties.items()},
        "type": "collection",
    }
    return node(tag, {}, options(content))


def _part_node(part: Part, inner_name: str) -> Node:
    made = node("layer", {"class": part.kind, "enabled": "1", "locked": "0", "pass": "0"}, options(part.settings))
    if part.by_expression:
        made.append(by_expression_node("data_defined_properties", part.by_expression))
    if part.inner is not None:
        made.append(symbol_node(part.inner, inner_name))
    return made
