"""Running counts over the batches of one source, with a few examples and places, in memory that does not grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from gisgrid.db.records import Issue, Reject, Repair
from ingest.report.values import Example, Spot, SpotSeverity

MOST_EXAMPLES = 5
"""Rows that are shown of what one check found."""
MOST_SPOTS = 2_000
"""Places that are kept of each severity."""
_MESSAGE_CHARS = 300
_VALUE_CHARS = 60


@dataclass
class Tally:
    """Running counts over the batches of one source, ``add`` keeps examples of each check and places for the picture."""

    read: int = 0
    repaired: int = 0
    rejected: int = 0
    warned: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, list[Example]] = field(default_factory=dict)
    _places: dict[SpotSeverity, _Places] = field(default_factory=dict)

    @property
    def loaded(self) -> int:
        """Rows that were not rejected."""
        return self.read - self.rejected

    @property
    def examples(self) -> dict[str, tuple[Example, ...]]:
        """The first rows that each check found, in the order of the file; at most five a check."""
        return {code: tuple(rows) for code, rows in self._examples.items()}

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Where findings are, at most 2,000 of each severity, taken evenly from all of the file."""
        return tuple(spot for places in self._places.values() for spot in places.spots)

    def add(self, rejects: Sequence[Reject], repairs: Sequence[Repair] = (), issues: Sequence[Issue] = ()) -> None:
        """Take examples and places from what a batch brought; the counts are the caller's."""
        for reject in rejects:
            if (kept := self._room(reject.code)) is not None:
                kept.append(Example(reject.row_number, reject.field, _short(reject.message)))
        for repair in repairs:
            if (kept := self._room(repair.code)) is not None:
                kept.append(Example(repair.row_number, repair.field, _change(repair)))
        for issue in issues:
            if (kept := self._room(issue.code)) is not None:
                kept.append(Example(None, issue.feature_code or "", _short(issue.message)))
        self._place("reject", ((row.code, row.ewkb) for row in rejects))
        self._place("repair", ((row.code, row.ewkb) for row in repairs))
        for severity in ("error", "warning", "info"):
            self._place(severity, ((row.code, row.ewkb) for row in issues if row.severity == severity))

    def _room(self, code: str) -> list[Example] | None:
        """Return the examples of a check, None when it has enough of them."""
        kept = self._examples.setdefault(code, [])
        return kept if len(kept) < MOST_EXAMPLES else None

    def _place(self, severity: SpotSeverity, found: Iterable[tuple[str, str | None]]) -> None:
        self._places.setdefault(severity, _Places(severity)).add(found)


class _Places:
    """Places of one severity: every n-th of those that come, n doubling whenever there are too many."""

    def __init__(self, severity: SpotSeverity) -> None:
        self._severity = severity
        self._seen = 0
        self._stride = 1
        self._kept: list[Spot] = []

    def add(self, found: Iterable[tuple[str, str | None]]) -> None:
        """Keep some of the places; only these are decoded."""
        chosen = []
        for code, ewkb in found:
            if ewkb is None:
                continue
            if self._seen % self._stride == 0:
                chosen.append((code, ewkb))
                if len(self._kept) + len(chosen) > MOST_SPOTS:
                    self._keep(chosen)
                    chosen = []
                    self._kept = self._kept[::2]
                    self._stride *= 2
            self._seen += 1
        self._keep(chosen)

    def _keep(self, chosen: list[tuple[str, str]]) -> None:
        if chosen:
            places = [ewkb for _, ewkb in chosen]
            self._kept += spots([code for code, _ in chosen], places, self._severity)

    @property
    def spots(self) -> list[Spot]:
        return self._kept


def spots(codes: Sequence[str], ewkb: Sequence[str], severity: SpotSeverity) -> list[Spot]:
    """Return a point for each place in ``ewkb`` (hexadecimal, WGS 84), of a polygon one inside it."""
    shapes = shapely.from_wkb(np.array(ewkb, dtype=object), on_invalid="ignore")
    points = np.where(shapely.get_type_id(shapes) == 0, shapes, shapely.point_on_surface(shapes))
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    known = np.isfinite(lon) & np.isfinite(lat)
    return [Spot(code, severity, float(x), float(y)) for code, x, y, there in zip(codes, lon, lat, known.tolist(), strict=True) if there]


def _change(repair: Repair) -> str:
    """Return what a repair did, in words."""
    if repair.before is None and repair.after is None:
        return "mended"
    before, after = (repr(_short(value, _VALUE_CHARS)) if value is not None else "nothing" for value in (repair.before, repair.after))
    return f"{before} → {after}"


def _short(text: str, most: int = _MESSAGE_CHARS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
