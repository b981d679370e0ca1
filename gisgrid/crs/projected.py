"""Which projected coordinate system a place is measured in."""

from __future__ import annotations

from gisgrid.crs.offset import is_shifted
from gisgrid.crs.systems import Crs, parse_crs
from gisgrid.errors import ConfigError
from gisgrid.types import Bounds


def projected_for(box: Bounds, named: str | None) -> Crs:
    """Return the projected system, in metres, to lay a grid in: the one ``named``, or the zone of CGCS2000 or of UTM that a box lies in.

    ``box`` is in degrees, WGS 84. Raises ConfigError for a named one that is not in metres.
    """
    if named is None:
        lon, lat = (box.west + box.east) / 2.0, (box.south + box.north) / 2.0
        zone = round(lon / 3.0)
        in_china = is_shifted(lon, lat) and 25 <= zone <= 45
        # Zones of 3 degrees from 75 to 135 east are EPSG:4534 to 4554.
        utm = min(int((lon + 180.0) // 6.0), 59) + (32601 if lat >= 0.0 else 32701)
        named = f"EPSG:{4534 + zone - 25 if in_china else utm}"
    crs = parse_crs(named)
    if not crs.is_projected or crs.unit != "metre":
        raise ConfigError(
            f"Cells cannot be laid out in {crs}: its unit is {crs.unit}.", "Name a projected system in metres, such as EPSG:4549."
        )
    return crs
