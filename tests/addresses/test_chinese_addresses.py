"""Chinese addresses in the ways that people write them; the forms of docs/geocoding.md, each with what it has to mean."""

from __future__ import annotations

from typing import Any

import pytest

from gisgrid.addresses import HouseNumber, Names, ParsedAddress, Parser

N = HouseNumber


def said(address: ParsedAddress) -> dict[str, Any]:
    """Return the fields of an address that say something, without the text and the relation."""
    parts = address._asdict()
    del parts["normal"], parts["relation"]
    return {field: value for field, value in parts.items() if value not in ("", (), None, False)}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("延安路41号", {"number": N(41)}),
        ("延安路４１號－１", {"number": N(41, "-1")}),
        ("延安路四十一号", {"number": N(41)}),
        ("延安路41号-1", {"number": N(41, "-1")}),
        ("延安路41-1号", {"number": N(41, "-1")}),
        ("延安路41号之1", {"number": N(41, "-1")}),
        ("延安路41号甲", {"number": N(41, "甲")}),
        ("延安路甲41号", {"number": N(41, "甲")}),
        ("延安路41甲号", {"number": N(41, "甲")}),
        ("延安路41号附1", {"number": N(41, "附1")}),
        ("延安路41-45号", {"number": N(41, "", 45)}),
        ("延安路41号至45号", {"number": N(41, "", 45)}),
        ("延安路3#", {"number": N(3)}),
        ("延安路6", {"number": N(6)}),
        ("延安路6楼下", {"number": N(6)}),
        ("延安路41号院3号楼2单元502户", {"number": N(41), "building": "3", "unit": "2", "room": "502"}),
        ("延安路41号3#楼", {"number": N(41), "building": "3"}),
        ("延安路14#8号楼楼下", {"number": N(14), "building": "8"}),
        ("延安路41号3栋", {"number": N(41), "building": "3"}),
        ("延安路 5号 10号楼", {"number": N(5), "building": "10"}),
        ("延安路5号3单园402室", {"number": N(5), "unit": "3", "room": "402"}),
        ("延安路40院6号楼", {"number": N(40), "building": "6"}),
        ("延安路5号3号楼一单元三层301", {"number": N(5), "building": "3", "unit": "1", "floor": "3", "room": "301"}),
        ("延安路7-2-802", {"number": N(7), "unit": "2", "room": "802"}),
        ("延安路5-3-2-502", {"number": N(5), "building": "3", "unit": "2", "room": "502"}),
        ("延安路5号3-2-502", {"number": N(5), "building": "3", "unit": "2", "room": "502"}),
        ("延安路5号-3号楼-2单元-502", {"number": N(5), "building": "3", "unit": "2", "room": "502"}),
        ("延安路五号三号楼二单元五零二", {"number": N(5), "building": "3", "unit": "2", "room": "502"}),
        ("延安路5号甲3号楼乙单元", {"number": N(5, "甲"), "building": "3", "unit": "乙"}),
        ("延安路5号甲-1", {"number": N(5, "甲-1")}),
        ("延安路5号3号楼东单元5楼西户", {"number": N(5), "building": "3", "unit": "东", "floor": "5", "room": "西户"}),
        ("延安路5号A座1201室", {"number": N(5), "building": "A", "room": "1201"}),
        ("延安路5号负一层", {"number": N(5), "floor": "负1"}),
        ("延安路5弄3号", {"number": N(5), "building": "3"}),
        ("延安路5号内3号", {"number": N(5), "building": "3"}),
        ("延安路5号3门502", {"number": N(5), "unit": "3", "room": "502"}),
        ("延安路5号小区2号楼", {"number": N(5), "building": "2"}),
        ("延安路41、43号", {"number": N(41, "", 43)}),
    ],
)
def test_a_number_on_a_road_is_understood_however_it_is_written(parser: Parser, names: Names, text: str, parts: dict[str, Any]) -> None:
    expected = {"roads": ("延安路",), "house_number": parts.pop("number"), **parts}
    assert said(parser.parse(text, names)[0]) == expected


