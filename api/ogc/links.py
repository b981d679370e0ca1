"""Links of OGC documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlencode

import orjson

from api.ogc.asked import Asked

Link = dict[str, object]

_OGC_REL = "http://www.opengis.net/def/rel/ogc/1.0/"

QUERYABLES = f"{_OGC_REL}queryables"
SORTABLES = f"{_OGC_REL}sortables"
SCHEMA = f"{_OGC_REL}schema"
TILESETS_VECTOR = f"{_OGC_REL}tilesets-vector"
TILING_SCHEMES = f"{_OGC_REL}tiling-schemes"
TILING_SCHEME = f"{_OGC_REL}tiling-scheme"
STYLES = f"{_OGC_REL}styles"
GEODATA = f"{_OGC_REL}geodata"
DATA = f"{_OGC_REL}data"
CONFORMANCE = f"{_OGC_REL}conformance"

# What may stand in a query as it is.
_PLAIN = re.compile(r"[\w.,:/~-]*", re.ASCII)

_TITLES = {
    "json": ("JSON", "JSON"),
    "html": ("网页", "Page"),
    "mapbox": ("MapLibre 样式", "MapLibre style"),
    "geojson": ("GeoJSON 文件", "GeoJSON file"),
    "geojsonseq": ("GeoJSON 文本序列", "GeoJSON text sequences"),
    "csv": ("CSV 表格", "CSV table"),
    "fgb": ("FlatGeobuf", "FlatGeobuf"),
    "parquet": ("GeoParquet", "GeoParquet"),
    "gpkg": ("GeoPackage", "GeoPackage"),
}


def link(rel: str, href: str, media: str = "application/json", title: str = "") -> Link:
    """Return a link object."""
    return {"rel": rel, "type": media, "href": href, **({"title": title} if title else {})}


def template(rel: str, href: str, media: str, title: str) -> Link:
    """Return a link whose address has places to fill in."""
    return {**link(rel, href, media, title), "templated": True}


def in_each(asked: Asked, rel: str, at: str, formats: Mapping[str, str], title: str) -> list[Link]:
    """Return a link of the relation ``rel`` for each format that the document at the address ``at`` (without a query) is given in."""
    return [link(rel, f"{at}?f={word}", media, f"{title}: {format_title(asked, word)}") for word, media in formats.items()]


def own_links(asked: Asked, formats: Mapping[str, str]) -> list[Link]:
    """Return ``self`` and an ``alternate`` for each other format of the document that was asked for."""
    # Written once: a query is long to encode, and pages of features are many.
    at = address(asked, f=None)
    at += "&f=" if "?" in at else "?f="
    said = _own(tuple(formats.items()), asked.format, asked.language)
    return [{"rel": rel, "type": media, "href": at + word, "title": title} for rel, media, word, title in said]


def own_links_text(asked: Asked, formats: Mapping[str, str], at: str) -> bytes:
    """Return what ``own_links`` does as JSON; ``at`` is the address of the document without ``f``."""
    beginning = orjson.dumps(at + ("&f=" if "?" in at else "?f="))[1:-1]
    return beginning.join(_own_pieces(tuple(formats.items()), asked.format, asked.language))


@lru_cache(maxsize=256)
def _own_pieces(formats: tuple[tuple[str, str], ...], given: str, language: str) -> tuple[bytes, ...]:
    """Return the links of ``_own`` as JSON, cut where the address of the document stands."""
    said = [{"rel": rel, "type": media, "href": f"\0{word}", "title": title} for rel, media, word, title in _own(formats, given, language)]
    return tuple(orjson.dumps(said).split(rb"\u0000"))


@lru_cache(maxsize=256)
def _own(formats: tuple[tuple[str, str], ...], given: str, language: str) -> tuple[tuple[str, str, str, str], ...]:
    """Return relation, media type, word and title of the links of a document that is given in one of its formats."""
    this = "本文档" if language == "zh" else "This document"
    return tuple(("self" if word == given else "alternate", media, word, f"{this}: {_title(word, language)}") for word, media in formats)


def format_title(asked: Asked, word: str) -> str:
    """Return what a format is called; ``word`` is that of ``f``."""
    return _title(word, asked.language)


def _title(word: str, language: str) -> str:
    return _TITLES.get(word, (word, word))[0 if language == "zh" else 1]


def address(asked: Asked, **changed: str | None) -> str:
    """Return the address of the document asked for with some parameters of the query changed, or left out with None."""
    query = {name: value for name, value in {**asked.query, **changed}.items() if value is not None}
    path = "" if asked.path == "/" else asked.path
    return f"{asked.base}{path}{'?' + '&'.join(map(_pair, query.items())) if query else ''}"


def _pair(named: tuple[str, str]) -> str:
    """Return a parameter as it stands in an address; most need no encoding, which would take longer than all else in a link."""
    name, value = named
    return f"{name}={value}" if _PLAIN.fullmatch(value) else urlencode({name: value})
