"""The grid of a report about a cover is that of the covers that it can be about, where only an address says where it is."""

from __future__ import annotations

import pytest

from gisgrid.cases.covered import located
from gisgrid.cases.positions import Fix, Origin
from gisgrid.matching import CoverMatch
from gisgrid.types import AreaRef, Candidate, Level, Location

WEST, EAST = AreaRef("g1", "West"), AreaRef("g2", "East")
_AROUND = (Candidate("g1", "West", 0.0, 0.6), Candidate("g2", "East", 8.0, 0.4))


class Areas:
    """Two grids, each of a community of its own; covers c1 in the west, c2 and c3 in the east, far beyond the circle."""

    def __init__(self, grid: AreaRef | None = WEST) -> None:
        self._grid = grid

    def locate(self, lon: float, lat: float, accuracy_m: float | None) -> Location:
        assert accuracy_m == 30.0
        inside = Location(
            lon, lat, "inside", AreaRef("d", "D"), AreaRef("s", "S"), AreaRef("k1", "K1"), self._grid, 8.0, False, _AROUND, None, None, 0.0
        )
        return inside if self._grid else inside._replace(district=None, street=None, community=None)

    def grid_of_cover(self, code: str) -> str | None:
        return {"c1": "g1", "c2": "g2", "c3": "g2", "afar": "g9"}.get(code)

    def areas_of(self, grid_code: str) -> dict[Level, AreaRef] | None:
        number = grid_code[1:]
        grid = {"g1": WEST, "g2": EAST}[grid_code]
        return {"district": AreaRef("d", "D"), "street": AreaRef("s", "S"), "community": AreaRef(f"k{number}", f"K{number}"), "grid": grid}


def _match(*scores: tuple[str, float], none: float = 0.0) -> CoverMatch:
    return CoverMatch("ambiguous", None, (), ("sewage",), "", none, 100.0, scores)


def _fix(origin: Origin = "address") -> Fix:
    return Fix(120.0, 36.0, 30.0, origin)


def test_the_covers_that_may_be_meant_decide_and_not_the_point_of_the_address() -> None:
    match = _match(("c1", 0.2), ("c2", 0.3), ("c3", 0.3), none=0.2)
    location, why = located(_fix(), match, Areas())
    assert location.grid == EAST
    assert location.community == AreaRef("k2", "K2")
    assert [one.code for one in location.candidates] == ["g2", "g1"]
    assert [one.share for one in location.candidates] == pytest.approx([0.68, 0.32])
    # Where the place is has not changed.
    assert (location.lon, location.lat, location.status, location.distance_to_edge_m) == (120.0, 36.0, "inside", 8.0)
    assert why is not None
    assert "g2" in why.zh
    assert "68%" in why.en


def test_covers_in_grids_that_the_address_cannot_mean_and_in_none_count_for_nothing() -> None:
    location, _ = located(_fix(), _match(("afar", 0.7), ("nowhere", 0.2), ("c1", 0.1)), Areas())
    assert location.grid == WEST
    assert [one.share for one in location.candidates] == pytest.approx([0.1, 0.0])


def test_without_any_cover_that_fits_the_circle_decides() -> None:
    location, why = located(_fix(), _match(("c2", 0.1), none=0.9), Areas())
    assert location.grid == WEST
    assert [one.share for one in location.candidates] == pytest.approx([0.54, 0.46])
    assert why is not None


@pytest.mark.parametrize(
    ("fix", "match", "areas"),
    [
        (_fix("position"), _match(("c2", 1.0)), Areas()),
        (_fix("person"), _match(("c2", 1.0)), Areas()),
        (_fix("component"), _match(("c2", 1.0)), Areas()),
        (_fix(), None, Areas()),
        (_fix(), _match(none=1.0), Areas()),
        (_fix(), _match(("c2", 1.0)), Areas(None)),
    ],
    ids=["position", "person", "component", "about no cover", "no cover near", "in no grid"],
)
def test_everything_else_is_where_its_place_is(fix: Fix, match: CoverMatch | None, areas: Areas) -> None:
    location, why = located(fix, match, areas)
    assert location == areas.locate(120.0, 36.0, 30.0)
    assert why is None