def test_the_published_example_of_another_parser_is_read_in_the_same_parts(parser: Parser, names: Names) -> None:
    text = "山东青岛市北区山东省青岛市市北区水清沟街道九江路20号大都会3号楼2单元1303"
    (found,) = parser.parse(text, names)
    assert said(found) == {
        "province": "山东省",
        "city": "青岛市",
        "district": "市北区",
        "street": "水清沟街道",
        "roads": ("九江路",),
        "house_number": N(20),
        "building": "3",
        "unit": "2",
        "room": "1303",
        "name": "大都会",
    }
    assert found.normal == "山东省青岛市市北区水清沟街道九江路20号大都会3号楼2单元1303"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("山东省青岛市市北区延安路5号", {"province": "山东省", "city": "青岛市", "district": "市北区"}),
        ("山东青岛市北延安路5号", {"province": "山东省", "city": "青岛市", "district": "市北区"}),
        ("青岛 市北 延安路5号", {"city": "青岛市", "district": "市北区"}),
        ("青岛市 市北区，延安路5号", {"city": "青岛市", "district": "市北区"}),
        ("青岛市市北区青岛市市北区延安路5号", {"city": "青岛市", "district": "市北区"}),
        ("青岛市四方区延安路5号", {"city": "青岛市", "district": "四方区"}),
        ("台东区延安路5号", {"district": "台东区"}),
        ("市南区延安路5号", {"district": "市南区"}),
        ("河南省郑州市金水区延安路5号", {"province": "河南省", "city": "郑州市", "district": "金水区"}),
        ("青岛高新区延安路5号", {"city": "青岛市", "district": "高新区"}),
        ("市北区青岛市市北区延安路5号", {"city": "青岛市", "district": "市北区"}),
        ("山东省青岛市市北区青岛市延安路5号", {"province": "山东省", "city": "青岛市", "district": "市北区"}),
        ("延安路5号（青岛市市北区）", {"city": "青岛市", "district": "市北区"}),
        ("北京市朝阳区延安路5号", {"province": "北京市", "district": "朝阳区"}),
        ("延安路5号", {}),
        ("青岛市延安路街道延安路5号", {"city": "青岛市", "street": "延安路街道"}),
        ("台东街道办事处延安路5号", {"street": "台东街道"}),
        ("市北区宁夏路社区居委会延安路5号", {"district": "市北区", "community": "宁夏路社区"}),
        ("宁夏路街道宁夏路社区延安路5号", {"street": "宁夏路街道", "community": "宁夏路社区"}),
        ("廷安路街道延安路5号", {"street": "廷安路街道"}),  # a slip of the pen is the geocoder's to mend
        ("臺東街道延安路5號", {"street": "台东街道"}),
    ],
)
def test_larger_areas_are_read_however_much_of_them_is_said(parser: Parser, names: Names, text: str, parts: dict[str, Any]) -> None:
    assert said(parser.parse(text, names)[0]) == {**parts, "roads": ("延安路",), "house_number": N(5)}


@pytest.mark.parametrize(
    ("text", "road"),
    [
        ("青岛市北京路5号", "北京路"),  # not 市北区
        ("四方路5号", "四方路"),  # not 四方区
        ("山东路5号", "山东路"),  # not 山东省
        ("即墨路5号", "即墨路"),  # not 即墨区
        ("青岛市崂山路5号", "崂山路"),  # a road that nobody knows, not 崂山区
        ("延安路5号", "延安路"),
        ("延安一路5号", "延安一路"),
        ("延安1路5号", "延安一路"),
        ("延安七路5号", "延安七路"),  # not 延安路
        ("延安二路5号", "延安二路"),
        ("台东七路5号", "台东七路"),  # not 台东
        ("三门峡路五号", "三门峡路"),
        ("三明路5号", "三明路"),
        ("三明南路5号", "三明南路"),
        ("宁夏路5号", "宁夏路"),  # the road, not the street or the community
        ("延安路街道延安三路5号", "延安三路"),
        ("308国道5号", "308国道"),
    ],
)
def test_names_that_are_near_to_one_another_are_kept_apart(parser: Parser, names: Names, text: str, road: str) -> None:
    found = parser.parse(text, names)[0]
    assert (found.roads, found.house_number, found.not_understood, found.district) == ((road,), N(5), (), "")


