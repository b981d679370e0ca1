"""From columns to fields: numbers, units, dates, classes by name and by crosswalk. Nothing is misread: it is right or rejected."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import SourceError
from ingest import classes, dates, rules, units, values
from ingest.description import Source
from ingest.mapping import Mapped, coordinate_texts, map_fields, require_columns
from ingest.readers.batch import Contents, RawBatch
from ingest.targets import target


def batch(**columns: list[Any] | pa.Array) -> RawBatch:
    table = pa.table({name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()})
    nothing = np.zeros(table.num_rows, dtype=bool)
    return RawBatch(np.arange(1, table.num_rows + 1), table, None, nothing, nothing)


def source(layer: str, fields: dict[str, Any], **keys: Any) -> Source:
    return Source.model_validate({"id": "s", "layer": layer, "path": "x.csv", "fields": fields, **keys})


def mapped(layer: str, fields: dict[str, Any], raw: RawBatch, deployment: Deployment, **keys: Any) -> Mapped:
    """Map and check a batch as the steps do."""
    description = source(layer, {"code": {"constant": "1"}, **fields}, **keys)
    classes.require(description, deployment)
    require_columns(description, Contents(tuple(raw.table.column_names)), "x.csv")
    return map_fields(description, target(layer), raw, deployment)


def first_reasons(found: Mapped) -> list[tuple[str, str] | None]:
    """Return check and message of each row, None for one that is good."""
    reasons = [found.findings.reasons.get(i) for i in range(found.raw.size)]
    return [(reason[0].code, reason[0].message) if reason else None for reason in reasons]


def building(name: str, rule: Any, cells: list[Any], deployment: Deployment, **keys: Any) -> tuple[list[Any], list[str | None]]:
    found = mapped("buildings", {name: rule}, batch(c=cells), deployment, **keys)
    return found.fields[name].to_pylist(), [reason and reason[0] for reason in first_reasons(found)]


@pytest.mark.parametrize(
    ("text", "without", "point", "comma"),
    [
        ("3.5", 3.5, 3.5, 3.5),
        ("-.5", -0.5, -0.5, -0.5),
        ("1e3", 1000.0, 1000.0, 1000.0),
        ("１２．５", 12.5, 12.5, 12.5),
        ("−3", -3.0, -3.0, -3.0),
        ("3,5", None, None, 3.5),
        ("1,234", None, 1234.0, 1.234),
        ("1.234", 1.234, 1.234, None),
        ("0.123", 0.123, 0.123, 0.123),
        ("0,123", None, None, 0.123),
        ("1,234.5", 1234.5, 1234.5, None),
        ("1.234,5", None, None, 1234.5),
        ("1,234,567", 1234567.0, 1234567.0, None),
        ("1.234.567", None, None, 1234567.0),
        ("1 234.5", 1234.5, 1234.5, 1234.5),
        ("1\u00a0234,5", None, None, 1234.5),
        ("1,23,456", None, None, None),
        ("12,34.5", None, None, None),
        ("1234,567", None, None, 1234.567),
        ("1 23", None, None, None),
        ("10²", None, None, None),
        ("٣", None, None, None),
        ("½", None, None, None),
        ("nan", None, None, None),
        ("1e999", None, None, None),
        ("0x10", None, None, None),
        ("3.5 m", None, None, None),
    ],
)
def test_a_number_is_read_in_one_way_or_not_at_all(text: str, without: float | None, point: float | None, comma: float | None) -> None:
    for decimal, expected in ((None, without), (".", point), (",", comma)):
        found = values.numbers(pa.array([text]), decimal)
        assert (found.values.to_pylist(), found.bad.tolist()) == ([expected], [expected is None]), decimal


@given(st.floats(-1e9, 1e9, allow_subnormal=False), st.sampled_from([None, ".", ","]))
def test_a_number_as_a_program_writes_it_is_itself_or_rejected(number: float, decimal: str | None) -> None:
    found = values.numbers(pa.array([repr(number)]), decimal)
    if decimal == ",":
        assert found.bad[0] or found.values[0].as_py() == number
        written = values.numbers(pa.array([repr(number).replace(".", ",")]), decimal)
        assert written.values[0].as_py() == number
    else:
        assert found.values[0].as_py() == number


def test_a_comma_that_can_be_two_things_is_asked_about(shibei: Deployment) -> None:
    found = mapped("buildings", {"height_m": "c"}, batch(c=["12,5", "abc"]), shibei)
    (comma, other) = first_reasons(found)
    assert comma == ("bad_number", 'height_m: \'12,5\' is not a number. Say what its comma is: decimal = "," or decimal = ".".')
    assert other == ("bad_number", "height_m: 'abc' is not a number.")
    assert building("height_m", "c", ["12,5", "1.200,5"], shibei, decimal=",") == ([12.5, None], [None, "out_of_range"])


def test_long_whole_numbers_of_a_float_column_keep_their_digits() -> None:
    assert values.as_text(pa.array([3702030101000001.0, 0.5, None])).to_pylist() == ["3702030101000001", "0.5", None]


@pytest.mark.parametrize(
    ("unit", "cell", "expected"),
    [
        ("mm", "12500", 12.5),
        ("cm", "1250", 12.5),
        ("m", "12.5 m", 12.5),
        ("m", "12.5米", 12.5),
        ("km", "0.0125", 12.5),
        ("ft", "100", 30.48),
        ("ft", "100'", 30.48),
        ("in", "100", 2.54),
        ("mi", "0.01", 16.09344),
    ],
)
def test_lengths_become_metres(unit: str, cell: str, expected: float, shibei: Deployment) -> None:
    found, reasons = building("height_m", {"field": "c", "unit": unit}, [cell], shibei)
    assert found == pytest.approx([expected], rel=1e-12)
    assert reasons == [None]


@pytest.mark.parametrize(
    ("unit", "cell", "expected"), [("deg", "90°", 90), ("rad", "3.141592653589793", 180), ("gon", "100", 90), ("mil", "1600", 90)]
)
def test_angles_become_degrees(unit: str, cell: str, expected: float, shibei: Deployment) -> None:
    camera = mapped("cameras", {"kind": {"constant": "fixed"}, "azimuth_deg": {"field": "c", "unit": unit}}, batch(c=[cell]), shibei)
    assert camera.fields["azimuth_deg"].to_pylist() == pytest.approx([expected])


def test_areas_convert_and_the_range_is_that_of_the_field(shibei: Deployment) -> None:
    assert units.factor("mu", "m2") == pytest.approx(666.6666666667)
    assert units.factor("ha", "m2") == 10_000
    assert units.factor("ha", "m") is None
    found, reasons = building("height_m", {"field": "c", "unit": "km"}, ["2", "3 km", "3 kg"], shibei)
    assert (found, reasons) == ([None] * 3, ["out_of_range", "out_of_range", "bad_number"])


@pytest.mark.parametrize(
    ("text", "format", "day"),
    [
        ("2020-05-31", None, "2020-05-31"),
        ("2020/5/31", None, "2020-05-31"),
        ("2020.05.31", None, "2020-05-31"),
        ("2020年5月31日", None, "2020-05-31"),
        ("20200531", None, "2020-05-31"),
        ("2020-05-31T23:30:00+08:00", None, "2020-05-31"),
        ("2020-05-31 23:30:00.123Z", None, "2020-05-31"),
        ("2020/5/31 0:00", None, "2020-05-31"),
        ("31.05.2020 12:00", "%d.%m.%Y", "2020-05-31"),
        ("31.05.2020 12:00", "%d.%m.%Y %H:%M", "2020-05-31"),
        ("5/31/2020", "%m/%d/%Y", "2020-05-31"),
        ("2020年05月31日", "%Y年%m月%d日", "2020-05-31"),
        ("2020-02-30", None, None),
        ("31.05.2020", None, None),
        ("05/31/2020", None, None),
        ("2020531", None, None),
        ("20201", None, None),
        ("2020-05", None, None),
        ("43982", "excel", "2020-05-31"),
        ("43982.75", "excel", "2020-05-31"),
        ("1", "excel", "1900-01-01"),
        ("59", "excel", "1900-02-28"),
        ("60", "excel", None),
        ("61", "excel", "1900-03-01"),
        ("0", "excel", None),
        ("9999999", "excel", None),
        ("2020-05-31", "excel", None),
        ("1590883200", "epoch", "2020-05-31"),
        ("1590854400", "epoch", "2020-05-30"),
        ("1590854400", "epoch+08:00", "2020-05-31"),
        ("1590883200000", "epoch_ms", "2020-05-31"),
        ("-86400", "epoch", "1969-12-31"),
        ("1e300", "epoch", None),
    ],
)
def test_a_date_is_the_day_that_was_written(text: str, format: str | None, day: str | None) -> None:
    found = dates.dates(pa.array([text, None]), (format,) if format else dates.YEAR_FIRST)
    assert found.values.to_pylist() == [dt.date.fromisoformat(day) if day else None, None]
    assert found.bad.tolist() == [day is None, False]


def test_several_formats_are_tried_in_turn() -> None:
    found = dates.dates(pa.array(["43982", "31.5.2020", "2020-05-31", "?"]), ("excel", "%d.%m.%Y", "%Y-%m-%d"))
    assert found.values.to_pylist() == [dt.date(2020, 5, 31)] * 3 + [None]
    assert found.bad.tolist() == [False, False, False, True]


@given(st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 31)))
def test_every_day_comes_back_from_each_way_to_write_it(day: dt.date) -> None:
    serial = (day - dt.date(1899, 12, 30)).days
    seconds = (day - dt.date(1970, 1, 1)).days * 86_400
    for text, format in ((str(serial), "excel"), (str(seconds + 86_399), "epoch"), (day.strftime("%d %m %Y"), "%d %m %Y")):
        assert dates.dates(pa.array([text]), (format,)).values.to_pylist() == [day]
    assert dates.dates(pa.array([day.isoformat()])).values.to_pylist() == [day]


def test_an_expression_fills_a_field_and_rejects_the_rows_that_it_cannot_be_worked_out_for(shibei: Deployment) -> None:
    rows = batch(a=["2", "x", None, "-9999"], b=["3", "3", "3", "3"])
    found = mapped("buildings", {"floors": {"expression": "a + b", "blank": ["-9999"]}, "name": {"expression": "a + b"}}, rows, shibei)
    assert found.fields["floors"].to_pylist() == [5, None, None, None]
    assert found.fields["name"].to_pylist() == ["23", "x3", None, "-99993"]
    assert first_reasons(found) == [None, ("bad_number", "floors: `a + b` cannot be worked out for a = 'x', b = '3'."), None, None]
    kept = mapped("buildings", {"floors": {"expression": "a + b", "on_error": "null", "blank": ["-9999"]}}, rows, shibei)
    assert kept.findings.counts() == {"value_dropped": 1}


def test_an_expression_goes_through_the_rest_of_its_rule(shibei: Deployment) -> None:
    rule = {"expression": "left(a, 1) + b", "values": {"x1": "ptz"}, "otherwise": "dome", "default": "fixed"}
    found = mapped(
        "cameras", {"kind": rule, "range_m": {"expression": "b * 2", "unit": "cm"}}, batch(a=["xy", "z", None], b=[1.0, 2.0, None]), shibei
    )
    assert found.fields["kind"].to_pylist() == ["ptz", "dome", "fixed"]
    assert found.fields["range_m"].to_pylist() == [None, None, None]  # 2 cm are out of range
    assert found.findings.counts() == {"out_of_range": 2}


def test_all_columns_of_an_expression_must_be_there_and_one_of_alternatives() -> None:
    def missing(fields: dict[str, Any], *columns: str) -> str:
        with pytest.raises(SourceError) as caught:
            require_columns(source("organizations", {"code": "c", "name": "c", **fields}), Contents(("c", *columns)), "x.csv")
        return caught.value.message

    assert "name = a and b" in missing({"name": {"expression": "a + b"}})
    assert "name = b" in missing({"name": {"expression": "a + b"}}, "a")
    assert "name = a or b" in missing({"name": ["a", "b"]})
    assert "name = Na_me; did you mean 'name'?" in missing({"name": "Na_me"}, "name")
    assert "name = NAME; did you mean 'name'?" in missing({"name": "NAME"}, "name")
    description = source("organizations", {"code": "c", "name": [{"field": "a"}, {"expression": "b + c"}]})
    require_columns(description, Contents(("c", "b")), "x.csv")
    require_columns(source("organizations", {"code": "c", "name": ["System_Type", "SystemType"]}), Contents(("c", "SystemType")), "x.csv")


def test_coordinates_are_read_with_the_decimal_mark_of_the_file() -> None:
    description = source("cameras", {"code": "c", "kind": {"constant": "ptz"}}, coordinates={"lon": "x", "lat": "y"}, decimal=",")
    raw = batch(x=["120,3829", " 120,4"], y=["36,0671", "36"])
    found = map_fields(description, target("cameras"), raw, load_deployment("shibei")).findings
    assert [text.to_pylist() for text in coordinate_texts(description, raw, found)] == [["120.3829", "120.4"], ["36.0671", "36"]]


# Classes


def deployment(folder: Path, text: str = "") -> Deployment:
    path = folder / "stadt.toml"
    path.write_text(f"bounds = [9, 51, 10, 52]\n{text}", encoding="utf-8")
    return load_deployment(str(path))


EDITIONS = """
[components]
code_pattern = '[0-9]{16}'
schemes = [
    { scheme = "CJ/T 214", edition = "2007" },
    { scheme = "GB/T 30428.2", edition = "2013" },
    { scheme = "GB/T 47678.5", edition = "2026", code_pattern = '[0-9]{17}' },
]
"""


def covers(fields: dict[str, Any], raw: RawBatch, city: Deployment) -> tuple[list[Any], list[tuple[str, str] | None]]:
    found = mapped("manhole_covers", {"code": "code", **fields}, raw, city)
    rules.check(found, target("manhole_covers"), city)
    return found.fields["class_code"].to_pylist(), first_reasons(found)


def test_the_row_decides_by_its_own_edition_what_a_number_means(tmp_path: Path) -> None:
    city = deployment(tmp_path, EDITIONS)
    raw = batch(
        code=[
            "3702030114000001",
            "3702030114000002",
            "3702030118000003",
            "3702030118000004",
            "3702030115000005",
            "37020301014000006",
            "3702030101400000",
        ],
        s=["CJ/T 214", "GB/T 30428.2", "CJ/T 214", "GB/T 30428.2", "CJ/T 214", "GB/T 47678.5", "GB/T 47678.5"],
        e=["2007", "2013", "2007", "2013", "2007", "2026", "2026"],
        k=["0114", "0114", "0118", "0118", "0115", "01014", "01014"],
    )
    found, reasons = covers({"scheme": "s", "edition": "e", "class_code": "k"}, raw, city)
    assert found == ["0114", "0114", "0118", "0118", "0115", "01014", "01014"]
    assert [reason and reason[0] for reason in reasons] == [None, None, "not_a_cover", None, "not_a_cover", None, "code_pattern"]
    assert reasons[2] == ("not_a_cover", "Class '0118' of CJ/T 214 2007 is not a manhole cover.")
    assert reasons[6] == ("code_pattern", "code '3702030101400000' does not match [0-9]{17}.")


def test_a_crosswalk_goes_by_meaning(shibei: Deployment) -> None:
    raw = batch(code=["3702030100000001"] * 6, k=["0123", "0119", "0102", "0114", "0118", "0199"])
    rule = {"field": "k", "crosswalk": {"scheme": "GB/T 30428.2", "edition": 2013}}
    found, reasons = covers({"class_code": rule}, raw, shibei)
    assert found == ["0114", "0127", "0102", None, None, None]
    assert [reason and reason[0] for reason in reasons] == [None] * 3 + ["unknown_class"] * 3
    assert reasons[3] is not None
    assert reasons[3][1] == "class_code: 0114 of GB/T 30428.2 2013 (园林井盖) has no counterpart in CJ/T 214 2007."
    assert reasons[5] is not None
    assert reasons[5][1] == "class_code: there is no class '0199' in GB/T 30428.2 2013."


def test_a_crosswalk_leads_to_the_edition_of_each_row(tmp_path: Path) -> None:
    raw = batch(code=["3702030100000001", "37020301000000011"], s=["GB/T 30428.2", "GB/T 47678.5"], e=["2013", "2026"], k=["0114", "0114"])
    rule = {"field": "k", "crosswalk": {"scheme": "CJ/T 214", "edition": "2007"}}
    assert covers({"scheme": "s", "edition": "e", "class_code": rule}, raw, deployment(tmp_path, EDITIONS)) == (
        ["0123", "01023"],
        [None, None],
    )


def test_classes_are_found_by_what_people_call_them(shibei: Deployment) -> None:
    raw = batch(code=["3702030100000001"] * 5, k=["污水井", "古力", "路灯", "园林井盖", None])
    found, reasons = covers({"class_code": {"field": "k", "class_names": True, "default": "0130"}}, raw, shibei)
    assert found == ["0102", "0114", "0118", "0130", "0130"]
    assert [reason and reason[0] for reason in reasons] == [None, None, "not_a_cover", "unknown_class", None]
    assert reasons[3] is not None
    assert "'园林井盖' is not the name of a class of covers in CJ/T 214 2007 (上水井盖, 污水井盖" in reasons[3][1]


def test_a_city_of_one_scheme_need_not_name_it_nor_its_only_class(tmp_path: Path) -> None:
    raw = batch(code=["a", "b"], k=["SW", None])
    own = (
        '[[components.schemes]]\nscheme = "Stadt"\nclasses = [{ code = "SW", name = "Schmutzwasser" }, { code = "LA", is_cover = false }]\n'
    )
    for city, expected in ((deployment(tmp_path), ["generic", "1", "cover"]), (deployment(tmp_path, own), ["Stadt", "1", "SW"])):
        found = mapped("manhole_covers", {"code": "code"}, raw, city)
        rules.check(found, target("manhole_covers"), city)
        assert [found.fields[name].to_pylist() for name in ("scheme", "edition", "class_code")] == [[word] * 2 for word in expected]
        assert found.findings.reasons == {}
    named = {"class_code": {"field": "k", "class_names": True, "values": {"SW": "Schmutzwasser"}, "default": "SW"}}
    assert covers(named, raw, deployment(tmp_path, own)) == (["SW", "SW"], [None, None])


@pytest.mark.parametrize(
    ("text", "fields", "words"),
    [
        (EDITIONS, {"class_code": "k"}, ["needs a rule for scheme", "more than one: CJ/T 214 2007, GB/T 30428.2 2013"]),
        (EDITIONS, {"scheme": {"constant": "CJ/T 214"}}, ["needs a rule for class_code", "0101 上水井盖", "0130 特殊井盖"]),
        (
            EDITIONS,
            {"scheme": {"constant": "CJ/T 214"}, "edition": {"constant": "2013"}},
            ["CJ/T 214 2013 is not a scheme of deployment 'stadt'"],
        ),
        (
            "",
            {"class_code": {"constant": "sewer"}},
            ["no class 'sewer' in generic 1", "did you mean 'sewage'", "cover cover of unknown use"],
        ),
        ("", {"class_code": {"field": "k", "values": {"x": "gaz"}}}, ["no class 'gaz'", "did you mean 'gas'"]),
        (
            "",
            {"class_code": {"field": "k", "crosswalk": {"scheme": "CJ/T 214", "edition": "2006"}}},
            ["no code scheme 'CJ/T 214 2006'", "did you mean 'CJ/T 214 2007'"],
        ),
    ],
)
def test_a_description_that_leaves_the_class_open_or_gets_it_wrong_is_refused(
    tmp_path: Path, text: str, fields: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(SourceError) as caught:
        mapped("manhole_covers", fields, batch(k=["x"]), deployment(tmp_path, text))
    assert "Source 's'" in caught.value.message
    for word in words:
        assert word in str(caught.value)


def test_a_row_of_a_scheme_that_the_city_does_not_have_is_rejected(shibei: Deployment) -> None:
    raw = batch(code=["3702030101000001"], s=["GB/T 30428.2"], k=["0101"])
    found, reasons = covers(
        {"scheme": "s", "edition": {"field": "s", "values": {}, "slice": [0, 4], "default": "2013"}, "class_code": "k"}, raw, shibei
    )
    assert found == ["0101"]
    assert reasons[0] is not None
    assert reasons[0][0] == "unknown_class"
    assert "is not a scheme of this deployment (CJ/T 214 2007)" in reasons[0][1]


@given(
    st.lists(st.none() | st.text(st.characters(codec="utf-8") | st.sampled_from("\x01\t\ufffd锟斤拷烫Ãé\x85 a"), max_size=6)),
    st.integers(0, 3),
)
def test_the_quick_look_for_damage_overlooks_none(texts: list[str | None], start: int) -> None:
    column = pa.array(["\ufffd", *texts], pa.string())[start:]
    for certain, pattern in ((True, values._CERTAIN_DAMAGE), (False, values._DAMAGE)):
        expected = [text is not None and re.search(pattern, text) is not None for text in column.to_pylist()]
        assert values.damaged(column, certain=certain).tolist() == expected
