"""A project of QGIS: every public layer in groups, by one of the ways to get at them, in the city's coordinate system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.deployment import Deployment
from gisgrid.layers import LAYERS, Layer
from gisgrid.qgis import sources, tile_styles
from gisgrid.qgis.colours import palette, words
from gisgrid.qgis.looks import VISIBLE_FROM, Language, Shape, shape_of, word
from gisgrid.qgis.nodes import Node, document, node, options
from gisgrid.qgis.rules import legend_order
from gisgrid.qgis.sources import Connection, SourceKind
from gisgrid.qgis.styles import VERSION, flags, layer_looks, measured_in, parts, style_node
from gisgrid.types import Bounds

_WEB_MERCATOR = "EPSG:3857"
_MARGIN = 0.03
_LATE = 14
_ISSUES: tuple[tuple[str, Shape | None], ...] = (
    ("Polygon", "Polygon"),
    ("LineString", "LineString"),
    ("Point", "Point"),
    ("NoGeometry", None),
)


class Server(NamedTuple):
    """Where features come from: ``address`` of the gisgrid server without a slash at its end, or a ``connection`` to PostGIS."""

    kind: SourceKind
    address: str = ""
    connection: Connection = Connection()


class Project(NamedTuple):
    """What a project is to hold: whose city, from where, which part of the map to begin with (degrees, WGS 84), in which language."""

    deployment: Deployment
    server: Server
    extent: Bounds
    language: Language = "zh"


class _Place(NamedTuple):
    """Where in the tree of layers something goes: the number of the group; a name that is its own in the project, a title."""

    group: int
    name: str
    title: str


class _Item(NamedTuple):
    """One layer of the project: the group of the tree it is in, its id, title and element, and the legend where it is not all shown."""

    group: int
    id: str
    title: str
    element: Node
    legend: str = ""


def project_document(project: Project) -> str:
    """Return the project as QGIS's XML: the same project gives the same text."""
    items = list(_MAKERS[project.server.kind](project))
    crs = project_crs(project)
    title = project.deployment.title_zh if project.language == "zh" else project.deployment.title_en
    root = node(
        "qgis",
        {"projectname": title, "version": VERSION},
        node("homePath", {"path": ""}),
        node("title", text=title),
        node("autotransaction", {"active": "0"}),
        node("evaluateDefaultValues", {"active": "0"}),
        node("trust", {"active": "0"}),
        node("projectCrs", {}, _crs(crs)),
        _tree(project, items),
        _canvas(project, crs),
        node("projectlayers", {}, *(item.element for item in items)),
        node("layerorder", {}, *(node("layer", {"id": item.id}) for item in items)),
        _properties(crs),
        _metadata(project, title),
        _view(project, crs),
    )
    return document(root, "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>")


def project_crs(project: Project) -> str:
    """Return the coordinate system of the map: that of the city, and Web Mercator for tiles, which are cut in it."""
    return _WEB_MERCATOR if project.server.kind == "tiles" else measured_in(project.deployment)


def project_layers(deployment: Deployment) -> list[Layer]:
    """Return the layers of a project, from the top of the map down: all that anybody may see, of areas those that the city has."""
    by_id = {layer.id: layer for layer in LAYERS}
    order = [id for _, ids in words()["groups"] for id in ids]
    order += [layer.id for layer in LAYERS if layer.id not in order]
    found = (by_id[id] for id in order if id in by_id)
    return [layer for layer in found if layer.public and (layer.level is None or layer.level in deployment.areas)]


# --- layers of features ---


def _of_postgis(project: Project) -> Iterator[_Item]:
    for layer in project_layers(project.deployment):
        if layer.geometry != "Geometry":
            yield _vector(project, layer, layer.geometry, None)
            continue
        for geometry, shape in reversed(_ISSUES):
            yield _vector(project, layer, geometry, shape)


def _of_ogc(project: Project) -> Iterator[_Item]:
    for layer in project_layers(project.deployment):
        yield _vector(project, layer, layer.geometry, None)


