"""Geometries that cannot be built, as text: so that what the file says about them is not lost."""

from __future__ import annotations

import struct

import numpy as np

_NAMES = {1: "POINT", 2: "LINESTRING", 3: "POLYGON", 4: "MULTIPOINT", 5: "MULTILINESTRING", 6: "MULTIPOLYGON", 7: "GEOMETRYCOLLECTION"}
_Z, _M, _SRID = 0x8000_0000, 0x4000_0000, 0x2000_0000  # the flags of PostGIS; ISO adds 1000 and 2000 to the type instead
_DECIMALS = 9


def wkt_of(wkb: bytes) -> str | None:
    """Return the WKT of a WKB (ISO or EWKB) whatever its rings are like; None when it is cut off or no WKB.

    >>> wkt_of(bytes.fromhex("0103000000010000000200000000000000000000000000000000000000000000000000f03f0000000000000040"))
    'POLYGON ((0 0, 1 2))'
    """
    try:
        tag, body = _Cursor(wkb).geometry()
    except (struct.error, KeyError, RecursionError, ValueError):
        return None
    return f"{tag} {body}"


class _Cursor:
    """A place in a WKB, from which the next thing is read."""

    def __init__(self, wkb: bytes) -> None:
        self._wkb = wkb
        self._at = 0
        self._order = "<"

    def geometry(self) -> tuple[str, str]:
        """Return the tag and the bracketed coordinates of the geometry that begins here."""
        self._order = "<" if self._unpack("B") else ">"
        code = self._unpack("I")
        if code & _SRID:
            self._unpack("I")
        kind, iso = code & 0xFFFF, (code & 0xFFFF) // 1000
        has_z, has_m = bool(code & _Z) or iso in {1, 3}, bool(code & _M) or iso in {2, 3}
        name = _NAMES[kind % 1000]
        size = 2 + has_z + has_m
        suffix = {(False, False): "", (True, False): " Z", (False, True): " M", (True, True): " ZM"}[has_z, has_m]
        return name + suffix, self._body(kind % 1000, size)

    def _body(self, kind: int, size: int) -> str:
        if kind == 1:
            return f"({self._coordinates(1, size)})"
        count = self._unpack("I")
        if kind == 2:
            return f"({self._coordinates(count, size)})"
        if kind == 3:
            return _bracketed([f"({self._coordinates(self._unpack('I'), size)})" for _ in range(count)])
        parts = [self.geometry() for _ in range(count)]
        return _bracketed([f"{tag} {body}" if kind == 7 else body for tag, body in parts])

    def _coordinates(self, count: int, size: int) -> str:
        values = np.frombuffer(self._wkb, dtype=f"{self._order}f8", count=count * size, offset=self._at) if count else np.empty(0)
        self._at += values.nbytes
        return ", ".join(" ".join(np.format_float_positional(v, _DECIMALS, trim="-") for v in row) for row in values.reshape(-1, size))

    def _unpack(self, kind: str) -> int:
        (value,) = struct.unpack_from(self._order + kind, self._wkb, self._at)
        self._at += struct.calcsize("=" + kind)
        return int(value)


def _bracketed(parts: list[str]) -> str:
    return f"({', '.join(parts)})" if parts else "EMPTY"
