"""The names that a city knows, found where they begin in a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        lengths: dict[str, set[int]] = {}
        for name in kinds:
            lengths.setdefault(name[:2], set()).add(len(name))
        # By the first two characters: almost every place of a text is done with after one look into a dictionary.
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
        lengths = self._lengths.get(text[start : start + 2])
        if lengths is None:
            return ()
        found: list[_Found] = []
        for length in lengths:
            kinds = self._kinds.get(text[start : start + length])
            if kinds is not None and start + length <= len(text):
                found.append((start + length, kinds))
        return found
