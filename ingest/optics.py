"""What a camera sees by: where its direction, field of view, range and height come from, and what stands in for them."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

STEP_DEG: dict[int, float] = {1: 90.0, 2: 270.0, 3: 180.0, 4: 0.0, 5: 135.0, 6: 45.0, 7: 225.0, 8: 315.0}
"""GB/T 28181 DirectionType (east, west, south, north, SE, NE, SW, NW) as degrees clockwise from north."""

UNCERTAINTY_DEG: dict[str, float] = {"measured": 2.0, "vendor": 5.0, "8-step": 22.5}
"""How far an azimuth may be off, by where it comes from; half a step of 45 degrees for the 8-step direction."""


class Optics(NamedTuple):
    """Field of view (degrees), range and height of the mount (metres) of a camera."""

    field_of_view_deg: float
    range_m: float
    mount_height_m: float


DEFAULTS: dict[str, Optics] = {"fixed": Optics(90.0, 60.0, 5.0), "dome": Optics(360.0, 30.0, 4.0), "ptz": Optics(360.0, 120.0, 8.0)}
"""What is assumed of a kind of camera where its source says nothing."""

_FIELDS = ("field_of_view", "range", "mount_height")
_COLUMNS = {"field_of_view": "field_of_view_deg", "range": "range_m", "mount_height": "mount_height_m"}


def complete(fields: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Return the camera columns with azimuth, uncertainty and optics filled in, each with its source.

    A value that the file gives has the source that the file names (``optics_source``; ``vendor`` when it names none);
    an azimuth from ``direction_step`` has ``8-step``; a default of the kind has ``default``.
    """
    result = {name: column for name, column in fields.items() if name not in {"direction_step", "optics_source"}}
    given = fields["optics_source"]
    named = pc.if_else(pc.is_in(given, value_set=pa.array(["measured", "vendor"])), given, "vendor")
    result |= _azimuth(fields, named)
    for name in _FIELDS:
        column = _COLUMNS[name]
        default = _by_kind(fields["kind"], column)
        source = pc.if_else(pc.is_valid(fields[column]), _declared(fields, name, given, named), "default")
        result[column] = pc.coalesce(fields[column], default)
        result[f"{name}_source"] = source
    return result


def _declared(fields: dict[str, pa.Array], name: str, given: pa.Array, named: pa.Array) -> pa.Array:
    """Return the source of a value that the file gives; a file may itself say that it wrote a default."""
    overall = pc.if_else(pc.fill_null(pc.equal(given, "default"), False), "default", named)
    return pc.coalesce(fields[f"{name}_source"], overall)


def _azimuth(fields: dict[str, pa.Array], named: pa.Array) -> dict[str, pa.Array]:
    step = _take(STEP_DEG, fields["direction_step"], pa.int64(), pa.float64())
    exact = fields["azimuth_deg"]
    azimuth = pc.coalesce(exact, step)
    azimuth = pc.if_else(pc.equal(azimuth, 360.0), 0.0, azimuth)
    none = pa.scalar(None, pa.string())
    source = pc.if_else(pc.is_valid(exact), pc.coalesce(fields["azimuth_source"], named), pc.if_else(pc.is_valid(step), "8-step", none))
    uncertainty = pc.coalesce(fields["azimuth_uncertainty_deg"], _take(UNCERTAINTY_DEG, source, pa.string(), pa.float64()))
    uncertainty = pc.if_else(pc.is_valid(azimuth), uncertainty, pa.scalar(None, pa.float64()))
    return {"azimuth_deg": azimuth, "azimuth_source": source, "azimuth_uncertainty_deg": uncertainty}


def _by_kind(kind: pa.Array, column: str) -> pa.Array:
    return _take({name: getattr(optics, column) for name, optics in DEFAULTS.items()}, kind, pa.string(), pa.float64())


def _take(table: dict[str, float] | dict[int, float], keys: pa.Array, key_type: pa.DataType, value_type: pa.DataType) -> pa.Array:
    found = pc.index_in(keys, value_set=pa.array(list(table), key_type), skip_nulls=True)
    return pa.array(list(table.values()), value_type).take(found)