def _vector(project: Project, layer: Layer, geometry: str, shape: Shape | None) -> _Item:
    language, server = project.language, project.server
    is_database = server.kind == "postgis"
    source = sources.postgis(server.connection, layer, geometry) if is_database else _of_items(project, layer)
    several = layer.geometry == "Geometry" and is_database
    title = _title(layer, language) + (f" ({word(words()['geometries'][geometry], language)})" if several else "")
    id = _layer_id(f"{layer.id}_{geometry.lower()}" if several else layer.id)
    looks = layer_looks(layer, project.deployment, language, shape)
    usual, *others = looks
    element = node(
        "maplayer",
        {
            "type": "vector",
            "styleCategories": "AllStyleCategories",
            "geometry": _kind(shape or geometry),
            "wkbType": geometry,
            **flags(layer),
        },
        node("id", text=id),
        node("datasource", text=source),
        node("keywordList", {}, node("value", text=layer.title_en)),
        node("layername", text=title),
        node("srs", {}, _crs("EPSG:4326")),
        node("provider", {"encoding": "UTF-8"}, text="postgres" if is_database else "OAPIF"),
        node(
            "map-layer-style-manager",
            {"current": usual.name},
            node("map-layer-style", {"name": usual.name}),
            *(node("map-layer-style", {"name": look.name}, style_node(layer, look, project.deployment, language)) for look in others),
        ),
        *parts(layer, usual, project.deployment, language),
    )
    return _Item(_group(layer.id), id, title, element, legend_order(usual.rules) if len(usual.rules) > 1 else "")


def _of_items(project: Project, layer: Layer) -> str:
    return sources.features(f"{project.server.address}/ogc", layer, project.server.connection.authcfg)


def _layer_id(name: str) -> str:
    """Return the id of a layer in a project; QGIS makes up others for those of ten letters and less."""
    return f"gisgrid_{name}"


def _kind(geometry: str) -> str:
    return {"MultiPolygon": "Polygon", "MultiLineString": "Line", "LineString": "Line", "NoGeometry": "No geometry"}.get(geometry, geometry)


# --- layers of tiles ---


def _of_tiles(project: Project) -> Iterator[_Item]:
    language, found = project.language, project_layers(project.deployment)
    areas = [layer for layer in found if layer.level is not None]
    others = words()["others"]
    if areas:
        place = _Place(_group("grids"), "names", word(others["names"], language))
        yield _tiled(project, place, ("names", 4, 18), [], tile_styles.names_labeling())
    for layer in found:
        if layer.level is None:
            place = _Place(_group(layer.id), layer.id, _title(layer, language))
            yield _tiled(project, place, (layer.id, layer.min_zoom, layer.max_zoom), _styles(project, layer))
        if layer.id == "cameras":
            place = _Place(_group(layer.id), "camera_views", word(others["camera_views"], language))
            yield _tiled(project, place, ("camera_views", 14, 18), tile_styles.view_styles(15))
    if areas:
        styles = [style for layer in reversed(areas) for style in _styles(project, layer)]
        ids = ",".join(layer.id for layer in reversed(areas))
        zooms = (min(layer.min_zoom for layer in areas), max(layer.max_zoom for layer in areas))
        yield _tiled(project, _Place(_group("grids"), "areas", word(others["areas"], language)), (ids, *zooms), styles)


def _styles(project: Project, layer: Layer) -> list[Node]:
    first = tile_styles.zoom_at(VISIBLE_FROM[layer.id]) if layer.level is not None and layer.id in VISIBLE_FROM else -1
    shapes: tuple[Shape, ...] = ("Polygon", "LineString", "Point") if layer.geometry == "Geometry" else (shape_of(layer),)
    return [
        style
        for shape in shapes
        for style in tile_styles.layer_styles(
            layer, layer_looks(layer, project.deployment, project.language, shape)[0], shape, project.language, (first, -1)
        )
    ]


def _tiled(project: Project, place: _Place, tiles: tuple[str, int, int], styles: Sequence[Node], labeling: Node | None = None) -> _Item:
    group, id, title = place.group, _layer_id(place.name), place.title
    names, first, last = tiles
    # Where a source has no tiles yet QGIS takes those of its first zoom, as many as it needs: of a late one that would be thousands.
    from_scale = VISIBLE_FROM.get(place.name, 0) if first >= _LATE else 0
    element = node(
        "maplayer",
        {
            "type": "vector-tile",
            "styleCategories": "AllStyleCategories",
            "hasScaleBasedVisibilityFlag": bool(from_scale),
            "minScale": from_scale or 100_000_000,
            "maxScale": 0,
        },
        node("id", text=id),
        node("datasource", text=sources.tiles(project.server.address, names, (first, last))),
        node("layername", text=title),
        node("srs", {}, _crs(_WEB_MERCATOR)),
        tile_styles.renderer(styles),
        *([labeling] if labeling is not None else []),
        node("blendMode", text="0"),
        node("layerOpacity", text="1"),
    )
    return _Item(group, id, title, element)


