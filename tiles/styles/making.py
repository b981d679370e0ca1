"""A style as a document: the layers of its templates that everybody may see, on the tiles of one server."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

from gisgrid.errors import NotFoundError
from gisgrid.layers import LAYERS
from gisgrid.types import Bounds
from tiles.request import Datum
from tiles.styles import shipped
from tiles.styles.values import filled, values

Language = Literal["zh", "en"]
"""The language of signs and of the legend; names are those of the data."""

_WORLD = [-180.0, -85.05112878, 180.0, 85.05112878]
_TILE_PX = 512
_VIEW_PX = 700


class StyleRequest(NamedTuple):
    """Which style, for which base maps, in which language."""

    id: str
    datum: Datum = "wgs84"
    language: Language = "zh"


class Site(NamedTuple):
    """Whose style it is: the ``address`` of the server without a slash at its end, and what is said of its data; ``bounds`` in degrees."""

    address: str
    bounds: Bounds
    attribution: str
    place: str


def style_list() -> list[shipped.StyleEntry]:
    """Return every style that there is."""
    return list(shipped.entries().values())


def style_document(request: StyleRequest, site: Site) -> dict[str, Any]:
    """Return a style of MapLibre's specification, version 8, with the colours and the legend as its ``metadata``.

    Raises NotFoundError when there is no such style.
    """
    entry = _entry(request.id)
    known = values(entry.palette, request.language)
    layers = [filled(layer, known) for name in entry.layers for layer in shipped.template(name) if layer["id"] not in entry.without]
    layers = [layer for layer in layers if _is_public(layer)]
    used = {layer["source"] for layer in layers if "source" in layer}
    center, zoom = _camera(site.bounds)
    return {
        "version": 8,
        "name": f"gisgrid {entry.title_zh} {entry.title_en}",
        "metadata": _metadata(entry, request.language, site.place),
        "center": center,
        "zoom": zoom,
        "light": {"anchor": "viewport", "color": "#ffffff", "intensity": 0.3},
        "transition": {"duration": 150, "delay": 0},
        "sprite": f"{site.address}/styles/sprites/{entry.palette}",
        "sources": {name: _source(name, request.datum, site) for name in shipped.sources() if name in used},
        "layers": layers,
    }


def _entry(id: str) -> shipped.StyleEntry:
    found = shipped.entries().get(id)
    if found is None:
        raise NotFoundError(f"There is no style {id[:80]!r}.", f"Styles: {', '.join(shipped.entries())}.")
    return found


def _public() -> set[str]:
    return {item.id for item in LAYERS if item.public}


def _is_public(layer: dict[str, Any]) -> bool:
    """Say whether what a style layer shows leaves by a tile at all, or whatever it is made of."""
    if "source" not in layer:
        return True
    entry, public = shipped.sources()[layer["source"]], _public()
    return layer["source-layer"] in public if entry.path is None else not public.isdisjoint(entry.of)


def _source(name: str, datum: Datum, site: Site) -> dict[str, Any]:
    entry, public = shipped.sources()[name], _public()
    layers = entry.path or ",".join(id for id in entry.of if id in public)
    query = "" if datum == "wgs84" else f"?datum={datum}"
    source: dict[str, Any] = {"type": "vector", "url": f"{site.address}/tiles/{layers}.json{query}", "attribution": site.attribution}
    if name in ("quality_issues", "cases"):
        # They come and go, and may be anywhere: where they lay when the map was opened is no limit to where they are.
        source["bounds"] = _WORLD
    return source


def _camera(bounds: Bounds) -> tuple[list[float], float]:
    """Return the middle of ``bounds`` and the zoom at which they fill a view of usual size."""
    middle = [round((bounds.west + bounds.east) / 2, 6), round((bounds.south + bounds.north) / 2, 6)]
    stretch = 1 / max(math.cos(math.radians(middle[1])), 0.1)
    across = max(bounds.east - bounds.west, (bounds.north - bounds.south) * stretch, 1e-5)
    zoom = math.log2(360.0 / across * _VIEW_PX / _TILE_PX)
    return middle, round(min(max(zoom, 0.0), 18.0), 2)


def _metadata(entry: shipped.StyleEntry, language: Language, place: str) -> dict[str, Any]:
    """Return what a page needs beside the map: the colours by name, and the legend of what is coloured by kind."""
    title = f"title_{language}"
    covers = [
        {"id": kind["id"], "title": kind[title], "color": kind["color"], "sign": kind[f"sign_{language}"]}
        for kind in shipped.kinds("manhole_covers")
    ]
    uses = [
        {"id": use["id"], "title": use[title], "color": use[entry.palette][1], "low": use[entry.palette][0]}
        for use in shipped.kinds("buildings")
    ]
    colours = {name: value for name, value in shipped.palette(entry.palette).items() if isinstance(value, str)}
    return {
        "gisgrid:id": entry.id,
        "gisgrid:palette": entry.palette,
        "gisgrid:place": place,
        "gisgrid:colours": colours,
        "gisgrid:legend": {"manhole_covers": covers, "buildings": uses},
    }
