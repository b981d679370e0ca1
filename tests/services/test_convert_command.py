"""``gisgrid convert`` as it is typed; it needs no database."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gisgrid.db import Database
from tests.services.conftest import Run


@pytest.fixture
def run(run_on: Callable[[Database], Run]) -> Run:
    return run_on(Database("postgresql://nobody@127.0.0.1:1/nothing"))


def test_a_position_is_printed_in_each_system_with_its_accuracy(run: Run) -> None:
    code, out, _ = run("convert", "120.38", "36.0873", "--crs", "gcj02", "--to", "wgs84,EPSG:4549,EPSG:2385")
    assert code == 0
    for expected in ("wgs84  120.374869088 36.087026627", "within 3 m: ", "EPSG:4549  533762.4792 3995264.1844", "accuracy unknown: "):
        assert expected in out


def test_json_is_what_http_answers(run: Run) -> None:
    code, out, _ = run("convert", "--crs", "wgs84", "--to", "EPSG:27700", "--json", "--", "-0.1", "51.5")
    assert code == 0
    document = json.loads(out)
    assert document["input"] == {"lon": -0.1, "lat": 51.5, "crs": "wgs84"}
    assert document["output"] == pytest.approx({"x": 531979.0, "y": 179600.0, "crs": "EPSG:27700"}, abs=250)
    assert document["accuracy_m"] == 2.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("120.38", "36.08", "--to", "wgs84"), "--crs with"),
        (("120.38", "36.08", "--crs", "gcj02"), "Missing option"),
        (("120.38", "36.08", "--crs", "gcj02", "--to", "utm"), "to: 'utm' is not a coordinate system"),
        (("36.08", "120.38", "--crs", "gcj02", "--to", "wgs84"), "look exchanged"),
        (("120,38", "36.08", "--crs", "gcj02", "--to", "wgs84"), "is not a number"),
    ],
)
def test_bad_use_ends_with_2_and_says_what_is_wrong(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = run("convert", *arguments)
    assert (code, out) == (2, "")
    assert says in err