def test_a_longer_name_that_nobody_knows_is_not_the_known_one_in_it(parser: Parser, names: Names) -> None:
    for text, roads, name in [("新延安路5号", ("新延安路",), ""), ("新翰林国际5号楼", (), "新翰林国际"), ("合肥路小学", (), "合肥路小学")]:
        first, second = parser.parse(text, names)
        assert (first.roads, first.name) == (roads, name)
        assert second.not_understood in {("新",), ("小学",)}
        assert second.roads or second.name == "翰林国际"


def test_a_name_of_several_kinds_has_a_reading_for_each_when_nothing_tells(parser: Parser, names: Names) -> None:
    found = parser.parse("宁夏路", names)
    assert [(p.roads, p.street, p.community) for p in found] == [(("宁夏路",), "", ""), ((), "宁夏路", ""), ((), "", "宁夏路")]
    assert [(p.name, p.street) for p in parser.parse("台东附近", names)] == [("台东", "")]
    assert parser.parse("台东延安路5号", names)[0].street == "台东"


@pytest.mark.parametrize(
    "text",
    [
        "延安路与登州路交叉口",
        "延安路登州路路口",
        "延安路和登州路交界处",
        "延安路/登州路",
        "延安路与登州路口",
        "延安路、登州路十字路口",
        "延安路-登州路交口",
        "延安路 登州路",
        "市北区延安路&登州路",
        "延安路跟登州路交汇处附近",
        "延安路与登州路路口红绿灯处",
        "延安路（登州路口）",
    ],
)
def test_a_crossing_is_read_from_every_way_of_joining_two_roads(parser: Parser, names: Names, text: str) -> None:
    found = parser.parse(text, names)[0]
    assert (found.roads, found.is_crossing, found.house_number, found.not_understood) == (("延安路", "登州路"), True, None, ())


def test_roads_of_one_family_may_be_named_in_short(parser: Parser, names: Names) -> None:
    assert parser.parse("延安二路、三路路口", names)[0].roads == ("延安二路", "延安三路")


@pytest.mark.parametrize(
    "text",
    [
        "江都路（淮安三路至商城五路）",
        "江都路淮安三路到商城五路之间",
        "江都路(淮安三路-商城五路段)",
        "江都路淮安三路与商城五路之间",
        "江都路（淮安三路~商城五路）北侧",
    ],
)
def test_a_stretch_of_a_road_lies_between_two_others(parser: Parser, names: Names, text: str) -> None:
    found = parser.parse(text, names)[0]
    assert (found.roads, found.is_crossing, found.not_understood) == (("江都路", "淮安三路", "商城五路"), False, ())
    assert found.relation is not None
    assert found.relation.kind == ("direction" if "北侧" in text else "between")


