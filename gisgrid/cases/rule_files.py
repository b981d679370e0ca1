"""Rules of assignment as a CSV file, as administrators keep them in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gisgrid import paths
from gisgrid.cases.categories import CaseKind, Categories, Category
from gisgrid.cases.deadlines import MOST, UNIT_TITLES, Limit, unit_named
from gisgrid.cases.fitting import ANY_COVER, class_fits
from gisgrid.cases.organizations import Organizations
from gisgrid.cases.rules import Rule, RuleSet, in_order
from gisgrid.cases.units import OF_COMPONENT, TITLES
from gisgrid.deployment import Deployment
from gisgrid.errors import ConfigError, SourceError
from gisgrid.matching.vocabulary import values_of
from gisgrid.mistakes import near

COLUMNS: dict[str, str] = {
    "number": "编号",
    "priority": "优先级",
    "kind": "类型",
    "classes": "类别",
    "words": "词语",
    "without": "不含词语",
    "states": "状态",
    "areas": "区域",
    "units": "责任单位",
    "limit": "时限",
    "limit_unit": "时限单位",
    "note": "备注",
}
"""The columns of a file of rules, in order, with the titles in Chinese that they may have instead."""

_REQUIRED = ("number", "priority")
_KINDS: dict[str, CaseKind | None] = {"": None, "component": "component", "部件": "component", "event": "event", "事件": "event"}
_UNIT_WORDS = {title: word for word, said in TITLES.items() for title in (word, said.zh)}
_SEPARATORS = re.compile(r"[|;；、\n]")
_MOST_SHOWN = 20
_ENCODINGS = ("utf-8-sig", "gb18030")
_LARGEST = 2_147_483_647


class Problem(NamedTuple):
    """What is wrong in a file of rules; ``line`` counts from 1, 0 is the whole file."""

    line: int
    message: str


def read_rules(content: bytes, name: str, categories: Categories, organizations: Organizations | None = None) -> tuple[Rule, ...]:
    """Return the rules of a CSV file (UTF-8 or GB 18030) called ``name``, in the order in which they are tried.

    Without ``organizations`` it is not looked whether those that rules name exist. Raises SourceError that names every
    problem with its line.
    """
    problems: list[Problem] = []
    rules: list[tuple[int, Rule]] = []
    every = tuple(categories.every())
    for line, cells in _rows(content, name):
        rule = _rule(_Cells(line, cells, problems))
        if rule is not None:
            rules.append((line, rule))
            problems += _unknown(line, rule, every, organizations)
    problems += _of_all(rules)
    if problems:
        raise SourceError(f"The rules in {name} cannot be used:\n{_listed(problems)}", "Nothing has been changed; see docs/assignment.md.")
    return in_order(rule for _, rule in rules)


def read_rules_file(path: Path, categories: Categories, organizations: Organizations | None = None) -> tuple[Rule, ...]:
    """Return the rules of a file, as ``read_rules`` does; raises SourceError when it cannot be read too."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.", "Name a CSV file of rules.") from error
    return read_rules(content, path.name, categories, organizations)


def shipped_rules(deployment: Deployment) -> RuleSet:
    """Return the rules that a city begins with, as version 0; raises ConfigError when there are none of that name."""
    name = deployment.cases.rules
    folder = paths.data_dir() / "rules"
    path = Path(name) if name.endswith(".csv") or Path(name).name != name else folder / f"{name}.csv"
    try:
        content = path.read_bytes()
    except OSError as error:
        known = sorted(found.stem for found in folder.glob("*.csv"))
        raise ConfigError(
            f"The rules {name!r} of deployment {deployment.id} cannot be read{near(name, known) or '.'}",
            f"`rules` of `[cases]` takes one of {', '.join(known)}, or the path of a CSV file.",
        ) from error
    return RuleSet(0, read_rules(content, path.name, Categories(deployment)), path.name)


