"""Whether a rule fits a case."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from gisgrid.addresses import simplified
from gisgrid.cases.categories import Category
from gisgrid.cases.facts import Facts
from gisgrid.cases.rules import Rule
from gisgrid.matching.reading import MAX_TEXT, read_report
from gisgrid.matching.vocabulary import plain
from gisgrid.types import LEVELS

ANY_COVER = "cover"
"""The class pattern that every manhole cover fits."""

# What is said not to be so does not count: 无安全隐患, 未见破损.
_NOT = "(?<!无)(?<!没有)(?<!没)(?<!不存在)(?<!未)(?<!未见)(?<!不)(?<!并非)"


class Reading(NamedTuple):
    """What the rules look at in a case, made once for all of them."""

    category: Category
    text: str
    states: frozenset[str]
    areas: tuple[str, ...]


def reading(facts: Facts) -> Reading:
    """Return what the rules look at in a case."""
    text = simplified(facts.text[:MAX_TEXT])[:MAX_TEXT]  # a character may become several
    areas = tuple(area.code for level in LEVELS if (area := facts.area(level)) is not None)
    return Reading(facts.category, plain(text), frozenset(read_report(text).states), areas)


def fitting(rules: tuple[Rule, ...], case: Reading) -> list[Rule]:
    """Return the rules of which every condition holds, in their order."""
    return [
        rule
        for rule in _of_category(rules, case.category)
        if (not rule.areas or any(code.startswith(rule.areas) for code in case.areas))
        and (not (rule.words or rule.states) or not case.states.isdisjoint(rule.states) or has_word(case.text, rule.words))
        and not (rule.without and any(word in case.text for word in _plain(rule.without)))
    ]


# Cases are of few categories: most rules need not be looked at again for each case.
@lru_cache(maxsize=1024)
def _of_category(rules: tuple[Rule, ...], category: Category) -> tuple[Rule, ...]:
    """Return the rules that are for cases of a category."""
    return tuple(
        rule
        for rule in rules
        if rule.kind in (None, category.kind) and (not rule.classes or any(class_fits(pattern, category) for pattern in rule.classes))
    )


@lru_cache(maxsize=16_384)
def class_fits(pattern: str, category: Category) -> bool:
    """Say whether a class is one that a pattern means.

    A pattern is ``cover`` (every manhole cover), the kind of a component (``sewage``), the name of a class (污水井盖), a code
    (``0102``, ``06*`` for all that begin so), or ``scheme:code``.
    """
    if pattern == ANY_COVER:
        return category.is_cover
    codes = (category.class_code, f"{category.scheme}:{category.class_code}")
    return (
        pattern == category.component_kind
        or (category.class_code != "" and any(fnmatchcase(code, pattern) for code in codes))
        or (category.how != "unknown" and plain(pattern) == plain(category.name))
    )


def has_word(text: str, words: tuple[str, ...]) -> bool:
    """Say whether a plain text has one of the words, and does not deny it."""
    return bool(words) and _any_of(words).search(text) is not None


@lru_cache(maxsize=1024)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(f"{_NOT}(?:{'|'.join(map(re.escape, _plain(words)))})")


@lru_cache(maxsize=1024)
def _plain(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(plain, words))