def test_the_road_of_the_number_comes_first(parser: Parser, names: Names) -> None:
    for text in ("延安路5号与登州路交叉口", "登州路延安路5号", "延安路5号（近登州路）"):
        found = parser.parse(text, names)[0]
        assert (found.roads, found.house_number, found.is_crossing) == (("延安路", "登州路"), N(5), False), text


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("延安路5号附近", ("near", None, None)),
        ("延安路5号旁", ("near", None, None)),
        ("延安路5号对面", ("opposite", None, None)),
        ("延安路5号马路对面", ("opposite", None, None)),
        ("延安路5号门口", ("at", None, None)),
        ("延安路5号楼下", ("at", None, None)),
        ("延安路5号院内", ("at", None, None)),
        ("延安路5号门前人行道", ("at", None, None)),
        ("延安路5号东侧", ("direction", 90.0, None)),
        ("延安路5号东侧50米", ("direction", 90.0, 50.0)),
        ("延安路5号东北角", ("direction", 45.0, None)),
        ("延安路5号西南侧约30米处", ("direction", 225.0, 30.0)),
        ("延安路5号以北100米", ("direction", 0.0, 100.0)),
        ("延安路5号北行100米", ("direction", 0.0, 100.0)),
        ("延安路5号往南约1.5公里", ("direction", 180.0, 1500.0)),
        ("延安路5号向西北走二百米左右", ("direction", 315.0, 200.0)),
        ("延安路5号路南", ("direction", 180.0, None)),
        ("延安路5号正西", ("direction", 270.0, None)),
        ("延安路5号五十米处", ("near", None, 50.0)),
        ("延安路5号东门", ("at", 90.0, None)),
        ("延安路5号西邻", ("direction", 270.0, None)),
        ("延安路5号地下车库入口", ("at", None, None)),
        ("延安路5号沿街网点", ("at", None, None)),
        ("延安路5号楼道", ("at", None, None)),
        ("延安路5号25路公交车站", ("at", None, None)),
        ("延安路5号往东第二个路口", ("direction", 90.0, None)),
        ("延安路5号门口东侧20米", ("direction", 90.0, 20.0)),
        ("延安路5号对面往东30米", ("direction", 90.0, 30.0)),
    ],
)
def test_a_relation_is_a_hint_that_leaves_the_place_alone(
    parser: Parser, names: Names, text: str, relation: tuple[str, float | None, float | None]
) -> None:
    found = parser.parse(text, names)[0]
    assert (found.roads, found.house_number, found.building, found.not_understood) == (("延安路",), N(5), "", ())
    assert found.relation is not None
    assert found.relation[1:] == relation


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("台东步行街", {"name": "台东步行街"}),
        ("翰林国际3号楼2单元", {"name": "翰林国际", "building": "3", "unit": "2"}),
        ("翰林国际1#", {"name": "翰林国际", "building": "1"}),
        ("翰林国际7-2-802", {"name": "翰林国际", "building": "7", "unit": "2", "room": "802"}),
        ("翰林国际B座1201室", {"name": "翰林国际", "building": "B", "room": "1201"}),
        ("瑞景花园2期5号楼", {"name": "瑞景花园二期", "building": "5"}),
        ("第2小学门口", {"name": "第二小学"}),
        ("一号公馆3号楼", {"name": "1号公馆", "building": "3"}),
        ("延安路1号公馆", {"name": "1号公馆", "roads": ("延安路",)}),
        ("延安路5号万达广场3楼", {"name": "万达广场", "roads": ("延安路",), "house_number": N(5), "floor": "3"}),
        ("莒南医院门诊楼", {"name": "莒南医院门诊楼"}),
        ("延安职业学校3号楼楼下", {"name": "延安职业学校", "building": "3"}),
        ("三明南里院", {"name": "三明南里院"}),
    ],
)
def test_a_place_is_found_by_its_longest_name(parser: Parser, names: Names, text: str, parts: dict[str, Any]) -> None:
    assert said(parser.parse(text, names)[0]) == parts


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("延安路41-45号", [(N(41, "", 45), ""), (N(41, "-45"), "")]),
        ("延安路1-2号", [(N(1, "-2"), ""), (N(1, "", 2), "")]),
        ("延安路85号楼", [(None, "85"), (N(8), "5"), (N(85), "")]),
        ("延安路217号楼", [(None, "217"), (N(21), "7"), (N(2), "17"), (N(217), "")]),
        ("延安路8号-35号楼", [(N(8), "35"), (N(8, "-3"), "5")]),
        ("延安路7-2", [(N(7, "-2"), ""), (N(7), "2")]),
        ("翰林国际1号", [(None, "1"), (N(1), "")]),
    ],
)
def test_what_can_be_read_in_more_ways_than_one_has_a_reading_for_each(
    parser: Parser, names: Names, text: str, readings: list[tuple[HouseNumber | None, str]]
) -> None:
    assert [(found.house_number, found.building) for found in parser.parse(text, names)] == readings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "，。",
        "你好我想投诉",
        "今天天气很好",
        "hello world",
        "？？？",
        "啊啊啊啊啊",
        "13812345678",
        "谢谢",
        "😀",
        "12345678901234567890",
    ],
)
def test_what_is_no_address_has_nothing_that_could_be_looked_up(parser: Parser, names: Names, text: str) -> None:
    first = parser.parse(text, names)[0]
    assert set(said(first)) <= {"dropped", "not_understood"}


def test_what_is_too_long_to_be_an_address_is_cut_and_said_so(parser: Parser, names: Names) -> None:
    found = parser.parse("延安路5号" + "啊" * 2000, names)[0]
    assert (found.roads, found.house_number) == (("延安路",), N(5))
    assert found.not_understood[-1].endswith("…")
    assert len(found.normal) < 1100
