"""Reading a filter: text or JSON in, a ``Filter`` out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import cql2

from gisgrid.cql2.canonical import canonical
from gisgrid.cql2.filter import Filter, refused
from gisgrid.cql2.guard import check_depth, check_length, check_text
from gisgrid.errors import ParameterError

_PLACE = re.compile(r"-->\s*(\d+):(\d+)")


def parse(text: str, lang: str = "cql2-text", place: Callable[[Any], Any] | None = None) -> Filter:
    """Return the filter that ``text`` writes in ``lang`` (``cql2-text`` or ``cql2-json``).

    ``place`` makes longitude and latitude of the shapes in it when they are written in another system (see ``placing``).

    Two texts that differ only in notation, spaces, the order of what ``and``, ``or`` and ``in`` join, or the side on which the literal of a
    comparison stands, give equal filters. Raises ParameterError: ``filter-lang`` for another language, ``filter`` for what cannot be read.
    """
    if lang == "cql2-text":
        check_text(text)
        expression = _read_text(text)
    elif lang == "cql2-json":
        check_length(text)
        expression = _read_json(text)
    else:
        raise ParameterError("filter-lang", f"{lang[:40]!r} is not a language of filters here.", "cql2-text or cql2-json")
    check_depth(expression)
    normal = canonical(expression if place is None else place(expression))
    return Filter(json.dumps(normal, ensure_ascii=False, separators=(",", ":"), sort_keys=True), normal)


def _read_text(text: str) -> Any:
    try:
        return cql2.parse_text(text).to_json()
    except cql2.ParseError as error:
        raise refused(f"it cannot be read as CQL2 text{_where(text, str(error))}.", "such as state = 'broken' AND floors > 3") from None


def _read_json(text: str) -> Any:
    try:
        return cql2.parse_json(text).to_json()
    except cql2.ParseError:
        raise refused("it cannot be read as CQL2 JSON.", 'such as {"op":"=","args":[{"property":"state"},"broken"]}') from None


def _where(text: str, said: str) -> str:
    """Return where the parser stopped, as it says in ``said``: the place and the text there."""
    found = _PLACE.search(said)
    if found is None:
        return ""
    line, column = int(found[1]), int(found[2])
    lines = text.split("\n")
    rest = lines[line - 1][column - 1 :][:20] if line <= len(lines) else ""
    return (
        f" from character {column}{f' of line {line}' if len(lines) > 1 else ''} on ({rest!r})" if rest.strip() else ": its end is missing"
    )
