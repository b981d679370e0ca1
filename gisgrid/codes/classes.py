"""The classes of components in each (scheme, edition), read from data/codes/component_classes.csv."""

from __future__ import annotations

import csv
from functools import cache
from typing import NamedTuple

from gisgrid import paths


class ComponentClass(NamedTuple):
    """One class of a scheme's edition; ``is_cover`` says that it is a manhole cover.

    The same ``code`` means different things in different editions (0114 is "no owner" in 2007 and "garden" in 2013),
    so a class is known only by all three of scheme, edition and code.
    """

    scheme: str
    edition: str
    code: str
    major: str
    name: str
    is_cover: bool


@cache
def component_classes() -> dict[tuple[str, str, str], ComponentClass]:
    """Return every known class by its (scheme, edition, code)."""
    with (paths.data_dir() / "codes" / "component_classes.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            ComponentClass(r["scheme"], r["edition"], r["code"], r["major"], r["name"], r["is_cover"] == "1") for r in csv.DictReader(file)
        ]
    return {(row.scheme, row.edition, row.code): row for row in rows}
