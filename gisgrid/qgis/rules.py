"""Renderers of QGIS by rules: which features are drawn with which symbol, from which scale on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gisgrid.qgis.nodes import Node, node
from gisgrid.qgis.symbols import Symbol, is_generated, symbol_node

_KEYS = uuid.UUID("6c1f4f0e-5a39-4d5a-9b0e-0d2f6f8f3b11")
"""From which the keys of rules are made: the same rule has the same key in every file."""


class Rule(NamedTuple):
    """Features that fit ``filter`` (an expression; empty: all) are drawn with ``symbol``; the rules below it narrow it down.

    ``from_scale`` is the denominator of the smallest scale at which the rule holds, 0 for any.
    """

    label: str
    symbol: Symbol | None
    filter: str = ""
    below: tuple[Rule, ...] = ()
    from_scale: int = 0


def renderer_node(rules: Sequence[Rule]) -> Node:
    """Return the renderer of a layer: one symbol where there is one rule for all features, else by rules."""
    if len(rules) == 1 and rules[0].symbol is not None and not rules[0].filter and not rules[0].below:
        symbols = node("symbols", {}, symbol_node(rules[0].symbol))
        return node("renderer-v2", {"type": "singleSymbol", "forceraster": "0", "symbollevels": "0", "enableorderby": "0"}, symbols)
    drawn: list[Symbol] = []
    root = node("rules", {"key": _key("root")}, *(_rule_node(rule, drawn, str(number)) for number, rule in enumerate(rules)))
    symbols = node("symbols", {}, *(symbol_node(symbol, str(index)) for index, symbol in enumerate(drawn)))
    return node("renderer-v2", {"type": "RuleRenderer", "forceraster": "0", "symbollevels": "0", "enableorderby": "0"}, root, symbols)


def flat(rules: Sequence[Rule], within: str = "") -> Iterator[Rule]:
    """Give the rules that draw, each with its whole filter: for renderers that know no rules below rules."""
    for rule in rules:
        whole = " AND ".join(f"({part})" for part in (within, rule.filter) if part)
        if rule.symbol is not None:
            yield Rule(rule.label, rule.symbol, whole)
        yield from flat(rule.below, whole)


def legend_order(rules: Sequence[Rule]) -> str:
    """Return which entries of a legend are shown, as QGIS writes it: all but those of symbols that have no size of their own."""
    shown = (number for number, rule in enumerate(_every(rules)) if not is_generated(rule.symbol))
    return ",".join(map(str, shown))


def _every(rules: Sequence[Rule]) -> Iterator[Rule]:
    for rule in rules:
        yield rule
        yield from _every(rule.below)


def _rule_node(rule: Rule, drawn: list[Symbol], place: str) -> Node:
    attributes: dict[str, object] = {"key": _key(f"{place}/{rule.label}"), "label": rule.label}
    if rule.filter:
        attributes["filter"] = rule.filter
    if rule.from_scale:
        attributes |= {"scalemindenom": 1, "scalemaxdenom": rule.from_scale}
    if rule.symbol is not None:
        attributes["symbol"] = len(drawn)
        drawn.append(rule.symbol)
    return node("rule", attributes, *(_rule_node(item, drawn, f"{place}/{number}") for number, item in enumerate(rule.below)))


def _key(name: str) -> str:
    return f"{{{uuid.uuid5(_KEYS, name)}}}"
