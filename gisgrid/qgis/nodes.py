"""XML elements in few words, and the typed options that QGIS keeps most of its settings in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

Node = ET.Element
"""An XML element."""


def node(tag: str, attributes: Mapping[str, object] | None = None, *children: Node, text: str | None = None) -> Node:
    """Return an element; attributes may be of any type, booleans are written ``1`` and ``0``."""
    made = ET.Element(tag, {name: _plain(value) for name, value in (attributes or {}).items()})
    made.extend(children)
    made.text = text
    return made


def options(values: Mapping[str, Any]) -> Node:
    """Return ``values`` as QGIS's map of options; values are text, booleans, numbers, lists and mappings of these."""
    return _option(None, values)


def document(root: Node, doctype: str = "<!DOCTYPE qgis>") -> str:
    """Return ``root`` as a document of text; equal elements give equal text."""
    return f"{doctype}\n{ET.tostring(root, encoding='unicode')}\n"


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _option(name: str | None, value: Any) -> Node:
    named = {} if name is None else {"name": name}
    if isinstance(value, Mapping):
        return node("Option", named | {"type": "Map"}, *(_option(key, item) for key, item in value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return node("Option", named | {"type": "List"}, *(_option(None, item) for item in value))
    if value is None:
        return node("Option", named | {"type": "invalid"})
    kind = {bool: "bool", int: "int", float: "double"}.get(type(value), "QString")
    return node("Option", named | {"type": kind, "value": str(value).lower() if kind == "bool" else value})