def write_rules(rules: Iterable[Rule]) -> str:
    """Return rules as a CSV file that ``read_rules`` understands."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rule in rules:
        limit = ("", "") if rule.limit is None else (rule.limit.value, UNIT_TITLES[rule.limit.unit].zh)
        several = ("|".join(values) for values in (rule.classes, rule.words, rule.without, rule.states, rule.areas, rule.units))
        writer.writerow([rule.number, rule.priority, rule.kind or "", *several, *limit, rule.note])
    return out.getvalue()


class _Cells:
    """The cells of one line by their columns; what is wrong with one is noted."""

    def __init__(self, line: int, cells: dict[str, str], problems: list[Problem]) -> None:
        self._line, self._cells, self._problems = line, cells, problems
        self.is_refused = False

    def text(self, column: str) -> str:
        return self._cells.get(column, "").strip()

    def several(self, column: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(part.strip() for part in _SEPARATORS.split(self.text(column)) if part.strip()))

    def number(self, column: str, largest: int = _LARGEST) -> int | None:
        text = self.text(column)
        if re.fullmatch(r"[0-9]{1,10}", text) and 0 < int(text) <= largest:
            return int(text)
        self.refuse(column, f"{text!r} is no whole number from 1 to {largest:,}." if text else "is empty.")
        return None

    def refuse(self, column: str, message: str) -> None:
        self._problems.append(Problem(self._line, f"{column}: {message}"))
        self.is_refused = True


def _rows(content: bytes, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each line that is not empty with its cells by column."""
    reader = csv.reader(io.StringIO(_decoded(content, name), newline=""))
    columns: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells, name)
            else:
                yield reader.line_num, dict(zip(columns, cells, strict=False))
    except csv.Error as error:
        raise SourceError(f"{name} is no CSV file: line {reader.line_num}: {error}.", "Save it as CSV in UTF-8.") from error
    if columns is None:
        raise SourceError(f"{name} is empty.", f"Its first line has the columns {', '.join(COLUMNS)}.")


def _decoded(content: bytes, name: str) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SourceError(f"{name} is neither UTF-8 nor GB 18030.", "Save it as CSV in UTF-8.")


def _columns(cells: Sequence[str], name: str) -> list[str]:
    by_title = {title: column for column, chinese in COLUMNS.items() for title in (column, chinese)}
    found: list[str] = []
    for cell in cells:
        title = cell.strip()
        if title and title.casefold() not in by_title:
            raise SourceError(f"{name} has no column {title!r}{near(title, by_title) or '.'}", f"Its columns are {', '.join(COLUMNS)}.")
        found.append(by_title[title.casefold()] if title else "")
    missing = [column for column in _REQUIRED if column not in found]
    twice = sorted({column for column in found if column and found.count(column) > 1})
    if missing or twice:
        said = f"has no column {missing[0]!r}" if missing else f"has the column {twice[0]!r} twice"
        raise SourceError(f"{name} {said}.", f"Its columns are {', '.join(COLUMNS)}.")
    return found


def _rule(cells: _Cells) -> Rule | None:
    """Return the rule of a line; None when it cannot be made, which is noted."""
    number, priority, limit, kind = cells.number("number"), cells.number("priority"), _limit(cells), cells.text("kind").casefold()
    if kind not in _KINDS:
        cells.refuse("kind", f"{kind!r} is neither component (部件) nor event (事件){near(kind, filter(None, _KINDS)) or '.'}")
    if number is None or priority is None or cells.is_refused:
        return None
    return Rule(
        number,
        priority,
        _KINDS[kind],
        classes=cells.several("classes"),
        words=cells.several("words"),
        without=cells.several("without"),
        states=cells.several("states"),
        areas=cells.several("areas"),
        units=tuple(_UNIT_WORDS.get(word, word) for word in cells.several("units")),
        limit=limit,
        note=cells.text("note"),
    )


def _limit(cells: _Cells) -> Limit | None:
    text, unit_text = cells.text("limit"), cells.text("limit_unit")
    if not text and not unit_text:
        return None
    value, unit = cells.number("limit", MOST), unit_named(unit_text)
    if unit is None:
        units = [title for name, said in UNIT_TITLES.items() for title in (name, said.zh)]
        cells.refuse("limit_unit", f"{unit_text!r} is no unit{near(unit_text, units) or '.'} There are {', '.join(units)}.")
    return None if value is None or unit is None else Limit(value, unit)


