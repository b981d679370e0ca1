"""What holds for every text: nothing raises, nothing takes long, and the normal form of an address means the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gisgrid.addresses import Names, ParsedAddress, Parser, normal_name, normalised, parser_of
from gisgrid.deployment import load_deployment

WORDS = (
    "山东省 青岛市 青岛 市北区 市北 四方区 延安路 延安一路 廷安路 宁夏路 宁夏路街道 宁夏路社区 街道 社区居委会 "
    "翰林国际 第二小学 万达广场 小区 41号 四十一号 甲41号 41号-1 41-1号 41-45号 41号附1 3# 7-2-802 3号楼 "
    "3号楼2单元502户 2单元 三层 B座 502室 6 与 和 、 / - ~ 至 到 近 靠近 路口 交叉口 之间 段 （ ） ， 附近 对面 "
    "门口 旁 里 东侧50米 往北约30米 东门 路边 红绿灯处 院内 13812345678 0532-83812345 张先生 收货地址： 谢谢 快递 "
    "SF1234567890123 266000 路 街 号 楼 院 大 中山 Ｋ１１ 臺東 樓 … 😀 \u200b \n 12 B Main Street Mannerheimintie"
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(WORDS.split(" ")), max_size=14).map("".join),
    st.lists(st.sampled_from(WORDS.split(" "))).map(" ".join),
)


def meaning(address: ParsedAddress) -> ParsedAddress:
    """Return an address without its text and without what was left out of it."""
    return address._replace(normal="", dropped=())


@pytest.fixture(scope="module")
def western() -> Parser:
    return parser_of(load_deployment("helsinki"))


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
@example("")
@example("13812345678")
@example("延安路" * 400)
@example("1-" * 500)
def test_no_text_raises_and_none_has_more_than_four_readings(parser: Parser, western: Parser, names: Names, text: str) -> None:
    for one in (parser, western):
        found = one.parse(text, names)
        assert 1 <= len(found) <= 4
        assert len(set(found)) == len(found)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(TEXTS, min_size=2, max_size=6))
def test_what_was_read_before_changes_nothing(parser: Parser, names: Names, texts: list[str]) -> None:
    known = {name: names.kinds(name) for name in names}
    shared = Names(known)
    for text in (*texts, *reversed(texts)):
        assert parser.parse(text, shared) == parser.parse(text, Names(known))


def test_the_end_of_an_address_means_the_same_after_any_name(parser: Parser, names: Names) -> None:
    known = {name: names.kinds(name) for name in names}
    ends = ("41号", "3号楼2单元门口", "新万达广场", "7-2-802", "与敦化路路口", "段", "上", "K11北侧50米", "老街花店3楼")
    heads = ("延安路", "宁夏路街道", "翰林国际", "台东", "和延安路", "平安路社区")
    shared = Names(known)
    for end in ends:
        for head in heads:
            assert parser.parse(head + end, shared) == parser.parse(head + end, Names(known)), head + end
    assert "41号" in shared.ends


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_the_normal_form_of_an_address_means_the_same(parser: Parser, names: Names, text: str) -> None:
    first = parser.parse(text, names)
    again = parser.parse(first[0].normal, names)
    assert [meaning(one) for one in again] == [meaning(one) for one in first]


@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normal_name(text)
    assert normal_name(once) == once
    assert normalised(normalised(text).text).text == normalised(text).text


@pytest.mark.parametrize(
    "piece",
    [
        "延安路",
        "1",
        "1-",
        "一",
        "张",
        "号",
        "、",
        " ",
        "(",
        "东",
        "A",
        "13812345678 ",
        "青岛市",
        "市北区",
        "近",
        "门",
        "楼下",
        "第一",
        "a@",
        "0",
        "+3",
        "新",
        "x" * 7 + " ",
    ],
)
def test_long_texts_take_no_longer_than_they_are_long(parser: Parser, western: Parser, names: Names, piece: str) -> None:
    """Twenty times the text costs at most as much as its twenty parts, with much to spare for a busy machine; and never a second."""
    for one in (parser, western):
        text = (piece * 10_000)[:10_000]
        start = time.process_time()
        one.parse(text, names)
        assert time.process_time() - start < 1.0
