"""Addresses as the sample's reporters write them, of which it is known what they mean."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from gisgrid.addresses import HouseNumber, NameKind, Names, Parser, parse_house_number
from ingest.sample.phrases import Anchor, Phrases
from ingest.sample.words import road_names

STREET, COMMUNITY = "海伦路街道", "小村庄社区"
SLIPS = "廷宇既墩络园洲"
"""Characters of the sample's slips of the pen; names with one of them are for the geocoder to find."""
COUNT = 800


@pytest.fixture(scope="module")
def world() -> tuple[list[str], list[str], Names]:
    """Roads, estates, and the names of both; none has a character that a slip changes."""
    drawn = road_names(np.random.default_rng(7), set())
    roads = [name for name, _ in zip(drawn, range(600), strict=False) if not set("延辽登即敦洛") & set(name)]
    estates = [
        "海棠新村",
        "瑞景花园二期",
        "翰林国际",
        "清水一品",
        "青橡汽修厂",
        "三明南里院",
        "四季五金店",
        "望海大厦",
        "听涛大厦",
        "金桂里",
    ]
    kinds: dict[str, set[NameKind]] = {STREET: {"street"}, COMMUNITY: {"community"}}
    kinds.update((road, {"road"}) for road in roads)
    kinds.update((estate, {"place"}) for estate in estates)
    return roads, estates, Names(kinds)


def drawn_anchor(rng: np.random.Generator, roads: list[str], estates: list[str]) -> Anchor:
    suffix = str(rng.choice(["", "甲", "乙", "-1", "-3"], p=[0.8, 0.1, 0.06, 0.02, 0.02]))
    unit = str(rng.choice(estates)) if rng.random() < 0.4 else ""
    return Anchor(str(rng.choice(roads)), int(rng.integers(1, 250)), suffix, int(rng.integers(0, 12)), unit)


def test_an_address_at_a_building_means_its_plate_or_its_estate_and_the_building(
    parser: Parser, world: tuple[list[str], list[str], Names]
) -> None:
    roads, estates, names = world
    rng = np.random.default_rng(11)
    phrases, second = Phrases(rng), 0
    for _ in range(COUNT):
        anchor = drawn_anchor(rng, roads, estates)
        text = phrases.at_building(anchor, STREET, COMMUNITY)
        if set(text) & set(SLIPS):
            continue
        plate = ((anchor.road,), HouseNumber(anchor.number, anchor.suffix), "")
        expected = ((), None, anchor.unit) if anchor.unit and anchor.unit in parser.parse(text, names)[0].name else plate
        found = [(p.roads, p.house_number, p.name, p.building) for p in parser.parse(text, names)]
        meant = (*expected, str(anchor.building or ""))
        assert meant in found, text
        assert not parser.parse(text, names)[0].not_understood, text
        second += found[0] != meant
    assert second <= 0.03 * COUNT  # 佛山路85号楼 and 佛山路8号-35号楼 can be read in more than one way


def test_an_address_near_a_building_says_how_it_lies(parser: Parser, world: tuple[list[str], list[str], Names]) -> None:
    roads, estates, names = world
    rng = np.random.default_rng(12)
    phrases = Phrases(rng)
    kinds = {
        "附近": "near",
        "门口": "at",
        "对面": "opposite",
        "旁": "near",
        "路边": "at",
        "门前人行道": "at",
        "东北侧": "direction",
        "南侧": "direction",
    }
    for _ in range(COUNT):
        anchor = drawn_anchor(rng, roads, estates)
        words = str(rng.choice(list(kinds)))
        text = phrases.near_building(anchor, words, STREET, COMMUNITY)
        if set(text) & set(SLIPS):
            continue
        found = parser.parse(text, names)[0]
        assert found.relation is not None, text
        assert (found.relation.word, found.relation.kind) == (words, kinds[words]), text
        assert (found.roads, found.house_number) == (
            (anchor.road,),
            HouseNumber(anchor.number, anchor.suffix),
        ) or found.name == anchor.unit, text
        assert not found.not_understood, text


def test_an_address_at_a_crossing_or_between_two_names_the_roads_in_their_order(
    parser: Parser, world: tuple[list[str], list[str], Names]
) -> None:
    roads, _, names = world
    rng = np.random.default_rng(13)
    phrases = Phrases(rng)
    for _ in range(COUNT):
        road, first, second = (str(name) for name in rng.choice(roads, 3, replace=False))
        text = phrases.at_crossing(road, first, STREET, COMMUNITY)
        if not set(text) & set(SLIPS):
            found = parser.parse(text, names)[0]
            assert (found.roads, found.is_crossing, found.not_understood) == ((road, first), True, ()), text
        text = phrases.on_road(road, (first, second), STREET, COMMUNITY)
        if set(text) & set(SLIPS):
            continue
        found = parser.parse(text, names)[0]
        assert found.roads in ((road, first), (road, first, second)), text
        assert found.is_crossing == (len(found.roads) == 2), text
        assert found.relation is not None, text
        assert found.relation.kind == ("between" if len(found.roads) == 3 else "direction" if "米" in text else "near"), text
        assert not found.not_understood, text


def test_a_prefix_that_is_left_out_repeated_or_old_is_taken_for_what_it_is(
    parser: Parser, world: tuple[list[str], list[str], Names]
) -> None:
    roads, _, names = world
    rng = np.random.default_rng(14)
    phrases = Phrases(rng)
    for _ in range(COUNT):
        text = phrases.at_crossing(roads[0], roads[1], STREET, COMMUNITY)
        found = parser.parse(text, names)[0]
        assert found.district in ("", "市北区", "四方区"), text
        assert bool(found.district) == ("市北" in text or "四方" in text), text
        assert found.street in ("", STREET), text
        assert (found.city, found.province) in (("", ""), ("青岛市", ""), ("青岛市", "山东省")), text


def test_reading_an_address_costs_little_more_than_looking_at_it(parser: Parser, world: tuple[list[str], list[str], Names]) -> None:
    """Some 30 us an address, five times ten walks over its characters in the same run; the best of three runs counts."""
    roads, estates, names = world
    rng = np.random.default_rng(16)
    phrases = Phrases(rng)
    texts = [phrases.at_building(drawn_anchor(rng, roads, estates), STREET, COMMUNITY) for _ in range(400)]

    def seconds(work: Callable[[str], object]) -> float:
        start = time.process_time()
        for text in texts:
            work(text)
        return time.process_time() - start

    parse = min(seconds(lambda text: parser.parse(text, names)) for _ in range(3))
    walk = min(seconds(lambda text: [ord(character) for character in text for _ in range(10)]) for _ in range(3))
    assert parse < 20 * walk


def test_plates_of_the_gazetteer_are_read_by_the_same_function() -> None:
    rng = np.random.default_rng(15)
    for _ in range(300):
        anchor = drawn_anchor(rng, ["延安路"], ["海棠新村"])
        assert parse_house_number(f"{anchor.number}号{anchor.suffix}") == HouseNumber(anchor.number, anchor.suffix)
