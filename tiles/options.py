"""Options of the commands about tiles, and what their texts mean."""

from __future__ import annotations

import math
import re

from gisgrid.cql2 import parse
from gisgrid.errors import ParameterError
from gisgrid.layers import LAYERS, layers
from gisgrid.types import Bounds
from tiles.request import Datum, Variant
from tiles.service import parse_layers
from tiles.tile import MAX_ZOOM

_USUAL_LAST = 14
_DATUMS: dict[str, Datum] = {"wgs84": "wgs84", "gcj02": "gcj02"}


def parse_variant(layer_text: str | None, datum: str, filter_text: str | None, filter_lang: str) -> Variant:
    """Return the variant that options name, with all public layers when they name none.

    Raises NotFoundError for a layer that does not exist, ParameterError for a datum or a filter that cannot be.
    """
    if datum not in _DATUMS:
        raise ParameterError("datum", f"{datum[:40]!r} is not known.", " or ".join(_DATUMS))
    text = layer_text if layer_text is not None else ",".join(layer.id for layer in LAYERS if layer.public)
    chosen = None if filter_text is None else parse(filter_text, filter_lang)
    return Variant(tuple(layer.id for layer in parse_layers(text)), datum=_DATUMS[datum], filter=chosen)


def parse_zooms(text: str | None, layer_ids: tuple[str, ...]) -> tuple[int, int]:
    """Return the first and the last zoom of a text such as ``10-14`` or ``12``; without one from the first that is drawn to 14.

    Raises ParameterError for anything else.

    >>> parse_zooms("10-14", ()), parse_zooms("12", ()), parse_zooms(None, ("grids", "streets"))
    ((10, 14), (12, 12), (8, 14))
    """
    if text is None:
        first = min(layer.min_zoom for layer in layers(layer_ids))
        return first, max(first, _USUAL_LAST)
    match = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", text.strip(), re.ASCII)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last <= MAX_ZOOM:
        raise ParameterError("zooms", f"{text[:40]!r} is no range of zooms.", f"two of 0 to {MAX_ZOOM}, as in 10-14, or one")
    return first, last


def parse_bounds(text: str) -> Bounds:
    """Return the box written as ``west,south,east,north`` in degrees; raises ParameterError for anything else.

    >>> parse_bounds("120.3,36,120.4,36.1")
    Bounds(west=120.3, south=36.0, east=120.4, north=36.1)
    """
    try:
        values = [float(part) for part in text.split(",")]
        box = Bounds(*values)
    except (ValueError, TypeError):
        box = None
    if box is None or not _is_box(box):
        raise ParameterError("bounds", f"{text[:80]!r} is no box.", "west,south,east,north in degrees, as in 120.3,36.0,120.4,36.2")
    return box


def _is_box(box: Bounds) -> bool:
    return all(map(math.isfinite, box)) and -180 <= box.west <= box.east <= 180 and -90 <= box.south <= box.north <= 90
