"""Documents as pages for people: Jinja templates with everything escaped, which need no script but for their map."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.asgi import Header
from api.ogc.asked import Asked, known_layers
from api.ogc.assets import assets
from api.ogc.links import address
from api.ogc.operations import Document
from gisgrid.layers import Layer
from gisgrid.qgis.colours import words

_STYLE = (Path(__file__).parent / "templates" / "style.css").read_text()
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
# Scripts and styles come from this server's files alone, and the one style that is in the page by its hash. MapLibre makes its
# pictures of blobs.
_POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{_STYLE_HASH}'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
PAGE_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
)
"""Headers of every page, beside those of every answer."""

_NAMES = {
    "collections": ("数据集", "Collections"),
    "items": ("要素", "Features"),
    "schema": ("字段", "Schema"),
    "queryables": ("可查询字段", "Queryables"),
    "sortables": ("可排序字段", "Sortables"),
    "tiles": ("矢量瓦片", "Vector tiles"),
    "tileMatrixSets": ("瓦片矩阵集", "Tile matrix sets"),
    "styles": ("样式", "Styles"),
    "metadata": ("说明", "About"),
    "conformance": ("符合的标准", "Conformance"),
}
_LIMITS = ("10", "50", "100", "500", "1000")


class Crumb(NamedTuple):
    """A page above this one."""

    title: str
    href: str


def page(asked: Asked, document: Document) -> bytes:
    """Return a document as HTML."""
    content: Mapping[str, Any] = orjson.loads(document.content) if isinstance(document.content, bytes) else document.content
    return render(asked, document.page, content)


def render(asked: Asked, template: str, content: Mapping[str, Any]) -> bytes:
    """Return a template filled in with a document."""
    deployment = asked.backend.deployment
    other = "en" if asked.language == "zh" else "zh"
    context: dict[str, object] = {
        "document": content,
        "asked": asked,
        "base": asked.base,
        "root": asked.base.removesuffix("/ogc"),
        "lang": asked.language,
        "word": asked.word,
        "to": lambda path: _to(asked, path),
        "crumbs": _crumbs(asked),
        "other_language": {"code": other, "title": asked.word("English", "中文"), "href": address(asked, lang=other)},
        "style": Markup(_STYLE),
        "assets": assets(),
        "attribution": deployment.attribution or asked.word(deployment.title_zh, deployment.title_en),
        "style_href": address(asked, f="mapbox"),
    }
    if template in ("items.html", "item.html"):
        context |= _of_features(asked, content)
    return _environment().get_template(template).render(context).encode()


def _to(asked: Asked, path: str) -> str:
    """Return the address of another page; a language that was asked for is kept."""
    query = {"lang": asked.query["lang"]} if "lang" in asked.query else {}
    return f"{asked.base}{'' if path == '/' else path}{'?' + urlencode(query) if query else ''}"


def _crumbs(asked: Asked) -> list[Crumb]:
    parts = [part for part in asked.path.split("/") if part]
    titles = {layer.id: (layer.title_zh, layer.title_en) for layer in known_layers()} | _NAMES
    crumbs = [Crumb("gisgrid", _to(asked, "/"))]
    for number, part in enumerate(parts, 1):
        crumbs.append(Crumb(asked.word(*titles.get(part, (part, part))), _to(asked, "/" + "/".join(parts[:number]))))
    return crumbs


def _of_features(asked: Asked, content: Mapping[str, Any]) -> dict[str, object]:
    """Return what pages of features show beside them: fields with their titles, and where the map finds the features."""
    layer = asked.layer
    features = content.get("features", [content])
    present = {name for one in features for name in one["properties"]}
    # The map wants longitude before latitude, whatever the page shows.
    drawn = address(asked, f="json", crs=None, lang=None)
    return {
        "layer": layer,
        "layer_title": asked.word(layer.title_zh, layer.title_en),
        "fields": [field for field in layer.fields if field.name in present],
        "asked_fields": any(field.name in asked.query for field in layer.fields),
        "label": lambda field, value: _label(layer, field.name, value, asked.language),
        "collection_path": f"/collections/{layer.id}",
        "bounds": list(asked.backend.deployment.box),
        "features_href": drawn,
        "limits": _LIMITS if asked.query.get("limit", "10") in _LIMITS else (*_LIMITS, asked.query["limit"]),
    }


def _label(layer: Layer, field: str, value: object, language: str) -> str:
    """Return what a value of a field means to people; empty where it says so itself."""
    values = words()["values"]
    titles = (values.get(f"{layer.id}.{field}") or values.get(field, {})).get(value, ("", "")) if isinstance(value, str) else ("", "")
    return str(titles[0 if language == "zh" else 1])


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(loader=PackageLoader("api.ogc"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
