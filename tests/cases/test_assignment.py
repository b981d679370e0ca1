"""Which unit has to act on a case, and why; what is skipped on the way to it is told too."""

from __future__ import annotations

import csv
import zoneinfo
from datetime import datetime

import pytest

from gisgrid import paths
from gisgrid.cases.assignment import Assignment, assign
from gisgrid.cases.calendar import calendar_of
from gisgrid.cases.categories import Categories, Category
from gisgrid.cases.deadlines import Limit
from gisgrid.cases.facts import ComponentFacts, Facts, likely
from gisgrid.cases.fitting import class_fits, fitting, has_word, reading
from gisgrid.cases.organizations import Organizations, Unit
from gisgrid.cases.rule_files import shipped_rules
from gisgrid.cases.rules import Rule, RuleSet
from gisgrid.deployment import load_deployment
from gisgrid.locator import Roles
from gisgrid.matching.vocabulary import plain
from gisgrid.types import AreaRef, ResponsibleUnit

SHIBEI = load_deployment("shibei")
CATEGORIES, CALENDAR = Categories(SHIBEI), calendar_of(SHIBEI)
RULES = shipped_rules(SHIBEI)
NAMES = {
    "U2": "市北排水公司",
    "U14": "市政养护一公司",
    "D4": "市北区城市管理局",
    "D3": "市北区综合行政执法局",
    "D6": "市北区应急管理局",
    "S1": "辽宁路街道办事处",
    "C1": "科技街社区居委会",
    "X1": "同名公司",
    "X2": "同名公司",
}
ORGANIZATIONS = Organizations({name: code for code, name in NAMES.items() if code not in ("X1", "X2")}, NAMES)
ROLES: Roles = {
    ("grid", "370203005001001"): ResponsibleUnit("C1", NAMES["C1"], "grid"),
    ("street", "370203005"): ResponsibleUnit("S1", NAMES["S1"], "street"),
}
REPORTED = datetime(2026, 11, 2, 9, 0, tzinfo=zoneinfo.ZoneInfo("Asia/Shanghai"))
COVER = ComponentFacts("3702030102000001", "U2", "U14", "D4")


def facts(category: str, text: str = "", component: ComponentFacts | None = None, *, somewhere: bool = True) -> Facts:
    found = Facts(CATEGORIES.find(category, text), f"{category} {text}", REPORTED, component=component)
    if not somewhere:
        return found
    return found._replace(
        district=AreaRef("370203", "市北区"),
        street=AreaRef("370203005", "辽宁路街道"),
        community=AreaRef("370203005001", "科技街社区"),
        grid=AreaRef("370203005001001", "第1网格"),
    )


def assigned(case: Facts, *rules: Rule) -> Assignment:
    return assign(case, RuleSet(3, rules) if rules else RULES, ROLES, ORGANIZATIONS, CALENDAR)


def test_a_component_goes_to_its_owner() -> None:
    found = assigned(facts("污水井盖", "污水井盖破损", COVER))
    assert (found.unit, found.unit_rule) == (Unit("U2", "市北排水公司"), 120)
    assert [(step.word, step.is_taken) for step in found.steps] == [("owner", True)]
    assert found.doubts == ()


@pytest.mark.parametrize(
    ("component", "unit", "skipped"),
    [
        (COVER._replace(owner_code=None), "U14", ["Component 3702030102000001 has no owner on record."]),
        (
            COVER._replace(owner_code="GONE"),
            "U14",
            ["The owner of component 3702030102000001, GONE, is not among the organisations."],
        ),
        (COVER._replace(owner_code="", maintainer_code=""), "D4", 2),
        (ComponentFacts("3702030102000001"), "S1", 3),
        (COVER._replace(owner_code="X2"), "X2", []),  # one of two of the same name
        (None, "S1", ["No component is known whose owner could be asked.", 2]),
    ],
)
def test_what_a_component_does_not_say_is_looked_for_further_on(component: ComponentFacts | None, unit: str, skipped: object) -> None:
    found = assigned(facts("污水井盖", "污水井盖破损", component))
    assert found.unit is not None
    assert (found.unit.code, found.unit.name) == (unit, NAMES[unit])
    passed = [step.why.en for step in found.steps if not step.is_taken]
    if isinstance(skipped, int):
        assert len(passed) == skipped
    elif isinstance(skipped, list):
        assert passed[: len([text for text in skipped if isinstance(text, str)])] == [text for text in skipped if isinstance(text, str)]
    assert found.steps[-1].is_taken
    assert found.steps[-1].unit == found.unit


