"""Degrees, minutes and seconds in columns of longitude and latitude: right to the last second, or rejected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely

from ingest.description import Source
from ingest.findings import Findings
from ingest.geometry import from_columns
from ingest.mapping import coordinate_texts
from ingest.readers.batch import RawBatch


def degrees_of(lon: list[str | None], lat: list[str | None], **keys: Any) -> tuple[list[Any], list[str | None]]:
    """Return positions and reasons of rows with these texts in the columns of longitude and latitude."""
    fixed = {"id": "s", "layer": "cameras", "path": "x.csv", "fields": {"code": "c", "kind": {"constant": "ptz"}}}
    description = Source.model_validate({**fixed, "coordinates": {"lon": "x", "lat": "y"}, **keys})
    nothing = np.zeros(len(lon), dtype=bool)
    table = pa.table({"x": pa.array(lon, pa.string()), "y": pa.array(lat, pa.string())})
    raw = RawBatch(np.arange(1, len(lon) + 1), table, None, nothing, nothing)
    found = Findings(raw.size)
    assert description.coordinates is not None
    points = from_columns(description.coordinates, coordinate_texts(description, raw, found), found)
    reasons = [found.reasons.get(i) for i in range(raw.size)]
    return shapely.get_coordinates(points).tolist(), [reason[0].code if reason else None for reason in reasons]


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        ("108°57′22.574″", "34°16′5″", (108 + 57 / 60 + 22.574 / 3600, 34 + 16 / 60 + 5 / 3600)),
        ("24° 56' 0,5\"", "59° 26' 0,5\"", (24 + 56 / 60 + 0.5 / 3600, 59 + 26 / 60 + 0.5 / 3600)),
        ("120°22'15\"E", "N36°05'12\"", (120 + 22 / 60 + 15 / 3600, 36 + 5 / 60 + 12 / 3600)),
        ("东经120°22′15″", "36度5分12秒", (120 + 22 / 60 + 15 / 3600, 36 + 5 / 60 + 12 / 3600)),
        ("W 70°30.5'", "南纬33度26分", (-70 - 30.5 / 60, -33 - 26 / 60)),
        ("-0°30'0\"", "-33º26’15”", (-0.5, -33 - 26 / 60 - 15 / 3600)),
    ],
)
def test_degrees_minutes_and_seconds_are_read(lon: str, lat: str, expected: tuple[float, float]) -> None:
    (position,), reasons = degrees_of([lon], [lat])
    assert reasons == [None]
    assert position == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "lon",
    [
        "东经120.34",  # no marks: it may be anything
        "东经120.34°",
        "120°",
        "120.5°22'",
        "120°60'1\"",
        "120°22'60\"",
        "120°22'15\"N",
        "北纬36°05'12\"",
        "-120°22'15\"W",
        "E120°22'15\"E",
        "120°22''",
        "120°22'1\"5",
    ],
)
def test_what_is_no_longitude_in_degrees_minutes_and_seconds_is_rejected(lon: str) -> None:
    assert degrees_of([lon, "120.38"], ["36.07", "36.07"]) == ([[120.38, 36.07]], ["bad_coordinate", None])


def test_degrees_and_minutes_are_for_columns_of_degrees_alone() -> None:
    assert degrees_of(["120°22'"], ["36.07"], coordinates={"x": "x", "y": "y"})[1] == ["bad_coordinate"]
    # With its axes the other way round, the column that is called lon holds the latitude.
    assert degrees_of(["36°30'N"], ["120°30'E"], axis_order="yx") == ([[36.5, 120.5]], [None])
