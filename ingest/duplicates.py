"""Rows of a delivery that come twice, by their key or by their place, found over all its batches in bounded memory."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from ingest import checks
from ingest.findings import Mask
from ingest.mapping import Mapped
from ingest.readers.batch import Geometries

_STEPS_PER_DEGREE = 1e7  # a step is a centimetre
_BUCKETS = 64
_BUCKET_EDGES = np.arange(1, _BUCKETS, dtype=np.uint64) << np.uint64(58)
_LAST_ROW = 2**32 - 1

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]


class Duplicates:
    """Finds rows that have the key, or the place, of an earlier accepted row of the same delivery.

    Keys are kept as hashes of 96 bits, which are taken for equal keys: among n rows the chance that two different keys
    have one hash is at most n²/2⁹⁷ (for ten million rows one in 10¹⁵). Places of points are compared exactly, after rounding to
    1e-7 degrees; those of polygons by a hash of 64 bits of their bounding box (a chance of n²/2⁶⁵, and only a warning hangs on it).
    A row takes 28 bytes: ten million take 280 MB.
    """

    def __init__(self, key: tuple[str, ...]) -> None:
        self._key = key
        self._codes = FirstRows()
        self._places = FirstRows()

    def check(self, mapped: Mapped, geom: Geometries | None = None) -> None:
        """Reject later rows with a key that was seen, warn of later rows at a place that was seen.

        ``geom`` is in degrees. Rows that are rejected anyway take neither key nor place.
        """
        self._check_keys(mapped)
        if geom is not None:
            self._check_places(mapped, geom)

    def _check_keys(self, mapped: Mapped) -> None:
        parts = [pc.fill_null(mapped.fields[name], "") for name in self._key]
        keys = pc.binary_join_element_wise(*parts, "\x1f") if len(parts) > 1 else parts[0]
        candidates = np.flatnonzero(~mapped.findings.rejected)
        accepted = keys.take(pa.array(candidates)).cast(pa.binary()).to_pylist()
        again, first = _later(self._codes.add(*hashes(accepted), rows=mapped.raw.numbers[candidates]), candidates, mapped)
        shown = self._key[-1] if len(self._key) == 3 else self._key[0]
        mapped.findings.reject(
            checks.DUPLICATE_CODE,
            again,
            shown,
            lambda i: f"{keys[i].as_py().replace(chr(31), ' ')!r} was delivered by row {first[i]} already.",
        )

    def _check_places(self, mapped: Mapped, geom: Geometries) -> None:
        candidates = np.flatnonzero(~mapped.findings.rejected)
        boxes = shapely.bounds(geom[candidates])
        numbers = mapped.raw.numbers[candidates]
        again, first = _later(self._places.add(places(boxes), rows=numbers), candidates, mapped)
        where = dict(zip(candidates.tolist(), boxes, strict=True)) if again.any() else {}
        mapped.findings.warn(
            checks.DUPLICATE_POSITION,
            again,
            "",
            lambda i: f"Row {first[i]} of the same delivery is at this place already: {where[i][0]:.7f}, {where[i][1]:.7f}.",
        )


def _later(first_rows: Rows, candidates: NDArray[np.int64], mapped: Mapped) -> tuple[Mask, dict[int, int]]:
    """Return which rows are not the first of their kind, and for these the number of the first."""
    later = first_rows != mapped.raw.numbers[candidates]
    mask = np.zeros(mapped.raw.size, dtype=bool)
    mask[candidates[later]] = True
    return mask, dict(zip(candidates[later].tolist(), first_rows[later].tolist(), strict=True))


def hashes(keys: list[bytes]) -> tuple[Keys, NDArray[np.uint32]]:
    """Return 64 bits to sort by and 32 more to compare."""
    digests = b"".join(hashlib.blake2b(key, digest_size=16).digest() for key in keys)
    whole = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)
    return whole[:, 0].copy(), whole[:, 1].astype(np.uint32)


def places(boxes: NDArray[np.float64]) -> Keys:
    """Return a number for each bounding box (degrees): exact for points, for the odd factors and the shifts can be undone."""
    steps = np.rint(boxes * _STEPS_PER_DEGREE).astype(np.int64).astype(np.uint64)
    south_west = (steps[:, 0] << np.uint64(32)) ^ (steps[:, 1] & np.uint64(0xFFFF_FFFF))
    size = ((steps[:, 2] - steps[:, 0]) << np.uint64(32)) ^ (steps[:, 3] - steps[:, 1])
    return _mixed(south_west + size * np.uint64(0x9E37_79B9_7F4A_7C15))


def _mixed(value: Keys) -> Keys:
    """Spread the bits over the whole number (the finaliser of MurmurHash3), one to one."""
    for factor in (0xFF51_AFD7_ED55_8CCD, 0xC4CE_B9FE_1A85_EC53):
        value = (value ^ (value >> np.uint64(33))) * np.uint64(factor)
    return value ^ (value >> np.uint64(33))


class FirstRows:
    """The number of the first row of each key, for keys that are spread evenly over 64 bits.

    Keys lie in sorted runs. A new run is merged with the one before it as long as that is not twice as long, so
    that n keys are moved log n times and looked for in log n runs; buckets by the first bits keep what a merge needs small.
    Numbers of rows beyond 2³² - 1 are kept as that.
    """

    def __init__(self) -> None:
        self._buckets: list[list[_Run]] = [[] for _ in range(_BUCKETS)]

    def add(self, keys: Keys, checks: NDArray[np.uint32] | None = None, *, rows: Rows) -> Rows:
        """Take in the keys of ``rows`` (ascending); return for each the first row that had it, itself if it is the first.

        With ``checks``, keys are equal when these are equal too.
        """
        order = np.argsort(keys, kind="stable")
        run = _Run(keys[order], None if checks is None else checks[order], np.minimum(rows[order], _LAST_ROW).astype(np.uint32))
        starts = np.ones(len(keys), dtype=bool)
        starts[1:] = ~run.equal_neighbours()
        distinct = run.take(starts)
        earlier = self._find_and_keep(distinct)
        first = np.where(earlier > 0, earlier, rows[order][starts])
        result = np.empty(len(keys), dtype=np.int64)
        result[order] = first[np.cumsum(starts) - 1]
        return result

    def _find_and_keep(self, run: _Run) -> Rows:
        """Return the rows that had the keys of ``run`` before, 0 where there is none; those are kept."""
        earlier = np.zeros(len(run.keys), dtype=np.int64)
        edges = [0, *np.searchsorted(run.keys, _BUCKET_EDGES).tolist(), len(run.keys)]
        for bucket, start, end in zip(self._buckets, edges[:-1], edges[1:], strict=True):
            part = run.take(slice(start, end))
            for older in bucket:
                found = older.find(part)
                earlier[start:end] = np.where(found > 0, found, earlier[start:end])
            _push(bucket, part.take(earlier[start:end] == 0))
        return earlier


class _Run:
    """Keys in ascending order, each with the row that had it and, where there are such, more bits to compare."""

    __slots__ = ("checks", "keys", "rows")

    def __init__(self, keys: Keys, checks: NDArray[np.uint32] | None, rows: NDArray[np.uint32]) -> None:
        self.keys, self.checks, self.rows = keys, checks, rows

    def take(self, which: Any) -> _Run:
        return _Run(self.keys[which], None if self.checks is None else self.checks[which], self.rows[which])

    def equal_neighbours(self) -> Mask:
        """Return for each key but the first whether it is that before it."""
        same = self.keys[1:] == self.keys[:-1]
        return np.asarray(same if self.checks is None else same & (self.checks[1:] == self.checks[:-1]))

    def find(self, wanted: _Run) -> Rows:
        """Return the rows of the keys ``wanted``, 0 where there is none."""
        at = np.minimum(np.searchsorted(self.keys, wanted.keys), len(self.keys) - 1)
        found = self.keys[at] == wanted.keys
        if self.checks is not None and wanted.checks is not None:
            found &= self.checks[at] == wanted.checks
        return np.where(found, self.rows[at], 0).astype(np.int64)

    def merged(self, other: _Run) -> _Run:
        keys = np.concatenate([self.keys, other.keys])
        order = np.argsort(keys, kind="stable")  # finds the two runs, and merges them
        more = None if self.checks is None or other.checks is None else np.concatenate([self.checks, other.checks])[order]
        return _Run(keys[order], more, np.concatenate([self.rows, other.rows])[order])


def _push(bucket: list[_Run], run: _Run) -> None:
    """Add a run, merging it with shorter ones."""
    if not len(run.keys):
        return
    while bucket and len(bucket[-1].keys) < 2 * len(run.keys):
        run = bucket.pop().merged(run)
    bucket.append(run)
