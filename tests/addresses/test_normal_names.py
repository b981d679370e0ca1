"""One way of writing for names and texts: characters, widths, numerals."""

from __future__ import annotations

import opencc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.addresses import Names, chinese_number, normal_name
from gisgrid.addresses.characters import simplified


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("青島市市北區遼寧路４１號－１", "青岛市市北区辽宁路41号-1"),
        ("臺東步行街", "台东步行街"),
        ("鄰里麵館", "邻里面馆"),
        ("Ｋ１１（ 购物 中心 ）", "K11(购物中心)"),
        ("延安路　５ 号", "延安路5号"),
        ("12 - 14", "12-14"),
        ("3 502", "3 502"),
        ("四十一号", "41号"),
        ("一百零五号", "105号"),
        ("一百二十三号", "123号"),
        ("十号楼二单元三层三〇一室", "10号楼2单元3层301室"),
        ("二十五栋", "25栋"),
        ("廿三号", "23号"),
        ("五十米", "50米"),
        ("四十一号之二", "41号之2"),
        ("延安路三号附一", "延安路3号附1"),
        ("延安1路", "延安一路"),
        ("延安12路", "延安十二路"),
        ("第2小学", "第二小学"),
        ("第37中学", "第三十七中学"),
        ("瑞景花园2期", "瑞景花园二期"),
        ("四方区", "四方区"),
        ("三门峡路", "三门峡路"),
        ("三明南路", "三明南路"),
        ("延安一路", "延安一路"),
        ("六盘水一路", "六盘水一路"),
        ("五四广场", "五四广场"),
        ("八大关", "八大关"),
        ("第二小学", "第二小学"),
        ("地铁一号线", "地铁一号线"),
        ("百花苑", "百花苑"),
        ("十三五号", "十三五号"),  # no number at all
        ("延安\u200b路\ufeff", "延安路"),
        ("Töölönkatu", "TOOLONKATU"),
        ("iso  Roobertinkatu", "ISO ROOBERTINKATU"),
        ("L’Hôpital", "LHOPITAL"),
    ],
)
def test_what_is_written_in_many_ways_becomes_one(text: str, normal: str) -> None:
    assert normal_name(text) == normal


@given(value=st.integers(0, 9999))
def test_numerals_of_a_house_number_are_read_as_they_are_written(value: int) -> None:
    assert normal_name(f"{chinese_number(value)}号") == f"{value}号"


def test_other_scripts_beside_letters_with_accents_stay_in_one_piece() -> None:
    assert normal_name("É\u0cc7 各") == "E\u0cc7各"


@given(text=st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=20))
def test_characters_are_simplified_as_the_library_simplifies_them(text: str) -> None:
    converter = opencc.OpenCC("t2s")
    assert simplified(text) == converter.convert(converter.convert(text))  # 薴 becomes 苧, and that 苎
    assert normal_name(text) == normal_name(simplified(text))


def test_names_are_found_longest_first_and_know_all_that_they_stand_for() -> None:
    names = Names(
        {"延安": ["place"], "延安路": ["road"], "延安路街道": ["street"], "瀋陽路": ["road"], "沈阳路": ["community"], "路": ["road"]}
    )
    assert names.names_at("在延安路街道", 1) == [
        (6, frozenset(["street"])),
        (4, frozenset(["road"])),
        (3, frozenset(["place"])),
    ]
    assert names.names_at("在延安路街道", 0) == ()
    assert names.names_at("延安路", 0)[0] == (3, frozenset(["road"]))
    assert names.kinds("沈阳路") == {"road", "community"}
    assert (len(names), "沈阳路" in names, "瀋陽路" in names, "路" in names) == (4, True, False, False)
    assert set(names) == {"延安", "延安路", "延安路街道", "沈阳路"}


@given(
    text=st.text(alphabet="延安路一二三", max_size=12), known=st.sets(st.text(alphabet="延安路一二三", min_size=2, max_size=5), max_size=8)
)
def test_names_are_those_that_a_search_finds(text: str, known: set[str]) -> None:
    names = Names({name: ["road"] for name in known})
    for start in range(len(text)):
        found = [text[start:end] for end, _ in names.names_at(text, start)]
        assert found == sorted((name for name in known if text.startswith(name, start)), key=len, reverse=True)
        assert names.longest_at(text, start) == next(iter(names.names_at(text, start)), None)
