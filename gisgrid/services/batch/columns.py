"""The columns that a batch adds to its rows: their names, their types, and which of them are wanted."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

import pyarrow as pa

from gisgrid.errors import ParameterError
from gisgrid.locator.columns import ADDED_COLUMNS, SHARE_COLUMNS

ADDED = ADDED_COLUMNS
"""The columns that a batch adds, in this order; one that the input has already gets the prefix ``gisgrid_``."""

SHARES = SHARE_COLUMNS
"""What is added after them when the positions have an accuracy: of how much of the circle lies in each candidate, and in no grid."""

OF_ADDRESS = (
    "position_from",
    "address_normal",
    "address_lon",
    "address_lat",
    "address_level",
    "address_match_type",
    "address_uncertainty_m",
    "address_confidence",
    "address_distance_m",
)
"""What is added after these when rows have an address: what was found of it, and how far from the row's own position that is.

``position_from`` says what the row was located by: ``position``, or ``address`` where it has no coordinates of its own.
"""

EVERY = (*ADDED, *SHARES, *OF_ADDRESS)
"""All columns that can be added."""

MORE = "gisgrid_more"
"""The last column where rows of text become columns of a table: as JSON what a row has that the columns have no place for."""

PREFIX = "gisgrid_"

_OF_POSITION = {"distance_to_edge_m": 3, "nearest_distance_m": 3, "wgs84_lon": 9, "wgs84_lat": 9, "outside_share": 4}
PLACES = {
    **_OF_POSITION,
    **{"address_lon": 9, "address_lat": 9, "address_uncertainty_m": 1, "address_confidence": 3, "address_distance_m": 1},
}
"""The columns of numbers, with the decimal places that they have in text: metres to the millimetre, degrees to 0.1 mm."""

TEXT = tuple(name for name in EVERY if name not in PLACES and name != "on_edge")
"""The columns of text, dictionary-encoded in the answers of an engine."""


def field_of(name: str) -> pa.Field:
    """Return name and Arrow type of an added column as an engine answers it; all may be null."""
    if name in PLACES:
        return pa.field(name, pa.float64())
    return pa.field(name, pa.bool_() if name == "on_edge" else pa.dictionary(pa.int32(), pa.string()))


def chosen_columns(wanted: Sequence[str] | None, *, with_shares: bool, with_address: bool = False) -> tuple[str, ...]:
    """Return the added columns to give: those wanted, in that order, or all that make sense for these rows.

    Raises ParameterError for a name that is no added column, or is there twice.
    """
    possible = EVERY if with_address else (*ADDED, *SHARES)
    if wanted is None:
        return (*ADDED, *(SHARES if with_shares else ()), *(OF_ADDRESS if with_address else ()))
    for place, name in enumerate(wanted):
        if name not in possible:
            needs = " without --address" if name in OF_ADDRESS else ""
            raise ParameterError("columns", f"there is no column {name!r} to add{needs}.", f"any of {', '.join(possible)}")
        if name in wanted[:place]:
            raise ParameterError("columns", f"{name!r} is there twice.", "each column once")
    if not wanted:
        raise ParameterError("columns", "names none.", f"any of {', '.join(possible)}")
    return tuple(wanted)


def names_beside(added: Sequence[str], taken: Collection[str]) -> tuple[str, ...]:
    """Return what the added columns are called beside columns whose names are ``taken`` already: prefixed until free."""
    names = []
    free_of = {name.strip() for name in taken}
    for name in added:
        while name in free_of:
            name = PREFIX + name  # noqa: PLW2901
        names.append(name)
    return tuple(names)


def find_column(columns: Sequence[str], wanted: str, option: str) -> int:
    """Return the place of a column by its name, or else by its name in another case or width.

    Raises ParameterError that lists the columns there are, and when more than one has the name.
    """
    for same in (str, _folded):
        found = [place for place, name in enumerate(columns) if same(name) == same(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ParameterError(option, f"there are {len(found)} columns {wanted!r}.", "the name of one column")
    listed = ", ".join(columns[:_MOST_LISTED]) + (", …" if len(columns) > _MOST_LISTED else "")
    raise ParameterError(option, f"there is no column {wanted!r}.", f"one of the columns there are: {listed}")


_MOST_LISTED = 60


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
