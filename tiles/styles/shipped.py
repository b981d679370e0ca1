"""The templates, palettes and kinds in data/styles, as they are shipped."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson

from gisgrid import paths

SPRITES = ("light", "dark")
"""The palettes, each of which has a sprite of its signs."""

Palette = Mapping[str, Any]
"""Colours by what they are for."""


class StyleEntry(NamedTuple):
    """A style: its titles, its palette, the templates that it is made of, and layers of them that it goes without."""

    id: str
    title_zh: str
    title_en: str
    palette: str
    layers: tuple[str, ...]
    without: frozenset[str]


class SourceEntry(NamedTuple):
    """A source: the layers of the catalogue that its tiles hold, or are made of when they have a ``path`` of their own."""

    path: str | None
    of: tuple[str, ...]


@cache
def entries() -> dict[str, StyleEntry]:
    """Return every style by its id."""
    return {
        id: StyleEntry(id, item["title_zh"], item["title_en"], item["palette"], tuple(item["layers"]), frozenset(item.get("without", ())))
        for id, item in _read("styles")["styles"].items()
    }


@cache
def sources() -> dict[str, SourceEntry]:
    """Return every source by its name: one source for what is shown and hidden together."""
    return {name: SourceEntry(item.get("path"), tuple(item["of"])) for name, item in _read("styles")["sources"].items()}


@cache
def palette(id: str) -> Palette:
    """Return the colours of a palette."""
    colours: Palette = _read("palettes")[id]
    return colours


@cache
def kinds(layer_id: str) -> tuple[Mapping[str, Any], ...]:
    """Return the kinds that features of a layer are coloured by, the last of them for all others."""
    return tuple(_read("kinds")[layer_id])


def template(name: str) -> list[dict[str, Any]]:
    """Return the style layers of a template, from the bottom up, with ``@name`` where a value has to be put in."""
    layers: list[dict[str, Any]] = _read(name)["layers"]
    return layers


@cache
def _text(name: str) -> bytes:
    return (paths.data_dir() / "styles" / f"{name}.json").read_bytes()


def _read(name: str) -> Any:
    return orjson.loads(_text(name))
