"""Rows with an address: what has no coordinates of its own is located by it, and every row is told what was found of its address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisgrid.crs import WGS84, Crs
from gisgrid.errors import ParameterError
from gisgrid.locator import Locator
from gisgrid.locator.ground import metres_per_degree_many
from gisgrid.services.batch.columns import OF_ADDRESS, field_of, find_column
from gisgrid.services.batch.engine import Engine
from gisgrid.services.batch.numbers import read_numbers, texts
from gisgrid.services.batch.plan import BatchPlan
from gisgrid.types import Bounds

Geocode = Callable[[Sequence[str | None]], Mapping[str, pa.Array]]
"""What finds many addresses: columns as ``Gazetteer.geocode_many`` answers them."""

_WITHIN = "uncertainty_m"
_OWN = ("wgs84_lon", "wgs84_lat")
_TEXTS = {"address_normal": "normal", "address_level": "level", "address_match_type": "match_type"}
_NUMBERS = {
    "address_lon": "lon",
    "address_lat": "lat",
    "address_uncertainty_m": _WITHIN,
    "address_confidence": "confidence",
}


class AddressedEngine:
    """An engine for rows that have an address, in the column that ``plan.address`` names; in all else like ``Engine``.

    ``geocode`` finds addresses, ``version`` tells the data it finds them in apart from others. A row with coordinates is located by them;
    one without by its address, within the uncertainty of that. An input need not have columns of coordinates at all.
    """

    def __init__(self, locator: Locator, box: Bounds, plan: BatchPlan, geocode: Geocode, version: int) -> None:
        self.locator, self.box, self.plan = locator, box, plan
        self._geocode, self._version = geocode, version
        self._has_position = True
        inner = tuple(name for name in plan.columns if name not in OF_ADDRESS)
        needed = tuple(dict.fromkeys(("status", *inner, *_OWN)))
        # Where no system is named, no row can have a position: the columns are passed over.
        system = plan.crs or (None if plan.crs_column else WGS84)
        self._by_position = Engine(locator, box, plan._replace(crs=system, columns=needed, address=None))
        by_address = BatchPlan("lon", "lat", WGS84, accuracy_column=_WITHIN, columns=needed)
        self._by_address = Engine(locator, box, by_address)
        self.schema = pa.schema([field_of(name) for name in plan.columns])

    @property
    def data(self) -> str:
        """What tells the data that it answers from apart from others."""
        return f"{self.locator.fingerprint()} {self._version}"

    def with_crs(self, crs: Crs) -> AddressedEngine:
        """Return the same engine for rows that are in another coordinate system where they do not say so themselves."""
        return self.with_plan(self.plan._replace(crs=crs))

    def with_plan(self, plan: BatchPlan) -> AddressedEngine:
        """Return an engine for another plan."""
        other = AddressedEngine(self.locator, self.box, plan, self._geocode, self._version)
        other._has_position = self._has_position
        return other

    def for_columns(self, columns: list[str]) -> AddressedEngine:
        """Return the engine for an input that has these columns; raises ParameterError where one that is needed is not there."""
        find_column(columns, self.plan.address or "", "address")
        missing = [name for name in (self.plan.lon, self.plan.lat) if name not in columns]
        if missing and (len(missing) == 1 or self.plan.crs_column or self.plan.accuracy_column):
            self._by_position.check(columns)
        has_position = not missing and (self.plan.crs is not None or self.plan.crs_column is not None)
        if not missing and not has_position:
            what = f"there are columns {self.plan.lon!r} and {self.plan.lat!r}, and no coordinate system is given for them."
            raise ParameterError("crs", what, "--crs with the system of the positions, or --lon and --lat with other columns")
        plan = self.plan if has_position else self.plan._replace(lon="", lat="")
        other = self.with_plan(plan)
        other._has_position = has_position
        return other

    def answer(self, rows: pa.RecordBatch, wrong: Mapping[int, str] | None = None) -> pa.RecordBatch:
        """Return the added columns for rows as ``Engine.answer`` does; no row raises."""
        found = self._found(rows)
        answers, has_own = self._positions(rows, wrong or {})
        bad = np.zeros(rows.num_rows, bool)
        bad[list(wrong or {})] = True
        addressed = np.flatnonzero(~has_own & ~bad & np.isfinite(_numbers(found["lon"])))
        if addressed.size:
            answers = self._with_addressed(answers, addressed, found)
        return pa.record_batch([self._column(name, answers, found, has_own, addressed) for name in self.plan.columns], schema=self.schema)

    def _found(self, rows: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return what was found of each row's address; the same text is looked for once."""
        column = texts(rows.column(find_column(rows.schema.names, self.plan.address or "", "address")))
        encoded = column.dictionary_encode()
        known = self._geocode(encoded.dictionary.to_pylist())
        return {name: values.take(encoded.indices) for name, values in known.items()}

    def _positions(self, rows: pa.RecordBatch, wrong: Mapping[int, str]) -> tuple[pa.RecordBatch, NDArray[np.bool_]]:
        """Return the answers by the rows' own coordinates, and which rows have any."""
        if self._has_position:
            columns = [rows.column(find_column(rows.schema.names, name, "lon")) for name in (self.plan.lon, self.plan.lat)]
            first, second = (read_numbers(column) for column in columns)
            nowhere = (first.missing & second.missing) | ((first.value == 0.0) & (second.value == 0.0))
            return self._by_position.answer(rows, wrong), ~nowhere
        nothing = pa.nulls(rows.num_rows, pa.float64())
        blank = pa.record_batch([nothing, nothing, nothing], names=["lon", "lat", _WITHIN])
        return self._by_address.answer(blank, wrong), np.zeros(rows.num_rows, bool)

    def _with_addressed(self, answers: pa.RecordBatch, members: NDArray[np.int64], found: Mapping[str, pa.Array]) -> pa.RecordBatch:
        """Return the answers with those of ``members`` from where their addresses are."""
        places = pa.array(members)
        asked = pa.record_batch([found[name].take(places) for name in ("lon", "lat", _WITHIN)], names=["lon", "lat", _WITHIN])
        others = self._by_address.answer(asked)
        which = np.arange(answers.num_rows)
        which[members] = answers.num_rows + np.arange(len(members))
        columns = [_joined(mine, other).take(pa.array(which)) for mine, other in zip(answers.columns, others.columns, strict=True)]
        return pa.record_batch(columns, names=answers.schema.names)

    def _column(
        self, name: str, answers: pa.RecordBatch, found: Mapping[str, pa.Array], has_own: NDArray[np.bool_], addressed: NDArray[np.int64]
    ) -> pa.Array:
        if name not in OF_ADDRESS:
            return answers.column(name)
        if name in _NUMBERS:
            return found[_NUMBERS[name]].cast(pa.float64())
        if name in _TEXTS:
            told = pc.if_else(pc.equal(found[_TEXTS[name]], ""), None, found[_TEXTS[name]])
            return told.dictionary_encode()
        if name == "position_from":
            origin = np.where(has_own, 0, 2)
            origin[addressed] = 1
            return pa.DictionaryArray.from_arrays(pa.array(origin, pa.int32(), mask=origin == 2), ["position", "address"])
        return _distances(answers, found, has_own)


def _distances(answers: pa.RecordBatch, found: Mapping[str, pa.Array], has_own: NDArray[np.bool_]) -> pa.Array:
    """Return how far each row's own position is from its address, metres; null where one of the two is not there."""
    lon, lat, own_lon, own_lat = (_numbers(column) for column in (found["lon"], found["lat"], *(answers.column(name) for name in _OWN)))
    per_lon, per_lat = metres_per_degree_many((lat + own_lat) / 2.0)
    distance = np.hypot((lon - own_lon) * per_lon, (lat - own_lat) * per_lat)
    return pa.array(distance, mask=~has_own | ~np.isfinite(distance))


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _joined(one: pa.Array, other: pa.Array) -> pa.Array:
    """Return one column after another; of text with one dictionary for both."""
    return pa.chunked_array([one, other]).unify_dictionaries().combine_chunks()


AnyEngine = Engine | AddressedEngine
"""What answers the rows of a batch."""
