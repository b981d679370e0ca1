"""What guesses stand on: how names are compared, what columns hold, which pattern codes follow."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.inspecting.columns import Column, profile
from ingest.inspecting.fields import choose, choose_code
from ingest.inspecting.mapping import nearest, rule_for, unit_in
from ingest.inspecting.names import best_match, folded, mentions, similarity
from ingest.inspecting.parts import header_row, text_layout
from ingest.inspecting.patterns import pattern_of
from ingest.inspecting.tables import guesses
from ingest.inspecting.writing import toml
from ingest.targets import TARGETS, target
from ingest.values import matches


def column(values: Sequence[object], name: str = "c") -> Column:
    return profile(name, pa.chunked_array([pa.array(values)]))


def test_the_tables_name_only_layers_and_fields_that_there_are() -> None:
    tables = guesses()
    assert set(tables.layers) == set(TARGETS)
    for layer in TARGETS:
        names = tables.names_of(layer)
        assert set(names) <= set(target(layer).all_fields), layer
        assert {field.name for field in target(layer).fields if field.required} <= set(names) | {"scheme", "edition", "code"}, layer
    for name, values in tables.values.items():
        allowed = {value for layer in TARGETS for field in target(layer).fields if field.name == name for value in field.allowed}
        allowed |= {value for field in target("cameras").helpers if field.name == name for value in field.allowed}
        assert set(values) == allowed, name


@pytest.mark.parametrize(
    ("name", "word", "least", "most"),
    [
        ("ObjID", "objid", 100, 100),
        ("Bâtiment_ID", "batiment id", 100, 100),
        ("addr_stree", "addr:street", 85, 85),  # a DBF keeps ten characters
        ("MATERIAAL1", "materiaal", 80, 80),
        ("bldg_height_m", "height", 60, 79),
        ("井盖类型", "类型", 60, 79),
        ("recovery", "cover", 0, 0),
        ("街道", "社区", 0, 0),
        ("", "x", 0, 0),
    ],
)
def test_a_name_is_compared_by_its_words(name: str, word: str, least: float, most: float) -> None:
    assert least <= similarity(name, word) <= most


@pytest.mark.parametrize(
    ("layer", "names", "expected"),
    [
        ("communities", ("町コード", "町名"), {"code": "町コード", "name": "町名"}),
        ("communities", ("町名コード", "町名", "名称"), {"code": "町名コード", "name": "名称"}),
        ("grids", ("코드", "이름"), {"code": "코드", "name": "이름"}),
        ("streets", ("NAME", "COD"), {"code": "COD", "name": "NAME"}),
        (
            "manhole_covers",
            ("descrição", "situação", "função", "nome", "código"),
            {"code": "código", "name": "nome", "class_code": "função", "state": "situação", "note": "descrição"},
        ),
        ("cameras", ("番号", "名称"), {"code": "番号", "name": "名称"}),
        ("buildings", ("Cód.", "NOME", "FUNÇÃO"), {"code": "Cód.", "name": "NOME", "use": "FUNÇÃO"}),
    ],
)
def test_names_in_other_languages_are_known(layer: str, names: tuple[str, ...], expected: dict[str, str]) -> None:
    few = {"função", "situação", "FUNÇÃO"}
    columns = [column(["a", "b"] * 10 if name in few else [f"a{number}" for number in range(20)], name) for name in names]
    code = choose_code(layer, columns)
    assert code is not None
    chosen = {"code": code.column.name} | {
        field: choice.column.name for field, choice in choose(layer, columns, frozenset({code.column.name})).items()
    }
    assert chosen == expected


@pytest.mark.parametrize(("key", "names"), [("lon", ("経度", "경도")), ("lat", ("緯度", "위도"))])
def test_coordinates_in_other_languages_are_known(key: str, names: tuple[str, ...]) -> None:
    for name in names:
        scores = {one: best_match(name, guesses().coordinates[one]).score for one in ("lon", "lat")}
        assert max(scores, key=lambda one: scores[one]) == key
        assert scores[key] > 80


def test_the_first_of_equally_good_words_wins() -> None:
    assert best_match("id", ["code", "id"]).word == "id"
    assert best_match("GLBJBSM", guesses().names_of("manhole_covers")["code"]).score == 100
    assert mentions("井盖普查 2024", ["监控", "井盖"]) == "井盖"
    assert mentions("discovery", ["cover"]) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_comparing_names_takes_any_text(name: str, word: str) -> None:
    assert 0 <= similarity(name, word) <= 100
    assert (similarity(name, word) == 100) == (folded(name) == folded(word) != "")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None, "", "  "], "empty"),
        (["1", "2", " 3 "], "integer"),
        ([1.0, 2.0, None], "integer"),
        (["1.5", "2", "-3e2"], "number"),
        (["1,5", "2,25", "3"], "number"),
        (["2020-01-31", "2019-02-01"], "date"),
        (["31.1.2020", "1.12.2019"], "date"),
        ([True, False], "boolean"),
        (["a", "1", "2"], "text"),
        (["000000", "000001", "000012"], "text"),
        (["20200131", "00000000", "20190201"], "integer"),  # zeros for "no date" are no code
        (["0.5", "0", "07.5"], "number"),
        (["120°22'15\"E", "120°23'1.5\"E"], "text"),
    ],
)
def test_a_column_is_what_its_values_are(values: list[object], kind: str) -> None:
    assert column(values).kind == kind


def test_a_column_tells_how_full_it_is_and_whether_it_identifies_rows() -> None:
    found = column(["a", "b", "b", None, " a "])
    assert (found.rows, found.filled, found.distinct) == (5, 4, 2)
    assert dict(found.listed) == {"a": 2, "b": 2}
    assert not found.identifies
    assert column([f"C{number}" for number in range(99)] + ["C7"]).identifies  # one double does not spoil a key
    assert column(["1,5", "2,5"]).decimal_comma
    assert (column(["1.5", "2.5"]).minimum, column(["1,5", "2,5"]).maximum) == (1.5, 2.5)
    assert column([*map(str, range(20)), "keine"]).odd == ("keine",)


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["20200131", "20191201"], ("%Y%m%d",)),
        (["2020/1/31", "2019/12/1"], ("%Y/%m/%d",)),
        (["2020年1月31日", "2019年12月1日"], ("%Y年%m月%d日",)),
        (["31/12/2020", "01/02/2020"], ("%d/%m/%Y",)),
        (["12/31/2020", "02/01/2020"], ("%m/%d/%Y",)),
        (["2020-01-31 10:20:30", "2019-12-01 00:00:00"], ("%Y-%m-%d",)),
        (["20200131", "00000000"], ("%Y%m%d",)),
        (["1999", "2004"], ("%Y",)),
        (["12", "34"], ()),
        (["99999999", "12345678"], ()),
    ],
)
def test_the_format_of_dates_is_told_from_values(values: list[object], formats: tuple[str, ...]) -> None:
    assert column(values).formats == formats


@pytest.mark.parametrize(
    ("layer", "field", "said", "stored"),
    [
        ("manhole_covers", "state", "完好", "intact"),
        ("manhole_covers", "state", "严重破损", "broken"),
        ("manhole_covers", "state", "Out of use", "abandoned"),
        ("manhole_covers", "state", "good condition", "intact"),
        ("manhole_covers", "state", "一般", None),
        ("manhole_covers", "state", "goodish", None),
        ("cameras", "kind", "球机", "ptz"),
        ("cameras", "kind", "半球摄像机", "dome"),
        ("cameras", "kind", "遥控枪机", "ptz"),
        ("cameras", "kind", "Bullet", "fixed"),
        ("cameras", "status", "OFFLINE", "offline"),
        ("cameras", "optics_source", "厂家", "vendor"),
        ("area_roles", "area_level", "街道", "street"),
        ("area_roles", "role", "网格员", "patrol_member"),
    ],
)
def test_words_are_mapped_to_the_nearest_value(layer: str, field: str, said: str, stored: str | None) -> None:
    assert nearest(said, target(layer).all_fields[field]) == stored


def test_units_are_told_by_names_where_they_make_sense() -> None:
    fields = target("cameras").all_fields
    assert unit_in("Mast_height_cm", fields["mount_height_m"]) == "cm"
    assert unit_in("杆高（厘米）", fields["mount_height_m"]) == "cm"
    assert unit_in("height_m", fields["mount_height_m"]) is None
    assert unit_in("angle (rad)", fields["azimuth_deg"]) == "rad"
    assert unit_in("width_mm", target("manhole_covers").all_fields["size"]) is None
    poles = rule_for(fields["mount_height_m"], column(["350", "400"], "pole height cm"), "")
    assert poles.value == {"field": "pole height cm", "unit": "cm"}


def test_words_for_nothing_among_numbers_and_dates_are_blank() -> None:
    floors = rule_for(target("buildings").all_fields["floors"], column([*map(str, range(1, 30)), "无"], "层数"), "")
    assert floors.value == {"field": "层数", "blank": ["无"]}
    date = rule_for(target("manhole_covers").all_fields["installed_on"], column(["20200131", "00000000"], "ORDate"), "")
    assert date.value == {"field": "ORDate", "blank": ["00000000"], "format": "%Y%m%d"}


def test_a_mere_year_or_month_becomes_its_first_day() -> None:
    field = target("manhole_covers").all_fields["installed_on"]
    assert rule_for(field, column(["1999", "0"] * 5, "jaar"), "").value == {"field": "jaar", "blank": ["0"], "template": "{}-01-01"}
    assert rule_for(field, column(["2020-01"], "m"), "").value == {"field": "m", "template": "{}-01"}
    chinese = rule_for(field, column(["2020年1月"], "月"), "").value
    assert chinese == {"field": "月", "template": "{}1日", "format": "%Y年%m月%d日"}


@pytest.mark.parametrize(
    ("codes", "pattern"),
    [
        (["370203005", "370203008"], r"\d{9}"),
        (["C-001", "C-117"], r"C-\d{3}"),
        (["n1", "w22", "r333", "n4444"], r"(n|r|w)\d+"),
        (["A.1", "B.2", "C.3", "D.4"], r"[A-Z]+\.\d"),
        (["x", "1 2", "-"], ".+"),
        ([], ".+"),
    ],
)
def test_the_pattern_of_codes(codes: list[str], pattern: str) -> None:
    assert pattern_of(codes) == pattern


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_codes_match_their_own_pattern(codes: list[str]) -> None:
    pattern = pattern_of(codes)
    assert matches(pa.array(codes), pattern).mean() >= 0.98


@pytest.mark.parametrize(
    ("text", "delimiter", "row"),
    [
        ("a,b\n1,2\n", ",", 1),
        ("a;b;c\n1,5;2;3\n2,5;2;3\n", ";", 1),
        ("a\tb\n1\t2\n", "\t", 1),
        ("Survey, 2024\n\nid|x|y\n1|2|3\n4|5|6\n", "|", 3),
        ('a,b\n"1;2;3",2\n"4;5;6",3\n', ",", 1),
        ("one column\nx\n", ",", 1),
        ("", ",", 1),
    ],
)
def test_the_layout_of_a_text_table(text: str, delimiter: str, row: int) -> None:
    assert text_layout(text) == (delimiter, row)


def test_the_header_of_a_sheet_is_below_its_titles() -> None:
    assert header_row([["", "井盖普查表", ""], ["2024", "", ""], ["编号", "经度", "纬度"], [1.0, 2.0, 3.0]]) == 3
    assert header_row([["a", "b"], [1.0, 2.0]]) == 1
    assert header_row([]) == 1


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.lists(st.text(), max_size=3), max_size=4))
def test_any_value_comes_back_from_its_toml(value: dict[str, object]) -> None:
    plain = {key: item for key, item in value.items() if not _has_surrogate(key, item)}
    assert tomllib.loads(f"x = {toml(plain)}") == {"x": plain}


def _has_surrogate(*items: object) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in str(items))
