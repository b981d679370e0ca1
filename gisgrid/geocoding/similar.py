"""Names with a slip of the pen: what was meant, where nothing is called that."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extract

from gisgrid.addresses.alike import are_alike

# What tells one real name from another is never taken for a slip: 延安一路 and 延安二路, 泰山东路 and 泰山西路, 5 and 6.
_TELLING: Final = frozenset("一二三四五六七八九十零百千0123456789东西南北中上下前后大小新老支")
_MOST = 6


class Similar:
    """Some names, in which those that differ from a text by one slip are found."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = list(names)
        self._known: dict[str, tuple[str, ...]] = {}

    def to(self, text: str) -> tuple[str, ...]:
        """Return the names that may be meant by a text that is none of them; the likeliest first, none for short or strange ones."""
        if len(text) < 3 or len(text) > 40:
            return ()
        known = self._known.get(text)
        if known is None:
            if len(self._known) > 10_000:
                self._known.clear()
            found = extract(text, self._names, scorer=Levenshtein.distance, score_cutoff=1 if len(text) < 8 else 2, limit=None)
            slips = [name for name, _, _ in found if _is_slip(text, name)]
            alike = [name for name in slips if _is_alike(text, name)]  # 廷安路 is 延安路 and not one of many others that end in 安路
            known = self._known[text] = tuple((alike or slips)[:_MOST])
        return known


def _is_slip(text: str, name: str) -> bool:
    """Return whether a name may be what was meant by a text: the two differ in nothing that tells names apart."""
    for edit in Levenshtein.editops(text, name):
        gone = text[edit.src_pos] if edit.tag != "insert" else ""
        come = name[edit.dest_pos] if edit.tag != "delete" else ""
        if not _TELLING.isdisjoint((gone, come)):
            return False
    return True


def _is_alike(text: str, name: str) -> bool:
    """Return whether a text and a name differ in characters only that look or sound alike."""
    return all(edit.tag == "replace" and are_alike(text[edit.src_pos], name[edit.dest_pos]) for edit in Levenshtein.editops(text, name))
