"""What reports say, in sentences of our own: kinds, states, and whether they are about a cover."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.errors import ParameterError
from gisgrid.matching import kinds_named
from gisgrid.matching.reading import read_report

WATER = ("sewage", "rainwater")
PHONE = ("telecom", "network")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        # Said of the cover.
        ("楼前污水井盖破损，移位", ("sewage",)),
        ("自来水阀门井的盖子丢失", ("water_supply",)),
        ("通信人孔盖被盗", ("telecom",)),
        ("电力电缆井盖不见了", ("power", "cable")),
        ("信号灯电源井盖翻开", ("signal_power",)),
        ("给水井", ("water_supply",)),
        ("再生水阀井堵了", ("reclaimed_water",)),
        ("弱电井盖碎了", ("telecom",)),
        ("小区化粪池井盖冒溢", ("septic",)),
        ("强电井和弱电井都没有盖", ("power", "telecom")),
        # Qingdao's word.
        ("污水古力堵了", ("sewage",)),
        ("雨水古力盖缺了一块", ("rainwater",)),
        ("楼下古力盖坏了", ()),
        # Other characters.
        ("電力井蓋鬆動，夜間有異響", ("power",)),
        ("ＲＤ－３　燃氣井蓋　塌陷", ("gas",)),
        ("汙水檢查井開裂", ("sewage",)),
        ("污 水 井 盖", ("sewage",)),
        # Several.
        ("雨、污水井盖多处破损", WATER),
        ("雨污井盖翘起", WATER),
        ("污水/雨水井盖缺失", WATER),
        ("下水道盖不见了", WATER),
        ("门口电力和通信井盖都坏了", ("power", "telecom")),
        # Said after the cover.
        ("井盖上写着雨水，已经开裂", ("rainwater",)),
        ("井盖（热力）松动", ("heating",)),
        ("窨井盖标有燃气字样", ("gas",)),
        ("井盖类型：污水", ("sewage",)),
        ("人行道上标有“污”字的井盖破损", ("sewage",)),
        ("井盖上写着'雨'字", ("rainwater",)),
        ("下雨井盖就响", ()),
        ("水表井盖碎了", ("water_supply",)),
        ("红绿灯下的井盖", ()),
        # Denied.
        ("不是雨水井，是污水井", ("sewage",)),
        ("并非电力井盖而是通讯井盖塌陷", ("telecom",)),
        ("非污水井盖", ()),
        ("燃气公司工作人员称该井盖不属于其产权", ()),
        ("自來水公司說不是他們的井蓋", ()),
        ("水务集团：非本单位井盖，是热力井", ("heating",)),
        # By whose it is.
        ("青岛燃气公司的井盖松动", ("gas",)),
        ("青岛燃气输配有限公司负责的井盖破损", ("gas",)),
        ("联通井盖破了", PHONE),
        ("中国铁塔公司井盖被车压坏", PHONE),
        ("国网的人说井盖会来修", ("power",)),
        ("市北排水运营有限公司养护的井盖下沉", WATER),
        ("燃气公司施工后，污水井盖没有盖好", ("sewage",)),
        # By what comes out.
        ("污水从井盖冒出来", ("sewage",)),
        ("井盖处有煤气味", ("gas",)),
        # Nobody knows.
        ("无主井盖破损", ("unknown",)),
        ("井盖权属不明，边框断裂", ("unknown",)),
        # Gratings.
        ("雨水箅子堵塞", ("rainwater_grating",)),
        ("雨水井篦子丢失", ("rainwater_grating",)),
        # The thing named stands beside the cover, or somebody has moved it.
        ("路灯杆旁井盖缺失", ()),
        ("绿化带内井盖下沉", ()),
        ("公交站旁井盖松动", ()),
        ("污水管道旁的电力井盖", ("power",)),
        ("非机动车道上污水井盖松动", ("sewage",)),
        ("井盖被移动到路中间", ()),
        # Nothing of covers.
        ("路灯不亮", ()),
        ("井冈山路信号灯故障", ()),
        ("", ()),
        ("?!，。", ()),
    ],
)
def test_the_kinds_are_those_that_a_reader_would_name(text: str, kinds: tuple[str, ...]) -> None:
    assert kinds_named(text) == kinds


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("井盖破损、移位", ("broken", "displaced")),
        ("没有井盖，很危险", ("missing",)),
        ("井盖丟失", ("missing",)),
        ("雨水井没有盖", ("missing",)),
        ("车一过就哐当响，井盖松动", ("loose",)),
        ("井圈周边塌陷", ("sunken",)),
        ("井盖无破损，但有异响", ("loose",)),
        ("井盖不是丢了是碎了", ("broken",)),
        ("井盖被人挪走", ("displaced",)),
        ("该井盖已报废", ("abandoned",)),
        ("井盖", ()),
    ],
)
def test_the_states_are_those_that_are_told_and_not_denied(text: str, states: tuple[str, ...]) -> None:
    assert read_report(text).states == states


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("窨井盖裂了", "cover"),
        ("污水井满了", "cover"),
        ("移位", "unsaid"),
        ("破损，移位！", "unsaid"),
        ("已严重破损，存在安全隐患，请尽快处理", "unsaid"),
        ("", "unsaid"),
        ("污水外溢，气味难闻", "drain"),
        ("下水道堵了往外冒水", "drain"),
        ("楼下排水管道返水", "drain"),
        ("下水道施工占道", "other"),
        ("The lamp at the corner is dark", "other"),
        ("😀😀", "unsaid"),
        ("路灯不亮", "other"),
        ("垃圾桶盖子坏了", "other"),
        ("龙井路12号楼下垃圾未清", "other"),
        ("护栏破损", "other"),
        ("污水处理厂旁占道经营", "other"),
    ],
)
def test_a_text_is_about_a_cover_only_if_it_speaks_of_one(text: str, subject: str) -> None:
    assert read_report(text).subject == subject


def test_a_text_of_more_than_ten_thousand_characters_is_refused() -> None:
    assert kinds_named("污水井盖" * 2500) == ("sewage",)
    with pytest.raises(ParameterError, match=r"text: 10,001 characters are too many\. Expected at most 10,000\."):
        kinds_named("井" * 10_001)


@pytest.mark.parametrize("filler", ["我们的", "的", "管道", "管", "属于", "上", "、", "污水", "污水、", "不是", "燃气公司", "井盖"])
def test_no_text_takes_forever(filler: str) -> None:
    # With an expression that can be matched in two ways each of these would outlast the universe.
    for text in (f"不是{filler * 3000}!污水井", f"污水{filler * 3000}!井盖", f"井盖{filler * 3000}!污水", f"燃气公司{filler * 3000}!"):
        read_report(text[:10_000])


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    report = read_report(text)
    assert set(report.kinds).isdisjoint(report.denied)
    assert bool(report.kinds) == bool(report.source)


@given(
    st.lists(
        st.sampled_from(
            [
                "不是",
                "非",
                "污水",
                "雨水",
                "井",
                "盖",
                "井盖",
                "古力",
                "公司",
                "燃气",
                "的",
                "、",
                "。",
                "称",
                "破损",
                "无",
                "移位",
                "权属不明",
                "箅子",
                "热力",
                "其",
                "联通",
            ]
        ),
        max_size=14,
    )
)
def test_words_of_reports_in_any_order_can_be_read(words: list[str]) -> None:
    report = read_report("".join(words))
    assert set(report.kinds).isdisjoint(report.denied)
    assert len(set(report.kinds)) == len(report.kinds)
