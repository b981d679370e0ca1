"""What a case is about, from a class code or from what people write."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid import paths
from gisgrid.cases.categories import Categories, Category
from gisgrid.codes import component_classes, component_words, event_classes
from gisgrid.deployment import Deployment, OwnClass, SchemeEdition, load_deployment
from gisgrid.errors import ParameterError
from ingest.sample.phrases import BUILDING_EVENTS, COVER_TROUBLES, ROAD_EVENTS

SHIBEI = load_deployment("shibei")
CATEGORIES = Categories(SHIBEI)


def of_schemes(*schemes: SchemeEdition) -> Categories:
    components = SHIBEI.components.model_copy(update={"schemes": schemes})
    return Categories(Deployment(**{**SHIBEI.model_dump(), "components": components.model_dump()}))


@pytest.mark.parametrize(("category", "text"), [*BUILDING_EVENTS, *ROAD_EVENTS])
def test_what_the_sample_calls_an_event_is_found_by_its_name_and_by_what_is_told(category: str, text: str) -> None:
    by_name, by_text = CATEGORIES.find(category), CATEGORIES.find("", text.format(days=3, hour=22, count=4))
    assert by_name.class_code
    assert by_name.how in ("name", "words")
    assert by_text == by_name._replace(how="description")


@pytest.mark.parametrize("trouble", COVER_TROUBLES)
def test_what_is_wrong_with_a_cover_does_not_hide_which_it_is(trouble: str) -> None:
    for name in ("污水井盖", "上水井盖", "输油（气）井盖", "无主井盖"):
        found = CATEGORIES.find("", trouble.format(name=name))
        assert (found.kind, found.name, found.is_cover, found.scheme) == ("component", name, True, "CJ/T 214")


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("路灯不亮", "component", "0118"),
        ("信号灯故障", "component", "0210"),
        ("护栏破损", "component", "0211"),
        ("行道树倾斜", "component", "0402"),
        ("路灯井盖破损", "component", "0106"),  # a cover, not a lamp
        ("路燈不亮", "component", "0118"),
        ("暴露垃圾", "event", "06010"),
        ("亂堆物堆料", "event", "06036"),
        ("垃圾箱破损", "component", "0305"),
        ("垃圾箱满溢", "event", "06042"),
        ("停车场门口有人摆摊", "event", "09006"),  # a thing that nothing is wrong with
        ("井盖旁有垃圾堆放", "event", "06010"),
        ("井盖旁道路破损", "component", ""),
        ("暖气不热", "event", "06994"),
        ("Exposed refuse", "event", "06010"),
        ("供水井盖异常", "component", "0101"),  # as a matter of 2026, under the name of 2026
        ("通信井盖", "component", "0107"),  # the city's own class of that kind
        ("化粪池井盖", "component", "0118"),  # of another edition: this one has no such class
    ],
)
def test_words_lead_to_a_class(text: str, kind: str, code: str) -> None:
    found = CATEGORIES.find(text)
    assert (found.kind, found.class_code) == (kind, code)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("Broken manhole cover", "component", "井盖"),
        ("a big pothole", "event", "道路破损"),
        ("Street light out for days", "component", "路灯"),
        ("Litter on the playground", "event", "暴露垃圾"),
        ("the litter bin is broken", "component", "垃圾箱"),
        ("ILLEGAL PARKING", "event", "机动车乱停放"),
    ],
)
def test_other_cities_are_understood_a_little(text: str, kind: str, name: str) -> None:
    found = Categories(load_deployment("helsinki")).find(text)
    assert (found.kind, found.name) == (kind, name)


def test_a_class_of_another_edition_is_never_taken_for_one_of_the_same_number() -> None:
    septic, lamp = CATEGORIES.find("化粪池井盖"), CATEGORIES.find("路灯")
    assert septic.class_code == lamp.class_code == "0118"
    assert (septic.scheme, lamp.scheme) == ("GB/T 30428.2", "CJ/T 214")
    assert (septic.is_cover, lamp.is_cover) == (True, False)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("0102", "污水井盖"),
        (" 0102 ", "污水井盖"),
        ("06010", "暴露垃圾"),
        ("37020306010", "暴露垃圾"),  # a code of matters with its division
        ("01002", "污水井盖"),  # a matter of 2026 about the city's own class
        ("CJ/T 214 2007 0114", "无主井盖"),
        ("GB/T 30428.2:2013:0114", "园林井盖"),
        ("06999", "污水外溢"),
    ],
)
def test_codes_lead_to_a_class(code: str, name: str) -> None:
    found = CATEGORIES.find(code)
    assert (found.name, found.how) == (name, "code")


@pytest.mark.parametrize("code", ["9999", "123", "06998877", "0" * 30])
def test_a_code_that_does_not_exist_is_refused(code: str) -> None:
    with pytest.raises(ParameterError, match=r"category: there is no class"):
        CATEGORIES.find(code)


def test_a_code_that_means_two_things_in_a_city_asks_for_its_scheme() -> None:
    both = of_schemes(SchemeEdition(scheme="CJ/T 214", edition="2007"), SchemeEdition(scheme="GB/T 30428.2", edition="2013"))
    with pytest.raises(
        ParameterError, match=r"0114 has several meanings: CJ/T 214 2007 0114 \(无主井盖\), GB/T 30428.2 2013 0114 \(园林井盖\)"
    ):
        both.find("0114")
    assert both.find("GB/T 30428.2 2013 0114").name == "园林井盖"
    assert both.find("0103").name == "雨水井盖"  # the same in both


def test_a_city_has_classes_of_its_own() -> None:
    own = of_schemes(SchemeEdition(scheme="Stadt", classes=(OwnClass(code="SW", name="Schmutzwasser", kind="sewage"), OwnClass(code="X"))))
    assert own.find("SW").name == own.find("schmutzwasser").name == own.find("污水井盖").name == "Schmutzwasser"


def test_a_cover_of_an_open_kind_is_a_cover() -> None:
    some, any_ = CATEGORIES.find("下水道井盖破损"), CATEGORIES.find("古力松动")
    assert (some.is_cover, some.class_code, some.kinds_open) == (True, "", ("sewage", "rainwater"))
    assert (any_.kind, any_.is_cover, any_.component_kind, any_.kinds_open) == ("component", True, "", ())


def test_what_nothing_is_found_for_is_an_event_of_unknown_class() -> None:
    assert CATEGORIES.find("你好", "没有别的") == Category("event", "", "", "", "你好", "unknown")
    assert CATEGORIES.find("", "").how == "unknown"


def test_the_class_of_a_component_goes_by_scheme_edition_and_code() -> None:
    found = CATEGORIES.of_component("GB/T 30428.2", "2013", "0114")
    assert found is not None
    assert (found.name, found.component_kind) == ("园林井盖", "greenery")
    assert CATEGORIES.of_component("CJ/T 214", "2013", "0114") is None


@given(st.text(max_size=80), st.text(max_size=300))
def test_no_text_breaks_it(category: str, description: str) -> None:
    try:
        found = CATEGORIES.find(category, description)
    except ParameterError:
        assert any(letter.isalnum() for letter in category)
    else:
        assert found.kind in ("component", "event")


def test_the_lists_are_sound() -> None:
    events = event_classes()
    assert len({(item.scheme, item.edition, item.code) for item in events}) == len(events)
    assert len([item for item in events if item.scheme == "GB/T 47678.5"]) == 97
    assert all(item.name_en and item.major for item in events)
    words = [word for item in events for word in (item.name, *item.words)]
    assert len(set(words)) == len(words)
    kinds = {item.kind for item in component_classes().values() if item.kind}
    assert set(component_words().values()) <= kinds
    with (paths.data_dir() / "codes" / "event_classes.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(events)
