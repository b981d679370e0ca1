"""The colours and kinds of the maps in ``data/styles``, so that QGIS shows what the console shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from gisgrid import paths


@cache
def palette() -> Mapping[str, Any]:
    """Return the colours of the light map, ``#rrggbb``, by what they are for."""
    colours: Mapping[str, Any] = _read("styles/palettes.json")["light"]
    return colours


@cache
def kinds(layer_id: str) -> tuple[Mapping[str, Any], ...]:
    """Return the kinds that features of a layer are coloured by, the last of them for all others."""
    return tuple(_read("styles/kinds.json")[layer_id])


@cache
def words() -> Mapping[str, Any]:
    """Return the words of projects and forms (``data/qgis/words.json``), each in zh and en."""
    found: Mapping[str, Any] = _read("qgis/words.json")
    return found


def rgba(colour: str, alpha: int = 255) -> str:
    """Return ``#rrggbb`` as QGIS writes colours.

    >>> rgba("#2f74b5", 128)
    '47,116,181,128'
    """
    return ",".join(map(str, (*bytes.fromhex(colour.removeprefix("#")), alpha)))


def _read(name: str) -> Any:
    return json.loads((paths.data_dir() / name).read_text(encoding="utf-8"))
