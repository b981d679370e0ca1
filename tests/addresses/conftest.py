"""The parser of the sample's city, and names that are enough for its tricks."""

from __future__ import annotations

import pytest

from gisgrid.addresses import NameKind, Names, Parser, parser_of
from gisgrid.deployment import load_deployment

ROADS = """
延安路 延安一路 延安二路 延安三路 宁夏路 宁夏支路 兴隆路 兴隆一路 伊春路 伊春二路 登州路 辽宁路
威海路 九江路 山东路 北京路 南京北路 合肥路 合肥东路 和兴路 三明路 三明南路 三门峡路 三门峡五路
四方路 台东一路 台东三路 敦化路 即墨路 平安路 佛山路 江都路 淮安三路 商城五路 洛阳路
"""
STREETS = "延安路街道 宁夏路街道 兴隆路街道 辽宁路街道 水清沟街道 台东街道 即墨路街道 四方街道 洛阳路街道 敦化路街道"
COMMUNITIES = "宁夏路社区 伊春路社区 伊春二路社区 平安路社区 科技街社区"
PLACES = """
台东步行街 翰林国际 瑞景花园二期 清水一品 月亮湾华庭 莒南医院 莒南医院门诊楼 延安职业学校 三明南里院
东方里 第二小学 一号公馆 老街花店 万达广场 肯德基
"""


@pytest.fixture(scope="session")
def names() -> Names:
    """Names as a gazetteer has them; 宁夏路 is a road, a street and a community at once."""
    kinds: dict[str, set[NameKind]] = {}
    listed: tuple[tuple[NameKind, str], ...] = (("road", ROADS), ("street", STREETS), ("community", COMMUNITIES), ("place", PLACES))
    for kind, words in listed:
        for word in words.split():
            kinds.setdefault(word, set()).add(kind)
    kinds["台东"] = {"street", "place"}
    kinds["宁夏路"] |= {"street", "community"}
    return Names(kinds)


@pytest.fixture(scope="session")
def parser() -> Parser:
    """The parser of Shibei."""
    return parser_of(load_deployment("shibei"))