_MAKERS: dict[SourceKind, Callable[[Project], Iterator[_Item]]] = {"postgis": _of_postgis, "ogc": _of_ogc, "tiles": _of_tiles}


# --- the rest ---


def _title(layer: Layer, language: Language) -> str:
    return layer.title_zh if language == "zh" else layer.title_en


def _group(layer_id: str) -> int:
    groups = [ids for _, ids in words()["groups"]]
    return next((number for number, ids in enumerate(groups) if layer_id in ids), len(groups) - 1)


def _tree(project: Project, items: Sequence[_Item]) -> Node:
    groups = []
    for number, (titles, _) in enumerate(words()["groups"]):
        members = [_leaf(item) for item in items if item.group == number]
        if members:
            attributes = {"name": word(titles, project.language), "checked": "Qt::Checked", "expanded": "1"}
            groups.append(node("layer-tree-group", attributes, *members))
    return node("layer-tree-group", {}, *groups)


def _leaf(item: _Item) -> Node:
    provider = item.element.findtext("provider") or "vectortile"
    return node(
        "layer-tree-layer",
        {
            "id": item.id,
            "name": item.title,
            "providerKey": provider,
            "source": item.element.findtext("datasource") or "",
            "checked": "Qt::Checked",
            "expanded": "0",
        },
        *([node("customproperties", {}, options({"legend/node-order": item.legend}))] if item.legend else []),
    )


def _crs(authid: str) -> Node:
    # QGIS looks at the name only where there is a number of its own list too; which one does not matter then.
    number = authid.removeprefix("EPSG:")
    return node("spatialrefsys", {}, *(node(tag, text=text) for tag, text in (("srsid", number), ("srid", number), ("authid", authid))))


def _box(project: Project, crs: str) -> tuple[float, float, float, float]:
    """Return the part of the map to begin with, in the system of the map, with a margin around it."""
    west, south, east, north = project.extent
    x, y = from_wgs84(parse_crs(crs), [west, east, west, east], [south, south, north, north])
    left, bottom, right, top = float(min(x)), float(min(y)), float(max(x)), float(max(y))
    margin = _MARGIN * max(right - left, top - bottom)
    return round(left - margin, 3), round(bottom - margin, 3), round(right + margin, 3), round(top + margin, 3)


def _canvas(project: Project, crs: str) -> Node:
    names = ("xmin", "ymin", "xmax", "ymax")
    extent = node("extent", {}, *(node(name, text=repr(value)) for name, value in zip(names, _box(project, crs), strict=True)))
    settings = node("destinationsrs", {}, _crs(crs))
    units = node("units", text="meters")
    return node("mapcanvas", {"name": "theMapCanvas", "annotationsVisible": "1"}, units, extent, node("rotation", text="0"), settings)


def _view(project: Project, crs: str) -> Node:
    names = ("xmin", "ymin", "xmax", "ymax")
    box = {name: repr(value) for name, value in zip(names, _box(project, crs), strict=True)}
    return node("ProjectViewSettings", {"UseProjectScales": "0"}, node("DefaultViewExtent", box, _crs(crs)))


def _properties(crs: str) -> Node:
    outside = bytes.fromhex(palette()["outside"].removeprefix("#"))
    gui = [
        node(f"CanvasColor{part}Part", {"type": "int"}, text=str(value))
        for part, value in zip(("Red", "Green", "Blue"), outside, strict=True)
    ]
    measure = (node("DistanceUnits", {"type": "QString"}, text="meters"), node("AreaUnits", {"type": "QString"}, text="m2"))
    ellipsoid = node("Ellipsoid", {"type": "QString"}, text="EPSG:7030" if crs == _WEB_MERCATOR else "EPSG:1024")
    # Without it QGIS takes the project's system for none.
    enabled = node("SpatialRefSys", {}, node("ProjectionsEnabled", {"type": "int"}, text="1"))
    return node("properties", {}, node("Gui", {}, *gui), node("Measurement", {}, *measure), node("Measure", {}, ellipsoid), enabled)


def _metadata(project: Project, title: str) -> Node:
    abstract = word(words()["others"]["abstract"], project.language)
    rights = project.deployment.attribution
    return node(
        "projectMetadata",
        {},
        node("title", text=title),
        node("abstract", text=f"{abstract} {rights}".strip()),
        node("language", text=project.language),
    )
