"""Forms of QGIS: names of fields, widgets with lists of values, what cannot be changed, what a value must be like, tabs, map tips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gisgrid.codes import of_edition
from gisgrid.deployment import Deployment
from gisgrid.layers import LAYERS, Field, Layer
from gisgrid.qgis.colours import words
from gisgrid.qgis.looks import Language, quoted, word
from gisgrid.qgis.nodes import Node, node, options
from gisgrid.types import LEVELS

_NOT_NULL, _EXPRESSION, _HARD, _SOFT = 1, 4, 1, 2
HIDDEN = (
    *("geom", "geom_3857", "geom_gcj02", "spec", "version", "changed_at", "source_id", "valid_from", "valid_to"),
    *("generation_id", "level", "run_id", "created_at", "retired_at"),
)
"""Columns of views that are none of an analyst's business."""


def form_nodes(layer: Layer, deployment: Deployment, language: Language) -> list[Node]:
    """Return what QGIS keeps of a layer's fields and form: configuration, aliases, defaults, constraints, tabs, what is read-only."""
    fields = [Field("id", "integer", "编号", "Number"), *layer.fields]
    widgets = {field.name: _widget(field, layer, deployment, language) for field in fields}
    rules = _constraints(layer, deployment, language)
    configuration = [_configured(name, kind, config) for name, (kind, config) in widgets.items()]
    configuration += [_configured(name, "Hidden", {}) for name in HIDDEN if name not in widgets]
    fixed = [field.name for field in fields if is_fixed(layer, field)]
    return [
        node("fieldConfiguration", {}, *configuration),
        node("aliases", {}, *(_alias(index, field, language) for index, field in enumerate(fields))),
        node("defaults", {}, *(_default(name, value) for name, value in _defaults(layer, deployment).items())),
        node("constraints", {}, *(_constraint(name, rule) for name, rule in rules.items())),
        node("constraintExpressions", {}, *(_expression(name, rule) for name, rule in rules.items())),
        node("attributetableconfig", {"sortExpression": "", "actionWidgetStyle": "dropDown", "sortOrder": "0"}, _columns(layer)),
        node("editorlayout", text="tablayout"),
        node("attributeEditorForm", {}, *_tabs(layer, language)),
        node("editable", {}, *(node("field", {"name": name, "editable": "0"}) for name in (*fixed, *HIDDEN))),
        node("labelOnTop"),
        node("previewExpression", text=_preview(layer)),
        node("mapTip", text=_tip(layer, language)),
    ]


def is_fixed(layer: Layer, field: Field) -> bool:
    """Say whether a field is worked out or written by the program, so that a form only shows it."""
    names = words()["worked_out"] if layer.id != "cameras" else ("id",)
    return field.name in names or not layer.loadable


def title(field: Field, language: Language) -> str:
    """Return what a field is called, with its unit."""
    name = field.title_zh if language == "zh" else field.title_en
    return f"{name} ({field.unit.replace('deg', '°').replace('m2', 'm²')})" if field.unit else name


def _widget(field: Field, layer: Layer, deployment: Deployment, language: Language) -> tuple[str, Mapping[str, Any]]:
    choices = dict(_choices(field, layer, deployment, language))
    if choices:
        return "ValueMap", {"map": [{label: value} for value, label in choices.items()]}
    if field.type == "date":
        return "DateTime", {"allow_null": True, "calendar_popup": True, "display_format": "yyyy-MM-dd", "field_format": "yyyy-MM-dd"}
    limits = words()["ranges"].get(field.name)
    if limits is not None:
        low, high, decimals = limits
        return "Range", {"AllowNull": True, "Min": low, "Max": high, "Precision": decimals, "Step": 1, "Style": "SpinBox", "Suffix": ""}
    return "TextEdit", {"IsMultiline": field.name in words()["several_lines"], "UseHtml": False}


def _choices(field: Field, layer: Layer, deployment: Deployment, language: Language) -> Iterator[tuple[str, str]]:
    """Give the values of a field's list with their labels, none for a field without a list."""
    values = words()["values"].get(f"{layer.id}.{field.name}") or words()["values"].get(field.name, {})
    if layer.id == "manhole_covers" and field.name == "kind":
        values = {}
    yield from ((value, word(pair, language)) for value, pair in values.items())
    if layer.id == "manhole_covers" and field.name in {"class_code", "scheme", "edition"}:
        yield from _codes(field.name, deployment)
    if layer.id == "quality_issues" and field.name == "layer":
        yield from ((item.id, item.title_zh if language == "zh" else item.title_en) for item in LAYERS)


def _codes(name: str, deployment: Deployment) -> Iterator[tuple[str, str]]:
    schemes = deployment.components.schemes
    for item in schemes:
        if name != "class_code":
            value = getattr(item, name)
            yield value, value
            continue
        of_which = f" ({item.scheme}, {item.edition})" if len(schemes) > 1 else ""
        for known in of_edition(deployment.classes, item.scheme, item.edition):
            if known.is_cover:
                yield known.code, f"{known.code} {known.name}{of_which}"


