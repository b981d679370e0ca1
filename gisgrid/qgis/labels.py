"""Labels of QGIS: what is written beside features, how large and from which scale on. Sizes in points and millimetres."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.qgis.colours import rgba
from gisgrid.qgis.nodes import Node, node

FAMILIES = ("Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei")
"""Families that have all of Chinese, best first: QGIS takes the first that the machine has."""

_OVER_POINT, _ALONG_LINE, _HORIZONTAL, _AROUND_POINT = "1", "2", "4", "6"


class Label(NamedTuple):
    """What is written: an ``expression``, its size in points, its colour and that of its halo.

    ``from_scale`` is the denominator of the smallest scale at which it is written, 0 for any, ``to_scale`` that of the largest.
    """

    expression: str
    size: float
    colour: str
    halo: str = ""
    bold: bool = False
    from_scale: int = 0
    to_scale: int = 1
    of_points: bool = False
    over: bool = False
    along: bool = False


def settings_node(label: Label) -> Node:
    """Return QGIS's settings of a label; around points, on lines along them or, of areas, inside them."""
    style = node(
        "text-style",
        {
            "fieldName": label.expression,
            "isExpression": True,
            "fontFamily": FAMILIES[0],
            "fontSize": label.size,
            "fontSizeUnit": "Point",
            "fontWeight": 75 if label.bold else 50,
            "namedStyle": "Bold" if label.bold else "Regular",
            "textColor": rgba(label.colour),
            "textOpacity": 1,
        },
        node("families", {}, *(node("family", {"name": name}) for name in FAMILIES[1:])),
        _halo(label),
    )
    placement = _OVER_POINT if label.over else _AROUND_POINT if label.of_points else _ALONG_LINE if label.along else _HORIZONTAL
    return node(
        "settings",
        {"calloutType": "simple"},
        style,
        node("text-format", {"multilineAlign": 1, "wrapChar": ""}),
        node(
            "placement",
            {
                "placement": placement,
                "quadOffset": 4,
                "dist": 0 if label.over else 1,
                "distUnits": "MM",
                "centroidInside": 1,
                "polygonPlacementFlags": 2,
                "priority": 5,
            },
        ),
        node(
            "rendering",
            {
                "drawLabels": 1,
                "scaleVisibility": bool(label.from_scale or label.to_scale > 1),
                "scaleMin": label.to_scale,
                "scaleMax": label.from_scale or 100_000_000,
                "obstacle": 0,
                "displayAll": label.over,
                "fontMinPixelSize": 3,
                "fontMaxPixelSize": 10000,
            },
        ),
    )


def labeling_node(label: Label) -> Node:
    """Return the labelling of a vector layer."""
    return node("labeling", {"type": "simple"}, settings_node(label))


def _halo(label: Label) -> Node:
    colour = label.halo or "#ffffff"
    return node(
        "text-buffer",
        {
            "bufferDraw": bool(label.halo),
            "bufferSize": 0.7,
            "bufferSizeUnits": "MM",
            "bufferColor": rgba(colour),
            "bufferOpacity": 1,
            "bufferNoFill": 1,
            "bufferJoinStyle": 128,
        },
    )
