"""The whole style of a layer as QGIS keeps it: look, labels, form, visibility; the same in a project and in ``layer_styles``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gisgrid.crs import projected_for
from gisgrid.deployment import Deployment
from gisgrid.layers import Layer
from gisgrid.qgis.colours import palette
from gisgrid.qgis.forms import form_nodes
from gisgrid.qgis.labels import Label, labeling_node
from gisgrid.qgis.looks import VISIBLE_FROM, Language, Look, Shape, looks_of, shape_of, sign_expression
from gisgrid.qgis.nodes import Node, document, node
from gisgrid.qgis.rules import renderer_node

VERSION = "3.22.16"
"""The oldest QGIS that these files are tried with; newer ones read them as they read their own old files."""


_DOOR = """concat("house_number", "building_number")"""


class NamedStyle(NamedTuple):
    """A style of a layer: its name, QGIS's document of it (QML), and whether it is the one to begin with."""

    name: str
    qml: str
    is_default: bool


def styles_of(layer: Layer, deployment: Deployment, language: Language = "zh", shape: Shape | None = None) -> list[NamedStyle]:
    """Return every style of a layer, the usual one first. ``shape``: of which geometries, for a layer that has several."""
    return [
        NamedStyle(look.name, document(style_node(layer, look, deployment, language)), number == 0)
        for number, look in enumerate(layer_looks(layer, deployment, language, shape))
    ]


def layer_looks(layer: Layer, deployment: Deployment, language: Language, shape: Shape | None = None) -> tuple[Look, ...]:
    """Return the looks of a layer with what depends on the place filled in."""
    return looks_of(layer.id, language, shape=shape or shape_of(layer), projected=measured_in(deployment))


def measured_in(deployment: Deployment) -> str:
    """Return the projected system that a city is measured in, as ``EPSG:n``."""
    return str(projected_for(deployment.box, deployment.projected_crs))


def style_node(layer: Layer, look: Look, deployment: Deployment, language: Language) -> Node:
    """Return a style as a document of its own."""
    return node(
        "qgis", {"version": VERSION, "styleCategories": "AllStyleCategories", **flags(layer)}, *parts(layer, look, deployment, language)
    )


def flags(layer: Layer) -> Mapping[str, object]:
    """Return what a style says of the whole layer: from which scale it is seen, whether it has labels, whether it can be edited."""
    from_scale = VISIBLE_FROM.get(layer.id, 0)
    return {
        "hasScaleBasedVisibilityFlag": bool(from_scale),
        "minScale": from_scale or 100_000_000,
        "maxScale": 0,
        "labelsEnabled": label_of(layer, "zh") is not None,
        "readOnly": not layer.loadable,
        "simplifyDrawingHints": 1,
        "simplifyDrawingTol": 1,
        "simplifyLocal": 1,
        "simplifyMaxScale": 1,
        "simplifyAlgorithm": 0,
        "symbologyReferenceScale": -1,
    }


def parts(layer: Layer, look: Look, deployment: Deployment, language: Language) -> list[Node]:
    """Return what a style is made of, for a document of its own or for a layer of a project."""
    label = label_of(layer, language)
    drawn = [renderer_node(look.rules), *([labeling_node(label)] if label else [])]
    rest = [node("blendMode", text="0"), node("featureBlendMode", text="0"), node("layerOpacity", text="1")]
    return [_identifiable(), *drawn, *rest, node("legend", {"type": "default-vector"}), *form_nodes(layer, deployment, language)]


def label_of(layer: Layer, language: Language) -> Label | None:
    """Return what is written beside the features of a layer, None for nothing."""
    colours = palette()
    halo = colours["halo"]
    short_community = "regexp_replace(\"name\", '(社区)?(居民委员会|居委会)$', '')"
    short_grid = "coalesce(nullif(regexp_substr(\"name\", '(第.+网格)$'), ''), right(\"code\", 3))"
    labels = {
        "districts": Label('"name"', 16, colours["district_label"], halo, bold=True, to_scale=60_000),
        "streets": Label('"name"', 11, colours["street_label"], halo, bold=True, from_scale=150_000, to_scale=4_000),
        "communities": Label(short_community, 9, colours["community_label"], halo, from_scale=40_000, to_scale=1_500),
        "grids": Label(short_grid, 8, colours["grid_label"], halo, from_scale=15_000),
        "buildings": Label('coalesce("name", "house_number")', 7, colours["street_label"], halo, from_scale=1_500),
        "manhole_covers": Label(
            sign_expression(language), 6.5, colours["sign_ink"], bold=True, from_scale=1_500, of_points=True, over=True
        ),
        "cameras": Label('"name"', 7, colours["street_label"], halo, from_scale=1_000, of_points=True),
        "roads": Label('"name"', 8, colours["road_label"], halo, from_scale=10_000, along=True),
        "addresses": Label(_DOOR, 6.5, colours["address"], halo, from_scale=2_000, of_points=True),
        "places": Label('"name"', 7.5, colours["place"], halo, from_scale=5_000, of_points=True),
    }
    return labels.get(layer.id)


def _identifiable() -> Node:
    flags = {"Identifiable": "1", "Removable": "1", "Searchable": "1", "Private": "0"}
    return node("flags", {}, *(node(name, text=value) for name, value in flags.items()))
