"""What stands about an address: persons, telephone numbers and courier words are left out, and nothing of an address is."""

from __future__ import annotations

import pytest

from gisgrid.addresses import Names, Parser, normalised

ADDRESS = "延安路5号"


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("延安路5号 13812345678", {"phone"}),
        ("延安路5号 138-1234-5678", {"phone"}),
        ("延安路5号，１３８ １２３４ ５６７８", {"phone"}),
        ("延安路5号 +86 13812345678", {"phone"}),
        ("延安路5号 0532-83812345", {"phone"}),
        ("延安路5号（0532）83812345", {"phone"}),
        ("延安路5号，83812345", {"phone"}),
        ("延安路5号 400-123-4567", {"phone"}),
        ("延安路5号 联系电话：13812345678", {"phone"}),
        ("延安路5号（13812345678）", {"phone"}),
        ("张先生 延安路5号", {"person"}),
        ("延安路5号 李女士收", {"person"}),
        ("延安路5号，张三收", {"person"}),
        ("收件人：王小明 延安路5号", {"person"}),
        ("联系人王小明，延安路5号", {"person"}),
        ("投诉人王小明反映延安路5号", {"person"}),
        ("市民李某反映：延安路5号", {"person"}),
        ("370203199001011234延安路5号", {"person"}),
        ("王小明，18612345678，延安路5号", {"person", "phone"}),
        ("18612345678 王小明 延安路5号", {"person", "phone"}),
        ("收货地址：延安路5号", {"courier"}),
        ("延安路5号 放门口 谢谢", {"courier"}),
        ("麻烦送到延安路5号", {"courier"}),
        ("顺丰快递 延安路5号", {"courier"}),
        ("单号SF1234567890123 延安路5号", {"courier"}),
        ("266000 延安路5号", {"postcode"}),
        ("延安路5号邮编266000", {"postcode"}),
        ("收货地址：延安路5号，联系人：王小明 13912345678，放门口", {"courier", "person", "phone"}),
    ],
)
def test_noise_is_left_out_and_its_kind_is_named(text: str, dropped: set[str]) -> None:
    assert normalised(text) == (ADDRESS, tuple(sorted(dropped)))


@pytest.mark.parametrize("secret", ["13812345678", "王小明", "83812345", "张三", "370203199001011234", "SF1234567890123"])
def test_nothing_of_what_was_left_out_is_kept(parser: Parser, names: Names, secret: str) -> None:
    text = (
        "收件人：王小明 13812345678，0532-83812345，370203199001011234，青岛市市北区延安路5号翰林国际3-2-502，张三收，单号SF1234567890123"
    )
    for reading in parser.parse(text, names):
        assert secret not in repr(reading)
    assert parser.parse(text, names)[0].room == "502"


@pytest.mark.parametrize(
    "text",
    [
        "人民路5号",
        "民生路5号",
        "居民楼3号",
        "市民广场附近",
        "业主委员会旁",
        "李先生牛肉面馆",
        "市北区居民活动中心",
        "延安路5号3号楼2单元502户",
        "翰林国际12-2-1302",
        "延安路12345号",
        "菜鸟驿站",
        "快递大厦3号楼",
        "地址广场",
        "谢家村5号",
        "张村河5号",
        "王府井百货门口",
    ],
)
def test_what_belongs_to_an_address_stays(text: str) -> None:
    assert normalised(text) == (text, ())


def test_a_road_beside_a_telephone_number_is_no_person() -> None:
    for text in ("高安路5号", "高安路", "金城大厦", "石家庄路3号", "万达广场", "王府井百货"):
        assert normalised(f"{text} 13812345678") == (text, ("phone",))
