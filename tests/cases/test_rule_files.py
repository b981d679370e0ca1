"""Rules of assignment as a file: what is wrong in it is named with its line, and what is right comes back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gisgrid import paths
from gisgrid.cases.categories import Categories
from gisgrid.cases.deadlines import Limit
from gisgrid.cases.organizations import Organizations
from gisgrid.cases.rule_files import COLUMNS, read_rules, shipped_rules, write_rules
from gisgrid.cases.rules import Rule, in_order
from gisgrid.deployment import load_deployment
from gisgrid.errors import ConfigError, SourceError

SHIBEI = load_deployment("shibei")
CATEGORIES = Categories(SHIBEI)
UNITS = Organizations({"市北区城市管理局": "D4", "辽宁路街道办事处": "S1"})
HEAD = ",".join(COLUMNS)
LAST = "900,900,,,,,,,locality,5,working_days,"


def read(*lines: str, last: str = LAST, head: str = HEAD) -> tuple[Rule, ...]:
    return read_rules("\n".join([head, *lines, last]).encode(), "rules.csv", CATEGORIES, UNITS)


def test_a_line_is_a_rule() -> None:
    first, last = read(
        "7,3,component,cover|污水井盖;0102,开裂、裂缝|破洞,翻盖,broken|sunken,370203005|370203008,owner|街道|D4,4,工作时,a note"
    )
    assert first == Rule(
        7,
        3,
        "component",
        ("cover", "污水井盖", "0102"),
        ("开裂", "裂缝", "破洞"),
        ("翻盖",),
        ("broken", "sunken"),
        ("370203005", "370203008"),
        ("owner", "street", "D4"),
        Limit(4, "working_hours"),
        "a note",
    )
    assert last == Rule(900, 900, units=("locality",), limit=Limit(5, "working_days"))


def test_rules_come_in_the_order_in_which_they_are_tried() -> None:
    rules = read("3,20,event,,,,,,street,,,", "2,10,,,坑,,,,street,,,", "1,20,,06*,,,,,street,,,")
    assert [rule.number for rule in rules] == [2, 1, 3, 900]
    assert in_order(reversed(rules)) == rules


def test_a_spreadsheet_may_have_chinese_titles_other_columns_first_and_another_encoding() -> None:
    text = "备注,编号,优先级,责任单位,时限,时限单位,类型\r\n兜底,1,1,属地,3,自然日,\r\n部件,2,1,养护单位|属地,,,部件\r\n,,,,,,\r\n"
    text = text.replace("2,1,养护", "2,0,养护").replace("2,0", "3,1").replace("1,1,属地", "9,9,属地")
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        rules = read_rules(text.encode(encoding), "规则.csv", CATEGORIES)
        assert [(rule.number, rule.kind, rule.units, rule.note) for rule in rules] == [
            (3, "component", ("maintainer", "locality"), "部件"),
            (9, None, ("locality",), "兜底"),
        ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x,1,,,,,,,street,,,", "line 2: number: 'x' is no whole number from 1"),
        ("0,1,,,,,,,street,,,", "line 2: number: '0' is no whole number"),
        ("1,,,,,,,,street,,,", "line 2: priority: is empty"),
        ("900,1,,坑,,,,,street,,,", "line 3: number: 900 stands in line 2 already"),
        ("1,1,compnent,,,,,,street,,,", "line 2: kind: 'compnent' is neither component (部件) nor event (事件); did you mean 'component'?"),
        ("1,1,event,暴露拉圾,,,,,street,,,", "line 2: classes: there is no class of events '暴露拉圾'; did you mean '暴露垃圾'?"),
        ("1,1,event,0102,,,,,street,,,", "line 2: classes: there is no class of events '0102'"),
        ("1,1,component,09*,,,,,street,,,", "there is no class of components '09*'"),
        ("1,1,,,,,smashed,,street,,,", "line 2: states: there is no state 'smashed'"),
        ("1,1,,,坑,,,,steet,,,", "line 2: units: there is no organisation 'steet'; did you mean 'street'?"),
        ("1,1,,,坑,,,,市北区城管局,,,", "there is no organisation '市北区城管局'; did you mean '市北区城市管理局'?"),
        ("1,1,,,坑,,,,,0,工作日,", "line 2: limit: '0' is no whole number from 1 to 10,000"),
        ("1,1,,,坑,,,,,4.5,工作日,", "line 2: limit: '4.5'"),
        ("1,1,,,坑,,,,,10001,工作日,", "line 2: limit: '10001'"),
        ("1,1,,,坑,,,,,4,,", "line 2: limit_unit: '' is no unit"),
        ("1,1,,,坑,,,,,4,工作天,", "line 2: limit_unit: '工作天' is no unit; did you mean '工作"),
        ("1,1,,,坑,,,,,,工作日,", "line 2: limit: is empty"),
        ("1,1,,,坑,,,,,,,", "line 2: the rule says neither which units nor which limit"),
        ("1,901,,,坑,,,,street,,,", "line 2: the rule is never asked: rule 900, which has no conditions, stands before it"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(line: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(line)
    assert said in caught.value.message
    assert caught.value.message.startswith("The rules in rules.csv cannot be used:\n")
    assert caught.value.hint.startswith("Nothing has been changed")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SourceError) as caught:
        read("1,1,x,,,,,,street,,,", "1,b,,,,,,,nobody,,,", "2,2,event,nothing,,,,,nobody,,,")
    assert [line.split(":")[0] for line in caught.value.message.splitlines()[1:]] == ["  line 2", "  line 3", "  line 4", "  line 4"]
    with pytest.raises(SourceError, match=r"and 80 more\."):
        read(*[f"{k},x,,,,,,,street,,," for k in range(1, 101)])


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("900,900,,,,,,,owner|maintainer,5,工作日,", "no rule without conditions says which unit acts on components"),
        ("900,900,event,,,,,,locality,5,工作日,", "no rule without conditions says which unit acts on components"),
        ("900,900,component,,,,,,locality,5,工作日,", "no rule without conditions says the limit of events"),
        ("900,900,,,,,,,locality,,,", "no rule without conditions says the limit of components"),
        ("900,900,,,坑,,,,locality,5,工作日,", "no rule without conditions"),
        ("900,900,,,,坑,,,locality,5,工作日,", "no rule without conditions"),
        ("900,900,,,,,,370203005,locality,5,工作日,", "no rule without conditions"),
    ],
)
def test_a_case_that_no_rule_fits_cannot_be(last: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read(last=last)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "rules.csv is empty"),
        (b"\n\n", "rules.csv is empty"),
        (b"number,priority,unit\n", "no column 'unit'; did you mean 'units'"),
        (b"number,units\n", "has no column 'priority'"),
        (b"number,priority,units,units\n", "has the column 'units' twice"),
        (b'number,priority\n"1,2\n', "rules.csv is no CSV file|number"),
        (b"\xff\xfe\x00\x81", "neither UTF-8 nor GB 18030"),
        (b"number,priority,units\n1,1,\x00\n", "."),
    ],
)
def test_what_is_no_file_of_rules_is_said_so(content: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read_rules(content, "rules.csv", CATEGORIES)


words = st.lists(st.text("abc开裂坑.*()[\\", min_size=1, max_size=4), max_size=3, unique=True).map(tuple)
rules = st.builds(
    Rule,
    st.integers(1, 500),
    st.integers(1, 800),
    st.sampled_from((None, "component", "event")),
    st.just(()),
    words=words,
    without=words,
    states=st.just(()),
    areas=words,
    units=st.just(("street",)),
    limit=st.none() | st.builds(Limit, st.integers(1, 10_000), st.sampled_from(("urgent_hours", "calendar_days"))),
    note=st.text('备注,"\n x').map(str.strip),
)


@given(st.lists(rules, max_size=6, unique_by=lambda rule: rule.number))
@settings(max_examples=50)
def test_rules_come_back_as_they_were_written(given_rules: list[Rule]) -> None:
    last = Rule(900, 900, units=("locality",), limit=Limit(5, "working_days"))
    conditional = [rule._replace(words=rule.words or ("坑",)) for rule in given_rules]
    wanted = in_order([*conditional, last])
    assert read_rules(write_rules(wanted).encode(), "x.csv", CATEGORIES) == wanted


@given(st.binary(max_size=200))
def test_no_bytes_break_it(content: bytes) -> None:
    for start in (b"", HEAD.encode() + b"\n"):
        with pytest.raises(SourceError):
            read_rules(start + content, "x.csv", CATEGORIES)


@pytest.mark.parametrize("city", sorted(path.stem for path in (paths.data_dir() / "deployments").glob("*.toml")))
def test_rules_that_ship_are_sound(city: str) -> None:
    found = shipped_rules(load_deployment(city))
    assert (found.version, found.note) == (0, "shibei.csv" if city == "shibei" else "default.csv")
    assert len(found.rules) >= 8


def test_rules_that_a_city_does_not_have_are_said_so() -> None:
    for name in ("shibai", "/nowhere/x.csv"):
        other = SHIBEI.model_copy(update={"cases": SHIBEI.cases.model_copy(update={"rules": name})})
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            shipped_rules(other)
        assert "default, shibei" in caught.value.hint
