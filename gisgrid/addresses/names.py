"""The names that a city knows, found where they begin in a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gisgrid.addresses.characters import normal_name
from gisgrid.addresses.parsed import NameKind

_Found = tuple[int, frozenset[NameKind]]


class Names:
    """A vocabulary of names with what each stands for, made of ``{name: kinds}``.

    Names are brought to the form of a normalised text; one that comes twice stands for what both say. Names of one character
    are left out: they would be found everywhere.
    """

    def __init__(self, names: Mapping[str, Iterable[NameKind]]) -> None:
        kinds: dict[str, frozenset[NameKind]] = {}
        for name, given in names.items():
            plain = normal_name(name)
            if len(plain) > 1:
                kinds[plain] = kinds.get(plain, frozenset()) | frozenset(given)
        self._kinds = kinds
        self.ends: dict[str, Any] = {}
        lengths: dict[str, set[int]] = {}
        for name in kinds:
            lengths.setdefault(name[:3], set()).add(len(name))
        for start, found in lengths.items():
            if start[:2] in kinds:
                found.add(2)
        # By the first three characters: almost every place of a text is done with after two looks into a dictionary.
        self._lengths = {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def kinds(self, name: str) -> frozenset[NameKind]:
        """Return what a name in its normal form stands for; nothing when it is not known."""
        return self._kinds.get(name, frozenset())

    def names_at(self, text: str, start: int) -> Sequence[_Found]:
        """Return the known names that begin at ``start`` of a normalised text: where each ends and what it may stand for, longest first."""
        lengths = self._lengths.get(text[start : start + 3]) or self._lengths.get(text[start : start + 2])
        if lengths is None:
            return ()
        found: list[_Found] = []
        for length in lengths:
            kinds = self._kinds.get(text[start : start + length])
            if kinds is not None and start + length <= len(text):
                found.append((start + length, kinds))
        return found

    def longest_at(self, text: str, start: int) -> _Found | None:
        """Return the first of ``names_at``, None where no known name begins."""
        lengths = self._lengths.get(text[start : start + 3]) or self._lengths.get(text[start : start + 2])
        if lengths is not None:
            known = self._kinds
            for length in lengths:
                name = text[start : start + length]
                kinds = known.get(name)
                if kinds is not None:
                    return start + len(name), kinds  # at the end of the text the slice is shorter than the length
        return None
