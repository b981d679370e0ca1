"""Door plates: read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.addresses import HouseNumber, house_number_text, number_key, parse_house_number

N = HouseNumber
SUFFIXES = st.one_of(st.just(""), st.sampled_from("甲乙丙丁"), st.integers(1, 99).map("-{}".format), st.integers(1, 20).map("附{}".format))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("41", N(41)),
        ("41号", N(41)),
        ("41#", N(41)),
        ("41号院", N(41)),
        ("41号-1", N(41, "-1")),
        ("41-1号", N(41, "-1")),
        ("41号之1", N(41, "-1")),
        ("41号甲", N(41, "甲")),
        ("甲41号", N(41, "甲")),
        ("41甲号", N(41, "甲")),
        ("41号甲-1", N(41, "甲-1")),
        ("甲41-1号", N(41, "甲-1")),
        ("41号附1", N(41, "附1")),
        ("41-45号", N(41, "", 45)),
        ("41至44号", N(41, "", 44)),
        ("12b", N(12, "B")),
        ("12 B", N(12, "B")),
        ("12-14", N(12, "", 14)),
        ("3 D 4", N(3, "D")),
        ("15, 2. krs./Floor 2", N(15)),
        ("7 B, sisäpiha", N(7, "B")),
        ("41-44号", N(41, "-44")),
        ("41-145号", N(41, "-145")),
        ("", None),
        ("号", None),
        ("延安路41号", None),
        ("无", None),
    ],
)
def test_a_plate_is_read_in_every_way_it_is_written(text: str, number: HouseNumber | None) -> None:
    assert parse_house_number(text) == number


@given(number=st.integers(1, 9999), suffix=SUFFIXES, step=st.one_of(st.none(), st.integers(1, 20)))
def test_a_plate_that_is_written_is_read_again(number: int, suffix: str, step: int | None) -> None:
    plate = N(number, suffix) if step is None else N(number, "", number + 2 * step)
    read = parse_house_number(house_number_text(plate))
    if suffix[:1] == "-" and step is None:
        assert read in (plate, N(number, "", int(suffix[1:])))
    else:
        assert read == plate


def test_plates_without_chinese_words_are_written_as_in_europe() -> None:
    assert [house_number_text(n, chinese=False) for n in (N(12), N(12, "B"), N(12, "", 14), N(12, "-1"))] == ["12", "12 B", "12-14", "12-1"]


def test_plates_sort_along_their_road() -> None:
    order = [N(40), N(41), N(41, "甲"), N(41, "乙"), N(41, "癸"), N(41, "-1"), N(41, "-2"), N(41, "-10"), N(41, "附1"), N(42), N(100)]
    assert sorted(reversed(order), key=number_key) == order
    assert number_key(N(12, "A")) < number_key(N(12, "B")) < number_key(N(13))
