"""Classes of manhole covers by the names that people write: 污水, 污水井, 污水检查井盖, 污水古力."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache

from gisgrid import paths
from gisgrid.codes.classes import ClassKey, ComponentClass, component_classes, of_edition

# Words for "manhole" and "cover" that a name may end with; Qingdao says 古力 for a manhole.
_COVER = re.compile(r"(?:检查井|窨井|古力|井|盖)(?:井|口)?(?:盖板|盖子|盖)?$")
_GRATING = "箅子"
_BLANKS = re.compile(r"\s+")
_BRACKETS = str.maketrans("()", "（）")


class ClassNames:
    """The classes of one scheme's edition by name: the list's own names first, then what else covers are called.

    A word that is the name of something else than a cover in any edition (路灯 is a lamp, 路灯井盖 a cover) means a cover only
    with a word for manhole after it.
    """

    def __init__(self, scheme: str, edition: str, classes: Mapping[ClassKey, ComponentClass] | None = None) -> None:
        known = component_classes() if classes is None else classes
        own = of_edition(known, scheme, edition)
        covers = [item for item in own if item.is_cover]
        self._by_name = {_plain(item.name): item.code for item in reversed(own)}
        self._by_stem = {_stem(_plain(item.name)): item.code for item in reversed(covers)}
        self._by_kind = {item.kind: item.code for item in reversed(covers) if item.kind}
        self._others = {_plain(item.name) for item in known.values() if not item.is_cover}
        self.names = tuple(item.name for item in covers)

    def code(self, name: str) -> str | None:
        """Return the code of the class called ``name``, None when no class is."""
        plain = _plain(name)
        if plain in self._by_name:
            return self._by_name[plain]
        if plain in self._others:
            return None
        stem = _stem(plain)
        return self._by_stem.get(stem) or self._by_kind.get(_aliases().get(stem, "?"))


@cache
def kind_words() -> dict[str, str]:
    """Return the kind of cover for each word that stands before 井盖, 井 or 古力: the names in every edition, and what else people say.

    >>> kind_words()["上水"], kind_words()["煤气"]
    ('water_supply', 'gas')
    """
    words = {alias: kind for alias, kind in _aliases().items() if alias}
    for item in component_classes().values():
        name = _plain(item.name)
        if item.kind and ((item.is_cover and _stem(name) != name) or name.endswith(_GRATING)):
            words.setdefault(_stem(name), item.kind)
    return words


def _plain(name: str) -> str:
    return _BLANKS.sub("", name).translate(_BRACKETS)


def _stem(name: str) -> str:
    return _COVER.sub("", name)


@cache
def _aliases() -> dict[str, str]:
    """Return the kind of cover for each word that people use for it; the empty word is a mere 井盖 or 古力."""
    with (paths.data_dir() / "codes" / "class_aliases.csv").open(encoding="utf-8", newline="") as file:
        return {row["alias"]: row["kind"] for row in csv.DictReader(file)}
