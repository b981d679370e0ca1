"""The classes of events (事项) of GB/T 47678.5-2026, with what people call them, read from data/codes/event_classes.csv."""

from __future__ import annotations

import csv
from functools import cache
from typing import NamedTuple

from gisgrid import paths

_SEPARATOR = "|"


class EventClass(NamedTuple):
    """One class of events; ``words`` are what reporters write for it beside its name.

    Classes of scheme ``extension`` are not in the standard: what hotlines are told all the same, numbered down from 999 in their
    major class, as cities do with classes of their own.
    """

    scheme: str
    edition: str
    code: str
    major: str
    name: str
    name_en: str
    words: tuple[str, ...]


@cache
def event_classes() -> tuple[EventClass, ...]:
    """Return the classes of events in the order of their list."""
    return tuple(
        EventClass(r["scheme"], r["edition"], r["code"], r["class"], r["name"], r["name_en"], _words(r["words"]))
        for r in _rows("event_classes.csv")
    )


@cache
def component_words() -> dict[str, str]:
    """Return the kind of component for each word that people use for it; manhole covers have words of their own.

    >>> component_words()["红绿灯"]
    'traffic_light'
    """
    return {word: row["kind"] for row in _rows("component_words.csv") for word in _words(row["words"])}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(_SEPARATOR) if word)


def _rows(name: str) -> list[dict[str, str]]:
    with (paths.data_dir() / "codes" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