def _unknown(line: int, rule: Rule, every: Sequence[Category], organizations: Organizations | None) -> Iterator[Problem]:
    """Yield what a rule names that does not exist."""
    for pattern in rule.classes:
        if pattern != ANY_COVER and not any(class_fits(pattern, one) for one in every if rule.kind in (None, one.kind)):
            kind = "class" if rule.kind is None else f"class of {rule.kind}s"
            yield Problem(line, f"classes: there is no {kind} {pattern!r}{near(pattern, (one.name for one in every)) or '.'}")
    states = values_of("state")
    for state in rule.states:
        if state not in states:
            yield Problem(line, f"states: there is no state {state!r}{near(state, states) or '.'} There are {', '.join(states)}.")
    for word in rule.units if organizations is not None else ():
        if organizations is not None and word not in TITLES and organizations.unit(word) is None:
            guess = near(word, [*_UNIT_WORDS, *organizations.names()])
            yield Problem(line, f"units: there is no organisation {word!r}{guess or '.'}")
    if not rule.units and rule.limit is None:
        yield Problem(line, "the rule says neither which units nor which limit.")


def _of_all(rules: list[tuple[int, Rule]]) -> Iterator[Problem]:
    """Yield what is wrong with the rules together: numbers twice, cases that no rule fits, rules that are never asked."""
    lines: dict[int, int] = {}
    for line, rule in rules:
        if rule.number in lines:
            yield Problem(line, f"number: {rule.number} stands in line {lines[rule.number]} already.")
        lines.setdefault(rule.number, line)
    kinds: tuple[CaseKind, ...] = ("component", "event")
    for kind in kinds:
        if not any(_is_last_resort(rule, kind) for _, rule in rules):
            yield Problem(0, f"no rule without conditions says which unit acts on {kind}s; add one whose units end with locality (属地).")
        if not any(_is_for_all(rule, kind) and rule.limit is not None for _, rule in rules):
            yield Problem(0, f"no rule without conditions says the limit of {kind}s.")
    yield from _never_asked(rules)


def _never_asked(rules: list[tuple[int, Rule]]) -> Iterator[Problem]:
    """Yield each rule that stands behind those that decide every such case already."""
    units: dict[CaseKind, int] = {}
    limits: dict[CaseKind, int] = {}
    kinds: tuple[CaseKind, ...] = ("component", "event")
    for line, rule in sorted(rules, key=lambda pair: (pair[1].priority, pair[1].number)):
        own = [kind for kind in kinds if rule.kind in (None, kind)]
        asked = any((rule.units and kind not in units) or (rule.limit is not None and kind not in limits) for kind in own)
        if not asked and (rule.units or rule.limit is not None):
            before = units.get(own[0]) or limits[own[0]]
            yield Problem(
                line, f"the rule is never asked: rule {before}, which has no conditions, stands before it. Give it a smaller priority."
            )
        for kind in own:
            if _is_last_resort(rule, kind):
                units.setdefault(kind, rule.number)
            if _is_for_all(rule, kind) and rule.limit is not None:
                limits.setdefault(kind, rule.number)


def _is_for_all(rule: Rule, kind: CaseKind) -> bool:
    conditions = (rule.classes, rule.words, rule.without, rule.states, rule.areas)
    return rule.kind in (None, kind) and not any(conditions)


def _is_last_resort(rule: Rule, kind: CaseKind) -> bool:
    return _is_for_all(rule, kind) and any(word not in OF_COMPONENT for word in rule.units)


def _listed(problems: list[Problem]) -> str:
    ordered = sorted(problems)
    lines = [f"  line {one.line}: {one.message}" if one.line else f"  {one.message}" for one in ordered[:_MOST_SHOWN]]
    more = len(ordered) - _MOST_SHOWN
    return "\n".join([*lines, f"  and {more} more."] if more > 0 else lines)
