"""In which grid a report about a cover is when only an address says where: in that of the covers that it can be about.

The place that an address means is known to some tens of metres, and borders of grids run along roads; covers are known to a metre.
Where the covers near the address that fit the report lie tells more often than the address's own point which grid it is.
"""

from __future__ import annotations

from typing import Protocol

from gisgrid.cases.positions import Fix
from gisgrid.cases.said import Said
from gisgrid.matching import CoverMatch
from gisgrid.types import AreaRef, Level, Location


class CoveredAreas(Protocol):
    """What is known of areas, and in which grids covers are."""

    def locate(self, lon: float, lat: float, accuracy_m: float | None) -> Location:
        """Return the areas of a place; ``accuracy_m`` is the radius of its uncertainty, metres."""

    def grid_of_cover(self, code: str) -> str | None:
        """Return the code of the grid that a cover lies in; None when it lies in none, or is not known."""

    def areas_of(self, grid_code: str) -> dict[Level, AreaRef] | None:
        """Return a grid and the areas that it belongs to; None when there is no such grid."""


def located(fix: Fix, match: CoverMatch | None, areas: CoveredAreas) -> tuple[Location, Said | None]:
    """Return the areas of a case at ``fix``, and why, when covers decide: those of ``match``, where only an address says where it is.

    Then ``candidates`` has the likeliest grid first and in ``share`` the probability of each, that of the covers in it; what may be
    none of the covers is shared out as the circle of uncertainty is. Status and distance to the edge are those of the place itself.
    """
    location = areas.locate(fix.lon, fix.lat, fix.uncertainty_m)
    if fix.origin != "address" or match is None or not match.scores or location.grid is None:
        return location, None
    probable = {one.code: match.none_score * (one.share or 0.0) for one in location.candidates}
    for code, score in match.scores:
        grid = areas.grid_of_cover(code)
        # A grid that the circle does not reach is none that the address can mean.
        if grid is not None and grid in probable:
            probable[grid] += score
    likeliest = sorted(location.candidates, key=lambda one: -probable[one.code])
    chain = areas.areas_of(likeliest[0].code)
    if chain is None:
        return location, None
    found = location._replace(
        district=chain.get("district"),
        street=chain.get("street"),
        community=chain.get("community"),
        grid=chain.get("grid"),
        candidates=tuple(one._replace(share=probable[one.code]) for one in likeliest),
    )
    return found, _why(likeliest[0].code, probable[likeliest[0].code])


def _why(grid: str, probability: float) -> Said:
    return Said(
        f"按地址附近可能涉及的井盖所在，属于网格 {grid}（可能性 {probability:.0%}）。",
        f"By where the covers are that may be meant near the address, it is in grid {grid} (probability {probability:.0%}).",
    )
