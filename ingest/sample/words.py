"""Words for names: read from data/names/names.toml, and the families of road names made of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache

import numpy as np

from gisgrid import paths
from gisgrid.addresses.characters import NUMERALS

_FAMILIES: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.46, ("路",)),
    (0.10, ("路", "支路")),
    (0.16, ("路", "一路", "二路", "三路")),
    (0.10, ("一路", "二路", "三路", "四路", "五路")),
    (0.09, ("东路", "西路")),
    (0.05, ("南路", "北路")),
    (0.04, ("路", "街")),
)
_MORE = (
    "路",
    *(f"{n}路" for n in NUMERALS[1:]),
    "支路",
    "东路",
    "西路",
    "南路",
    "北路",
    "中路",
    "街",
    *(f"{n}街" for n in NUMERALS[1:]),
    "巷",
)


@cache
def words() -> dict[str, tuple[str, ...]]:
    """Return the lists of words by their names in the file."""
    with (paths.data_dir() / "names" / "names.toml").open("rb") as file:
        return {key: tuple(dict.fromkeys(value.split())) for key, value in tomllib.load(file).items()}


def road_names(rng: np.random.Generator, taken: set[str]) -> Iterator[str]:
    """Yield road names without end and without repeats, members of a family one after the other; ``taken`` grows with them."""
    bases = list(words()["places"])
    rng.shuffle(bases)
    chances = np.array([chance for chance, _ in _FAMILIES])
    for base in bases:
        yield from _fresh(base, _FAMILIES[rng.choice(len(_FAMILIES), p=chances / chances.sum())][1], taken)
    for base in bases:
        yield from _fresh(base, _MORE, taken)
    for first in bases:
        for second in bases:
            yield from _fresh(first[0] + second[-1], ("路", "街"), taken)


def _fresh(base: str, tails: tuple[str, ...], taken: set[str]) -> Iterator[str]:
    for tail in tails:
        name = base + tail
        if name not in taken:
            taken.add(name)
            yield name


def person_names(rng: np.random.Generator, count: int) -> list[str]:
    """Return invented personal names; the same one may come twice, as in life."""
    surnames, given = words()["surnames"], words()["given"]
    # Frequent surnames stand first in the list.
    ranks = np.minimum(rng.geometric(0.035, count) - 1, len(surnames) - 1)
    return [surnames[a] + given[b] for a, b in zip(ranks.tolist(), rng.integers(0, len(given), count).tolist(), strict=True)]
