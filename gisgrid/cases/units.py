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
    "department": Said("主管部门", "department in charge"),
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
        return Found(None, Said(f"单位表中没有“{word}”", f"there is no organisation {word!r}"))
    return Found(unit, Said(f"规则指定{unit.name}", f"the rule names {unit.name}"))


def _of_component(word: str, facts: Facts, organizations: Organizations) -> Found:
    title, component = OF_COMPONENT[word], facts.component
    if component is None:
        return Found(None, Said(f"没有确定到具体部件，无从查{title.zh}", f"no component is known whose {title.en} could be asked"))
    code = {"owner": component.owner_code, "maintainer": component.maintainer_code, "department": component.department_code}[word]
    if not code:
        return Found(None, Said(f"部件{component.code}没有登记{title.zh}", f"component {component.code} has no {title.en} on record"))
    unit = organizations.unit(code)
    if unit is None:
        return Found(
            None,
            Said(
                f"部件{component.code}的{title.zh}{code}不在单位表中",
                f"the {title.en} {code} of component {component.code} is not among the organisations",
            ),
        )
    return Found(
        unit, Said(f"部件{component.code}的{title.zh}是{unit.name}", f"the {title.en} of component {component.code} is {unit.name}")
    )


def _of_area(level: Level, facts: Facts, roles: Roles) -> Found:
    title, area = OF_AREA[level], facts.area(level)
    if area is None:
        return Found(None, Said(f"位置不在任何{title.zh}内", f"the place is in no {title.en} that is known"))
    found = roles.get((level, area.code))
    if found is None:
        return Found(
            None, Said(f"{title.zh}{area.name}({area.code})没有责任单位", f"{title.en} {area.name} ({area.code}) has no responsible unit")
        )
    name = found.name or found.code
    return Found(
        Unit(found.code, name), Said(f"{title.zh}{area.name}的责任单位是{name}", f"{name} is responsible for {title.en} {area.name}")
    )


def _of_locality(facts: Facts, roles: Roles) -> Found:
    for level in reversed(LEVELS):
        found = _of_area(level, facts, roles)
        if found.unit is not None:
            return found
    return Found(None, Said("位置所在的各级区域都没有责任单位", "none of the areas that the place is in has a responsible unit"))
