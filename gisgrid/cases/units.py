"""Where a rule looks for the unit that has to act, and what is found there."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.cases.facts import Facts
from gisgrid.cases.organizations import Organizations, Unit
from gisgrid.cases.said import Said
from gisgrid.locator import Roles
from gisgrid.types import LEVELS, Level

OF_COMPONENT: dict[str, Said] = {
    "owner": Said("权属单位", "owner"),
    "maintainer": Said("养护单位", "maintainer"),
    "department": Said("主管部门", "department"),
}
"""The words of rules for units that a component names."""

OF_AREA: dict[Level, Said] = {
    "grid": Said("网格", "grid"),
    "community": Said("社区", "community"),
    "street": Said("街道", "street"),
    "district": Said("区", "district"),
}
"""The words of rules for the responsible units of areas."""

LOCALITY = "locality"
"""The word of rules for the smallest area that has a responsible unit."""

TITLES: dict[str, Said] = {**OF_COMPONENT, **{str(level): said for level, said in OF_AREA.items()}, LOCALITY: Said("属地", "locality")}
"""Every word of rules but the names of organisations, with its titles."""


class Found(NamedTuple):
    """What is found where a rule looks; ``why`` says so, or why there is nothing."""

    unit: Unit | None
    why: Said


def look(word: str, facts: Facts, roles: Roles, organizations: Organizations) -> Found:
    """Return the unit that a word of a rule means for a case."""
    if word in OF_COMPONENT:
        return _of_component(word, facts, organizations)
    if word == LOCALITY:
        return _of_locality(facts, roles)
    level = next((level for level in LEVELS if level == word), None)
    if level is not None:
        return _of_area(level, facts, roles)
    unit = organizations.unit(word)
    if unit is None:
        return _none(f"单位表中没有“{word}”", f"There is no organisation {word!r}")
    return _found(unit, f"规则指定{unit.name}", f"The rule names {unit.name}")


def _found(unit: Unit, zh: str, en: str) -> Found:
    return Found(unit, Said(f"{zh}。", f"{en}."))


def _none(zh: str, en: str) -> Found:
    return Found(None, Said(f"{zh}。", f"{en}."))


def _of_component(word: str, facts: Facts, organizations: Organizations) -> Found:
    title, component = OF_COMPONENT[word], facts.component
    if component is None:
        return _of_candidates(word, facts, organizations)
    code, of = component.unit_code(word), component.code
    if code is None:
        return _none(f"部件{of}没有登记{title.zh}", f"Component {of} has no {title.en} on record")
    unit = organizations.unit(code)
    if unit is None:
        return _none(f"部件{of}的{title.zh}{code}不在单位表中", f"The {title.en} of component {of}, {code}, is not among the organisations")
    return _found(unit, f"部件{of}的{title.zh}是{unit.name}", f"The {title.en} of component {of} is {unit.name}")


def _of_candidates(word: str, facts: Facts, organizations: Organizations) -> Found:
    """Return the unit that all components have which may be concerned."""
    title, many = OF_COMPONENT[word], len(facts.candidates)
    if not many:
        return _none(f"没有确定到具体部件，无从查{title.zh}", f"No component is known whose {title.en} could be asked")
    codes = dict.fromkeys(one.unit_code(word) for one in facts.candidates)
    units = {code: organizations.unit(code) for code in codes if code is not None}
    unit = next(iter(units.values()), None)
    if unit is not None and len(codes) == 1:
        return _found(
            unit,
            f"不能确定是哪个部件，但可能的{many}个部件的{title.zh}都是{unit.name}",
            f"It is not sure which component is concerned, but the {title.en} of all {many} that may be is {unit.name}",
        )
    names = [found.name if found is not None else code for code, found in units.items()]
    return _none(
        f"不能确定是哪个部件，可能的{many}个部件的{title.zh}不同或没有登记：{'、'.join(names) or '无'}",
        f"It is not sure which component is concerned; the {many} that may be do not have one {title.en}: {', '.join(names) or 'none'}",
    )


def _of_area(level: Level, facts: Facts, roles: Roles) -> Found:
    title, area = OF_AREA[level], facts.area(level)
    if area is None:
        return _none(f"不知道在哪个{title.zh}", f"It is not known in which {title.en} the place is")
    found, of = roles.get((level, area.code)), f"{area.name or area.code}"
    if found is None:
        return _none(f"{title.zh}{of}没有责任单位", f"The {title.en} {of} has no responsible unit")
    unit = Unit(found.code, found.name or found.code)
    return _found(unit, f"{title.zh}{of}的责任单位是{unit.name}", f"{unit.name} is responsible for the {title.en} {of}")


def _of_locality(facts: Facts, roles: Roles) -> Found:
    for level in reversed(LEVELS):
        found = _of_area(level, facts, roles)
        if found.unit is not None:
            return found
    return _none("位置所在的各级区域都没有责任单位", "None of the areas of the place has a responsible unit")