def test_a_cover_that_is_not_sure_has_an_owner_when_all_that_may_be_have_the_same() -> None:
    case = facts("污水井盖", "污水井盖破损")._replace(candidates=(COVER, COVER._replace(code="2", maintainer_code="D4")))
    found = assigned(case)
    assert found.unit == Unit("U2", "市北排水公司")
    assert found.steps[0].why == (
        "不能确定是哪个部件，但可能的2个部件的权属单位都是市北排水公司。",
        "It is not sure which component is concerned, but the owner of all 2 that may be is 市北排水公司.",
    )
    apart = assigned(case._replace(candidates=(*case.candidates, COVER._replace(owner_code="U14"))))
    assert apart.unit == Unit("D4", "市北区城市管理局")  # all have the same department
    assert apart.steps[0].why.en.endswith("do not have one owner: 市北排水公司, 市政养护一公司.")
    none = assigned(case._replace(candidates=(ComponentFacts("1"), ComponentFacts("2"))))
    assert none.unit == Unit("S1", "辽宁路街道办事处")
    assert none.steps[0].why.en.endswith("the 2 that may be do not have one owner: none.")
    # One of them without an owner on record may be anybody's.
    assert assigned(case._replace(candidates=(COVER, ComponentFacts("2")))).unit == Unit("S1", "辽宁路街道办事处")


def test_components_that_are_hardly_meant_are_not_thought_of() -> None:
    assert likely([("a", 0.3), ("b", 0.031), ("c", 0.029)]) == ("a", "b")
    assert likely([]) == ()


def test_an_event_goes_to_the_street_before_a_department() -> None:
    found = assigned(facts("暴露垃圾"))
    assert (found.unit, found.unit_rule) == (Unit("S1", "辽宁路街道办事处"), 250)
    nowhere = assigned(facts("暴露垃圾", somewhere=False))
    assert nowhere.unit == Unit("D4", "市北区城市管理局")
    assert [step.why.zh for step in nowhere.steps] == ["不知道在哪个街道。", "规则指定市北区城市管理局。"]


def test_a_gas_leak_goes_to_the_department_at_once() -> None:
    found = assigned(facts("燃气泄漏"))
    assert found.unit == Unit("D6", "市北区应急管理局")
    assert found.due_at == REPORTED.replace(hour=10)


def test_a_cover_that_is_nobodys_belongs_to_the_street() -> None:
    assert assigned(facts("无主井盖", "无主井盖破损", COVER)).unit == Unit("S1", "辽宁路街道办事处")


def test_when_all_else_fails_the_locality_has_to_act() -> None:
    far = facts("暴露垃圾")._replace(street=AreaRef("370203099", "别处"))
    found = assigned(far, Rule(1, 1, units=("owner", "street", "无此单位", "locality"), limit=Limit(1, "working_days")))
    assert found.unit == Unit("C1", "科技街社区居委会")
    assert [step.why.en for step in found.steps] == [
        "No component is known whose owner could be asked.",
        "The street 别处 has no responsible unit.",
        "There is no organisation '无此单位'.",
        "科技街社区居委会 is responsible for the grid 第1网格.",
    ]


def test_a_rule_that_leads_nowhere_hands_on_to_the_next() -> None:
    found = assigned(facts("污水井盖"), Rule(1, 1, units=("owner",), note="先属主"), Rule(2, 2, units=("street",)))
    assert (found.unit_rule, [step.rule for step in found.steps]) == (2, [1, 2])
    assert [one.zh for one in found.why] == [
        "规则1(先属主)：依次找权属单位。",
        "没有确定到具体部件，无从查权属单位。",
        "规则2：依次找街道。",
        "街道辽宁路街道的责任单位是辽宁路街道办事处。",
    ]


def test_a_case_that_no_rule_fits_has_no_unit_and_says_so() -> None:
    found = assigned(facts("你好"), Rule(1, 1, "component", units=("locality",), limit=Limit(1, "working_days")))
    assert (found.unit, found.limit, found.deadline, found.due_at, found.steps) == (None, None, None, None, ())
    assert [one.en for one in found.doubts] == [
        "The class of the case is not known.",
        "No rule leads to a unit that has to act.",
        "No rule says until when.",
    ]


def test_the_unit_and_the_limit_may_come_from_two_rules_of_one_version() -> None:
    found = assigned(
        facts("污水井盖"), Rule(5, 1, limit=Limit(2, "urgent_hours")), Rule(6, 2, units=("street",), limit=Limit(9, "working_days"))
    )
    assert (found.unit_rule, found.limit_rule, found.limit, found.rules_version) == (6, 5, Limit(2, "urgent_hours"), 3)
    assert found.why[-2].en == "Rule 5 allows 2 urgent hours."


def conditions() -> list[tuple[str, str, Limit]]:
    """The five conditions of the table of limits, each as somebody reports it."""
    return [
        ("污水井盖缺失", "missing", Limit(2, "urgent_hours")),
        ("污水井盖移位，有安全隐患", "shifted", Limit(2, "urgent_hours")),
        ("污水井盖开裂", "cracked", Limit(2, "urgent_hours")),
        ("污水井盖破损，存在安全隐患", "hazard", Limit(2, "urgent_hours")),
        ("污水井盖破损，破洞超过25平方厘米", "broken", Limit(4, "working_hours")),
        ("污水井盖边框断裂", "broken", Limit(4, "working_hours")),
        ("污水井盖破损，无安全隐患", "broken", Limit(4, "working_hours")),
        ("污水井盖弹跳，声响很大", "rattling", Limit(2, "working_days")),
        ("污水井盖翻盖", "flipping", Limit(2, "working_days")),
        ("污水井盖松动", "loose", Limit(2, "working_days")),
        ("污水井盖周边路面沉陷开裂", "surround", Limit(5, "working_days")),
        ("污水井盖下沉，与路面高差大于2公分", "level", Limit(5, "working_days")),
        ("雨水箅子堵塞", "grating", Limit(1, "working_days")),
        ("污水井蓋破損，存在安全隱患", "hazard", Limit(2, "urgent_hours")),
        ("雨水箅子缺失", "grating missing", Limit(2, "urgent_hours")),
        ("污水井盖缺失，周边放了锥桶", "missing", Limit(2, "urgent_hours")),
    ]


