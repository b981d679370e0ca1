"""A day of cases of a sample district whose true covers are known: how many are found, and how many wrongly."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pytest

from gisgrid.codes import component_classes
from gisgrid.crs import parse_crs, to_wgs84
from gisgrid.locator import PointIndex, PointTable
from gisgrid.matching import match_cover
from ingest.sample.generate import generate

FIELDS = ("code", "kind", "state", "owner_code", "data_source")
STATES = {"破损": "broken", "丢失": "missing", "废弃": "abandoned", "移除": "removed"}


class Case(NamedTuple):
    """A case at a place (WGS 84), with the code of the cover that it is about; empty when it is about none."""

    lon: float
    lat: float
    text: str
    cover: str


class District(NamedTuple):
    """Covers of a district, and cases about covers and other things."""

    covers: PointIndex
    cases: list[Case]
    others: list[Case]


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> District:
    directory = tmp_path_factory.mktemp("sample") / "district"
    generate(directory, seed=5, scale=0.25)
    covers = _covers(directory / "covers" / "井盖普查.shp")
    with (directory / "cases_truth.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = {row["number"]: row["place"] for row in csv.DictReader(file)}
    with (directory / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        cases = [_case(row, truth[row["number"]]) for row in csv.DictReader(file) if row["lon"].strip() and row["number"] in truth]
    known = set(covers.table.codes)
    good = [case for case in cases if 120.0 < case.lon < 121.0]
    return District(covers, [case for case in good if case.cover in known], [case for case in good if len(case.cover) != 16])


def _covers(path: Path) -> PointIndex:
    """Return the covers of the survey's file as they stand there, without those that have no place or a code twice."""
    frame = gpd.read_file(path, encoding="gb18030")
    frame = frame[frame.geometry.notna() & frame["ObjID"].str.fullmatch(r"\d{16}")].drop_duplicates("ObjID").to_crs("EPSG:4326")
    frame = frame.cx[120.0:121.0, 36.0:37.0]
    codes = frame["ObjID"].tolist()
    classes = {
        code: item.kind for (scheme, edition, code), item in component_classes().items() if (scheme, edition) == ("CJ/T 214", "2007")
    }
    kinds = [classes.get(code[6:10]) for code in codes]
    states = [STATES.get(state, "intact") for state in frame["ObjState"]]
    owners = [owner or None for owner in frame["DeptCode2"]]
    rows: list[tuple[object, ...]] = list(zip(codes, kinds, states, owners, frame["DataSource"], strict=True))
    x, y = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    return PointIndex(PointTable(list(range(1, len(codes) + 1)), codes, x, y, FIELDS, rows))


def _case(row: dict[str, str], cover: str) -> Case:
    lon, lat = to_wgs84(parse_crs(row["crs"]), float(row["lon"]), float(row["lat"]))
    return Case(lon, lat, row["description"], cover)


class Outcome(NamedTuple):
    """Cases by outcome: matched rightly and wrongly, ambiguous with and without the true cover named, none."""

    right: int
    wrong: int
    named: int
    unnamed: int
    none: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong)

    @property
    def matched(self) -> float:
        return (self.right + self.wrong) / sum(self)


def _outcome(district: District, noise_m: float, accuracy_m: float | None, *, kinds: bool = True) -> Outcome:
    """Return what becomes of the cases, each with five draws of the error of its position."""
    rng = np.random.default_rng(8)
    found: Counter[str] = Counter()
    for case in district.cases * 5:
        lon, lat = case.lon + rng.normal(0, noise_m) / 90_000, case.lat + rng.normal(0, noise_m) / 111_000
        text = case.text if kinds else "井盖" + case.text.partition("井盖")[2]
        found[_outcome_of(district, case._replace(lon=lon, lat=lat, text=text), accuracy_m)] += 1
    return Outcome(*(found[name] for name in Outcome._fields))


def _outcome_of(district: District, case: Case, accuracy_m: float | None) -> str:
    match = match_cover(district.covers, case.lon, case.lat, accuracy_m=accuracy_m, text=case.text)
    codes = [cover.neighbour.properties["code"] for cover in match.candidates]
    if match.status == "matched":
        return "right" if codes[0] == case.cover else "wrong"
    return "none" if match.status == "none" else "named" if case.cover in codes else "unnamed"


def test_of_covers_reported_where_they_are_nine_in_ten_are_matched_and_hardly_one_wrongly(district: District) -> None:
    assert len(district.cases) > 200
    outcome = _outcome(district, 0.0, None)
    assert outcome.precision >= 0.98
    assert outcome.matched >= 0.85
    assert outcome.unnamed + outcome.none <= 0.01 * sum(outcome)


@pytest.mark.parametrize(("noise_m", "accuracy_m", "least"), [(6.6, None, 0.8), (13.0, 20.0, 0.65), (33.0, 50.0, 0.2)])
def test_with_positions_as_uncertain_as_they_say_the_matched_are_right_all_the_same(
    district: District, noise_m: float, accuracy_m: float | None, least: float
) -> None:
    outcome = _outcome(district, noise_m, accuracy_m)
    assert outcome.precision >= 0.95
    assert outcome.matched >= least
    assert outcome.unnamed + outcome.none <= 0.03 * sum(outcome)


def test_with_positions_twice_as_bad_as_they_say_the_matched_are_still_right(district: District) -> None:
    assert _outcome(district, 13.0, 10.0).precision >= 0.93


def test_without_a_kind_fewer_are_matched_and_they_are_right(district: District) -> None:
    with_kinds, without = _outcome(district, 6.6, 10.0), _outcome(district, 6.6, 10.0, kinds=False)
    assert without.precision >= 0.95
    assert without.matched < with_kinds.matched


def test_cases_about_other_things_match_no_cover(district: District) -> None:
    statuses = Counter(match_cover(district.covers, case.lon, case.lat, text=case.text).status for case in district.others)
    assert statuses["matched"] == 0
    assert statuses["none"] >= 0.9 * len(district.others)