def _defaults(layer: Layer, deployment: Deployment) -> dict[str, str]:
    """Return what a new feature begins with."""
    if layer.id != "manhole_covers":
        return {}
    first = deployment.components.schemes[0]
    return {"scheme": quoted(first.scheme), "edition": quoted(first.edition), "state": "'intact'"}


def _constraints(layer: Layer, deployment: Deployment, language: Language) -> dict[str, tuple[int, str, str]]:
    """Return by field what its value must be like: strength, expression, description. PostGIS checks the same, and more."""
    if not layer.loadable:
        return {}
    others = words()["others"]
    pattern, prefix = _pattern(layer, deployment)
    rules = {"code": (_HARD, f'regexp_match("code", {quoted(f"^(?:{pattern})$")}) > 0', f"{word(others['pattern'], language)}：{pattern}")}
    if prefix:
        rules["parent_code"] = (_SOFT, 'left("code", length("parent_code")) = "parent_code"', word(others["parent"], language))
    return rules


def _pattern(layer: Layer, deployment: Deployment) -> tuple[str, bool]:
    if layer.level is not None:
        rules = deployment.areas.get(layer.level)
        above = layer.level != LEVELS[0]
        return (rules.code_pattern, rules.parent_is_prefix and above) if rules else (".+", False)
    if layer.id == "manhole_covers":
        found = {deployment.components.pattern_of(item.scheme, item.edition): None for item in deployment.components.schemes}
        return "|".join(found), False
    return ".+", False


def _configured(name: str, kind: str, config: Mapping[str, Any]) -> Node:
    widget = node("editWidget", {"type": kind}, node("config", {}, options(config)))
    return node("field", {"name": name, "configurationFlags": "None"}, widget)


def _alias(index: int, field: Field, language: Language) -> Node:
    return node("alias", {"index": index, "field": field.name, "name": title(field, language)})


def _default(name: str, expression: str) -> Node:
    return node("default", {"field": name, "expression": expression, "applyOnUpdate": "0"})


def _constraint(name: str, rule: tuple[int, str, str]) -> Node:
    kinds = _EXPRESSION | (_NOT_NULL if name == "code" else 0)
    strengths = {"notnull_strength": _HARD if name == "code" else 0, "exp_strength": rule[0], "unique_strength": 0}
    return node("constraint", {"field": name, "constraints": kinds, **strengths})


def _expression(name: str, rule: tuple[int, str, str]) -> Node:
    return node("constraint", {"field": name, "exp": rule[1], "desc": rule[2]})


def _columns(layer: Layer) -> Node:
    own = ["id", *(field.name for field in layer.fields)]
    shown = [node("column", {"type": "field", "name": name, "hidden": "0", "width": "-1"}) for name in own]
    hidden = [node("column", {"type": "field", "name": name, "hidden": "1", "width": "-1"}) for name in HIDDEN if name not in own]
    return node("columns", {}, *shown, *hidden)


def _tabs(layer: Layer, language: Language) -> list[Node]:
    every = [field.name for field in layer.fields]
    name = layer.title_zh if language == "zh" else layer.title_en
    tabs = words()["tabs"].get(layer.id) or [[[name, name], every]]
    placed = {field for _, fields in tabs for field in fields}
    rest = [field for field in every if field not in placed]
    made = []
    for number, (titles, fields) in enumerate(tabs):
        names = [*fields, *(rest if number == len(tabs) - 1 else [])]
        children = (node("attributeEditorField", {"name": field, "index": "-1", "showLabel": "1"}) for field in names if field in every)
        made.append(
            node(
                "attributeEditorContainer",
                {"name": word(titles, language), "columnCount": "1", "groupBox": "0", "showLabel": "1"},
                *children,
            )
        )
    return made


def _preview(layer: Layer) -> str:
    names = {field.name for field in layer.fields}
    second = next((name for name in ("name", "message") if name in names), "code")
    return f"coalesce(\"code\", '') || ' ' || coalesce(\"{second}\", '')"


def _tip(layer: Layer, language: Language) -> str:
    """Return the map tip: a table of a few fields; values are escaped, for they may be anything."""
    by_name = {field.name: field for field in layer.fields}
    rows = [by_name[name] for name in words()["tips"].get(layer.id, ()) if name in by_name]
    body = "".join(f"<tr><td>{title(field, language)}&nbsp;</td><td>{_shown(_said(field, layer, language))}</td></tr>" for field in rows)
    return f"<b>{_shown(_preview(layer))}</b><table>{body}</table>"


def _said(field: Field, layer: Layer, language: Language) -> str:
    """Return the expression for a value as people say it."""
    values = words()["values"].get(f"{layer.id}.{field.name}") or words()["values"].get(field.name, {})
    if not values:
        return f'to_string(round("{field.name}", 1))' if field.type == "number" else f'to_string("{field.name}")'
    cases = " ".join(f"WHEN {quoted(value)} THEN {quoted(word(pair, language))}" for value, pair in values.items())
    return f'CASE "{field.name}" {cases} ELSE to_string("{field.name}") END'


def _shown(expression: str) -> str:
    return f"[% replace(coalesce({expression}, ''), map('&', '&amp;', '<', '&lt;', '>', '&gt;')) %]"
