"""The classes of components in each (scheme, edition), read from data/codes/component_classes.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from gisgrid import paths

ClassKey = tuple[str, str, str]
"""What names a class: scheme, edition, code."""


class ComponentClass(NamedTuple):
    """One class of a scheme's edition; ``is_cover`` says that it is a manhole cover.

    The same ``code`` means different things in different editions (0114 is "no owner" in 2007 and "garden" in 2013),
    so a class is known only by all three of scheme, edition and code. ``kind`` is the same word for the same thing in
    every scheme and edition, such as ``sewage``; empty where a class has no counterpart that is sure.
    """

    scheme: str
    edition: str
    code: str
    major: str
    name: str
    is_cover: bool
    kind: str = ""


@cache
def component_classes() -> dict[ClassKey, ComponentClass]:
    """Return every class that ships with gisgrid by its (scheme, edition, code)."""
    with (paths.data_dir() / "codes" / "component_classes.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            ComponentClass(r["scheme"], r["edition"], r["code"], r["major"], r["name"], r["is_cover"] == "1", r["kind"])
            for r in csv.DictReader(file)
        ]
    return {(row.scheme, row.edition, row.code): row for row in rows}


def of_edition(classes: Mapping[ClassKey, ComponentClass], scheme: str, edition: str) -> list[ComponentClass]:
    """Return the classes of one scheme's edition, in the order of their list."""
    return [item for item in classes.values() if (item.scheme, item.edition) == (scheme, edition)]
