"""What an archive is to hold: its options, and the tiles that follow from them and from where the data are."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from gisgrid.errors import NotFoundError, ParameterError
from gisgrid.layers import Layer, layers
from gisgrid.types import Bounds
from tiles.archives.cover import Window, both, window
from tiles.archives.describe import extent_of
from tiles.archives.extent import box_of, common, to_degrees, to_metres
from tiles.archives.pmtiles_file import Extent
from tiles.limits import Limits
from tiles.request import Variant
from tiles.tile import MAX_ZOOM

_IN_FLIGHT = 4


class ExportOptions(NamedTuple):
    """What goes into an archive: the variant, zooms (both included), a box in degrees or everything, and its name.

    The box is one on the map that the archive is for: in GCJ-02 for that datum. ``limits`` are those of the server, for the
    same bytes; ``connections`` is how many tiles are made at a time.
    """

    variant: Variant
    min_zoom: int
    max_zoom: int
    bounds: Bounds | None = None
    name: str = "gisgrid"
    limits: Limits = Limits()
    connections: int = _IN_FLIGHT


class Plan(NamedTuple):
    """The tiles of an archive: its layers, where their rows are, and a rectangle of tiles for each zoom."""

    options: ExportOptions
    layers: tuple[Layer, ...]
    extent: Extent
    windows: tuple[Window, ...]


def make_plan(connection: psycopg.Connection, options: ExportOptions) -> Plan:
    """Return which tiles an archive holds as the data are at the snapshot of ``connection``.

    Raises ParameterError for zooms or a tile matrix set that cannot be, NotFoundError when the layers hold nothing there.
    """
    if not 0 <= options.min_zoom <= options.max_zoom <= MAX_ZOOM:
        raise ParameterError(
            "zooms", f"{options.min_zoom}-{options.max_zoom} is no range of zooms.", f"two of 0 to {MAX_ZOOM}, as in 10-14"
        )
    if options.variant.matrix_set != "WebMercatorQuad":
        raise ParameterError("tms", "archives hold tiles of WebMercatorQuad only: their formats know no other.", "WebMercatorQuad")
    chosen = layers(options.variant.layer_ids)
    first = min(layer.min_zoom for layer in chosen)
    if first > options.max_zoom:
        raise ParameterError("zooms", f"nothing is drawn up to zoom {options.max_zoom}.", f"zooms that reach {first}")
    box = box_of(connection, chosen, options.variant.datum)
    if box is not None and options.bounds is not None:
        box = common(box, to_metres(options.bounds))
    if box is None:
        raise NotFoundError(
            f"There is nothing of {', '.join(options.variant.layer_ids)} to write.", "Load data first, or give other bounds."
        )
    windows = tuple(_window(box, options.bounds, zoom) for zoom in range(max(first, options.min_zoom), options.max_zoom + 1))
    return Plan(options, chosen, extent_of(to_degrees(box), windows[0].zoom, options.max_zoom), windows)


def _window(box_m: Bounds, bounds: Bounds | None, zoom: int) -> Window:
    """Return the tiles in which the data are drawn, their buffers taken in; of these, those that meet the bounds themselves."""
    drawn = window(box_m, zoom)
    return drawn if bounds is None else both(drawn, window(to_metres(bounds), zoom, buffer=0))