@pytest.mark.parametrize(("text", "what", "limit"), conditions())
def test_limits_of_covers_go_by_what_is_wrong(text: str, what: str, limit: Limit) -> None:
    assert assigned(facts("", text)).limit == limit, what


def test_every_case_of_the_catalogue_has_a_unit_and_a_deadline() -> None:
    for category in CATEGORIES.every():
        found = assigned(facts("")._replace(category=category, text=category.name))
        assert found.unit is not None
        assert found.due_at is not None
        assert found.due_at > REPORTED


SEWAGE = Category("component", "CJ/T 214", "2007", "0102", "污水井盖", "name", "sewage", True)
REFUSE = Category("event", "GB/T 47678.5", "2026", "06010", "暴露垃圾", "name")
NOTHING = Category("event", "", "", "", "暴露垃圾", "unknown")


@pytest.mark.parametrize(
    ("pattern", "fitting"),
    [
        ("cover", [SEWAGE]),
        ("sewage", [SEWAGE]),
        ("0102", [SEWAGE]),
        ("01*", [SEWAGE]),
        ("CJ/T 214:01*", [SEWAGE]),
        ("GB/T 30428.2:0102", []),
        ("污水井盖", [SEWAGE]),
        ("06*", [REFUSE]),
        ("0601?", [REFUSE]),
        ("*", [SEWAGE, REFUSE]),
        ("暴露垃圾", [REFUSE]),
        ("rainwater", []),
    ],
)
def test_a_pattern_means_classes(pattern: str, fitting: list[Category]) -> None:
    assert [one for one in (SEWAGE, REFUSE, NOTHING) if class_fits(pattern, one)] == fitting


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("有安全隐患", True),
        ("无安全隐患", False),
        ("没有安全隐患", False),
        ("不存在安全隐患", False),
        ("暂无安全 隐患", False),
        ("无安全隐患？有安全隐患！", True),
        ("安全", False),
    ],
)
def test_words_count_unless_they_are_denied(text: str, has: bool) -> None:
    assert has_word(plain(text), ("安全隐患", "危险")) is has


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        (Rule(1, 1), True),
        (Rule(1, 1, "component"), True),
        (Rule(1, 1, "event"), False),
        (Rule(1, 1, classes=("gas", "sewage")), True),
        (Rule(1, 1, classes=("gas",)), False),
        (Rule(1, 1, words=("破洞",)), True),
        (Rule(1, 1, words=("缺失",)), False),
        (Rule(1, 1, words=("缺失",), states=("broken",)), True),  # a word or a state
        (Rule(1, 1, states=("missing",)), False),
        (Rule(1, 1, without=("破洞",)), False),
        (Rule(1, 1, without=("锥桶",)), True),
        (Rule(1, 1, areas=("370203005",)), True),
        (Rule(1, 1, areas=("370203008", "370203005001")), True),
        (Rule(1, 1, areas=("370203008",)), False),
        (Rule(1, 1, "component", ("cover",), ("破洞",), ("缺失",), (), ("3702",)), True),
    ],
)
def test_a_rule_fits_when_all_its_conditions_hold(rule: Rule, holds: bool) -> None:
    case = facts("污水井盖", "污水井盖破损，有个破洞")
    assert fitting((rule,), reading(case)) == [rule] * holds
    if rule.areas:
        assert not fitting((rule,), reading(case._replace(district=None, street=None, community=None, grid=None)))


def test_the_limits_of_covers_are_those_of_the_published_table() -> None:
    """The figures of 运城 for each condition; the other limits say in their note that they are our own."""
    with (paths.data_dir() / "rules" / "shibei.csv").open(encoding="utf-8", newline="") as file:
        lines = {row["number"]: row for row in csv.DictReader(file)}
    told = {number: (lines[number]["limit"], lines[number]["limit_unit"]) for number in lines if lines[number]["limit"]}
    assert told["510"] == told["511"] == told["514"] == ("2", "紧急工作时")
    assert (told["515"], told["516"], told["517"], told["513"]) == (("4", "工作时"), ("1", "工作日"), ("2", "工作日"), ("5", "工作日"))
    published = {"510", "511", "512", "513", "514", "515", "516", "517", "518"}
    assert {number for number in told if "按本市实际修改" not in lines[number]["note"]} == published
