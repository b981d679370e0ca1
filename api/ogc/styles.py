"""OGC API - Styles, to be read: the styles of the tiles, as MapLibre takes them, and what is said of each."""

from __future__ import annotations

from typing import cast

from api.ogc.asked import Asked
from api.ogc.document_schemas import STYLE_METADATA_SCHEMA, STYLE_SCHEMA, STYLES_SCHEMA
from api.ogc.formats import LANG
from api.ogc.links import Link, in_each, link, own_links
from api.ogc.operations import JSON, Document, Operation, Resource, get
from api.params import parse_word
from api.styleroutes import DATUM, site
from gisgrid.errors import NotFoundError
from gisgrid.layers import LAYERS
from tiles.request import Datum
from tiles.styles import StyleEntry, StyleRequest, style_document, style_list

MAPBOX_STYLE = "application/vnd.mapbox.style+json"
"""The media type of styles of MapLibre."""

_STYLE_FORMATS = {"mapbox": MAPBOX_STYLE, "html": "text/html"}
_STYLE_PARAMETERS = {"datum": DATUM, "lang": LANG}


async def styles(asked: Asked) -> Document:
    """Answer the styles."""
    listed = [{"id": style.id, "title": _title(asked, style), "links": _links(asked, style)} for style in style_list()]
    document = {"title": asked.word("样式", "Styles"), "default": listed[0]["id"], "styles": listed, "links": own_links(asked, JSON)}
    return Document(document, "styles.html")


async def style(asked: Asked) -> Document:
    """Answer one style: what MapLibre draws the tiles with."""
    datum = cast(Datum, parse_word("datum", asked.query.get("datum", "wgs84"), ("wgs84", "gcj02")))
    request = StyleRequest(_entry(asked).id, datum, "zh" if asked.language == "zh" else "en")
    return Document(style_document(request, site(asked.backend, asked.base.removesuffix("/ogc"))), "style.html")


async def metadata(asked: Asked) -> Document:
    """Answer what is said of one style."""
    entry = _entry(asked)
    drawn = style_document(StyleRequest(entry.id), site(asked.backend, asked.base.removesuffix("/ogc")))
    used = {layer.get("source-layer") for layer in drawn["layers"]}
    document: dict[str, object] = {
        "id": entry.id,
        "title": _title(asked, entry),
        "description": f"{entry.title_zh} {entry.title_en}",
        "keywords": [entry.title_zh, entry.title_en],
        "scope": "style",
        "stylesheets": [
            {
                "title": "MapLibre",
                "version": "8",
                "specification": "https://maplibre.org/maplibre-style-spec/",
                "native": True,
                "link": _stylesheet(asked, entry),
            }
        ],
        "layers": [_layer(asked, layer.id) for layer in LAYERS if layer.public and layer.id in used],
        "links": [*own_links(asked, JSON), *_links(asked, entry)],
    }
    return Document(document, "style_metadata.html")


def _entry(asked: Asked) -> StyleEntry:
    found = {style.id: style for style in style_list()}
    if asked.names["styleId"] not in found:
        raise NotFoundError(f"There is no style {asked.names['styleId'][:80]!r}.", f"Styles: {', '.join(found)}.")
    return found[asked.names["styleId"]]


def _title(asked: Asked, style: StyleEntry) -> str:
    return asked.word(style.title_zh, style.title_en)


def _stylesheet(asked: Asked, style: StyleEntry) -> Link:
    return link("stylesheet", f"{asked.base}/styles/{style.id}?f=mapbox", MAPBOX_STYLE, _title(asked, style))


def _links(asked: Asked, style: StyleEntry) -> list[Link]:
    at = f"{asked.base}/styles/{style.id}"
    return [
        _stylesheet(asked, style),
        link("preview", f"{at}?f=html", "text/html", asked.word("地图", "Map")),
        *in_each(asked, "describedby", f"{at}/metadata", JSON, asked.word("样式说明", "About the style")),
    ]


def _layer(asked: Asked, id: str) -> dict[str, object]:
    return {"id": id, "sampleData": link("items", f"{asked.base}/collections/{id}/items?f=json", "application/geo+json", id)}


RESOURCES: tuple[Resource, ...] = (
    get("/styles", Operation("styles", "The styles", styles, schema=STYLES_SCHEMA)),
    get("/styles/{styleId}", Operation("style", "One style", style, _STYLE_FORMATS, _STYLE_PARAMETERS, schema=STYLE_SCHEMA)),
    get("/styles/{styleId}/metadata", Operation("styleMetadata", "What is said of a style", metadata, schema=STYLE_METADATA_SCHEMA)),
)
"""What this module answers."""
