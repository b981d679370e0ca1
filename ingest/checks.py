"""The registry of checks: what each finds, and whether the row is rejected, repaired, or loaded with a warning.

Messages, reports and documents take the words from here. The order is the order in which the pipeline looks; the first
check that rejects a row is the reason that the row is counted under.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["reject", "repair", "warn"]
"""What a finding does to its row: kept out, loaded after a repair, or loaded as it is and reported."""


class Check(NamedTuple):
    """One check: its stable ``code``, its ``severity``, and a sentence on what it finds and what is done."""

    code: str
    severity: Severity
    description: str


UNREADABLE_ROW = Check("unreadable_row", "reject", "The row cannot be read, or has more or fewer cells than the header.")
DAMAGED_TEXT = Check(
    "damaged_text",
    "reject",
    "A text holds replacement characters or mojibake, so what it said is lost: the encoding is not the one declared.",
)
TRIMMED = Check("trimmed", "repair", "Blanks or NUL characters around or in a text are removed.")
UNKNOWN_VALUE = Check(
    "unknown_value", "reject", "A value is not in the list that the field takes, nor in the value map of the description."
)
BAD_NUMBER = Check("bad_number", "reject", "A value is not a finite number, or not a whole one where one is needed.")
BAD_DATE = Check("bad_date", "reject", "A value is not a date in the format that the description gives.")
OUT_OF_RANGE = Check("out_of_range", "reject", "A number is smaller or larger than the field can hold in the real world.")
VALUE_DROPPED = Check("value_dropped", "warn", 'A bad value of a field with on_error = "null" is left out; the row is loaded without it.')
REQUIRED = Check("required", "reject", "A field that every row needs is blank.")
CODE_PATTERN = Check("code_pattern", "reject", "A code does not have the shape that the deployment prescribes.")
PARENT_CODE = Check("parent_code", "reject", "The code of an area does not begin with the code of its parent.")
UNKNOWN_PARENT = Check("unknown_parent", "warn", "The area that a row says it lies in is neither delivered nor loaded.")
UNKNOWN_FEATURE = Check(
    "unknown_feature",
    "reject",
    "What a name is said to be another name of is neither delivered nor loaded, or several areas are called so.",
)
BAD_PERIOD = Check("bad_period", "reject", "A time ends before it begins.")
UNKNOWN_CLASS = Check("unknown_class", "reject", "The class of a component does not exist in its scheme and edition.")
NOT_A_COVER = Check("not_a_cover", "reject", "The class of the component exists, but is not one of manhole covers.")
NO_GEOMETRY = Check("no_geometry", "reject", "The row has no geometry, or no coordinates.")
UNREADABLE_GEOMETRY = Check("unreadable_geometry", "reject", "The geometry cannot be built, as a ring of two points.")
BAD_COORDINATE = Check("bad_coordinate", "reject", "A coordinate is not a number.")
NOT_FINITE = Check("not_finite", "reject", "A coordinate is NaN or infinite.")
EMPTY_GEOMETRY = Check("empty_geometry", "reject", "The geometry is there but holds no point.")
WRONG_GEOMETRY = Check("wrong_geometry", "reject", "The geometry is of a type that the layer does not take.")
NULL_ISLAND = Check("null_island", "reject", "The position is 0, 0: what software writes for one that is not known.")
OUTSIDE_WORLD = Check("outside_world", "reject", "The coordinates cannot exist in the coordinate system that was declared.")
SWAPPED_COORDINATES = Check(
    "swapped_coordinates", "reject", "The position is outside the deployment's bounds, and inside with its axes swapped."
)
OUTSIDE_BOUNDS = Check("outside_bounds", "reject", "The position is outside the bounds of the deployment.")
OUTSIDE_DISTRICT = Check(
    "outside_district", "warn", "The position is inside the deployment's bounds, but outside the district that is loaded."
)
LOST_GEOMETRY = Check(
    "lost_geometry", "reject", "The polygon has no area, or none is left after making it valid; or the line has no length."
)
RING_CLOSED = Check("ring_closed", "repair", "A ring whose last point is not its first is closed.")
REPEATED_CORNER = Check(
    "repeated_corner",
    "repair",
    "Corners of a polygon that are where the corner before them is are left out, and parts of a line that go nowhere.",
)
INVALID_GEOMETRY = Check("invalid_geometry", "repair", "An invalid polygon (self-crossing, badly nested) is made valid; polygons are kept.")
SINGLE_PART = Check("single_part", "repair", "A collection with the one part that the layer takes is reduced to that part.")
RING_ORDER = Check("ring_order", "repair", "GeoJSON rings that run the wrong way (RFC 7946 wants outer rings counterclockwise) are turned.")
Z_RUBBISH = Check("z_rubbish", "repair", "Heights that no ground has (-9999, below -500 m, above 9,000 m) are dropped.")
Z_DROPPED = Check("z_dropped", "repair", "Heights (Z) and measures (M) of coordinates are dropped; layers are two-dimensional.")
DUPLICATE_CODE = Check("duplicate_code", "reject", "An earlier row of the same delivery has this code; the first one wins.")
DUPLICATE_POSITION = Check(
    "duplicate_position", "warn", "An earlier row of the same delivery is at the same place, to 1e-7 of a degree (a centimetre)."
)
MIXED_GEOMETRY = Check("mixed_geometry", "warn", "A file has different types of geometry, such as points and lines; told once a file.")
DELIVERY_REFUSED = Check(
    "delivery_refused", "reject", "The delivery was refused as a whole; nothing may be wrong with the row itself, and it is not kept apart."
)
HELD_BY_OTHER_SOURCE = Check("held_by_other_source", "reject", "A row with this code was loaded from another source, which keeps it.")

CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        UNREADABLE_ROW,
        DAMAGED_TEXT,
        TRIMMED,
        UNKNOWN_VALUE,
        BAD_NUMBER,
        BAD_DATE,
        OUT_OF_RANGE,
        VALUE_DROPPED,
        REQUIRED,
        CODE_PATTERN,
        PARENT_CODE,
        UNKNOWN_PARENT,
        UNKNOWN_FEATURE,
        BAD_PERIOD,
        UNKNOWN_CLASS,
        NOT_A_COVER,
        NO_GEOMETRY,
        UNREADABLE_GEOMETRY,
        BAD_COORDINATE,
        NOT_FINITE,
        EMPTY_GEOMETRY,
        WRONG_GEOMETRY,
        NULL_ISLAND,
        OUTSIDE_WORLD,
        SWAPPED_COORDINATES,
        OUTSIDE_BOUNDS,
        OUTSIDE_DISTRICT,
        LOST_GEOMETRY,
        RING_CLOSED,
        REPEATED_CORNER,
        INVALID_GEOMETRY,
        SINGLE_PART,
        RING_ORDER,
        Z_RUBBISH,
        Z_DROPPED,
        DUPLICATE_CODE,
        DUPLICATE_POSITION,
        MIXED_GEOMETRY,
        HELD_BY_OTHER_SOURCE,
        DELIVERY_REFUSED,
    )
}
"""Every check by its code."""
