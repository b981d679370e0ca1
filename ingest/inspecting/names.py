"""How much a name in a file looks like a word from the tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

_DBF_WIDTH = 10
_COMPOUNDED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # kana, Chinese characters, Hangul: no blanks between words
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

EXACT = 100
CUT = 85
NUMBERED = 80
PART = 60


class Match(NamedTuple):
    """How well a name fits a list of words: ``score`` from 0 to 100, higher for earlier words, and the word that fitted."""

    score: float
    word: str = ""


@lru_cache(maxsize=20_000)
def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a name, folded: without accents and case, split at punctuation, blanks and capitals.

    >>> tokens("Bldg_HeightM2"), tokens("网格 编码")
    (('bldg', 'height', 'm2'), ('网格', '编码'))
    """
    plain = unicodedata.normalize("NFKD", _CAMEL.sub(" ", name))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("ß", "ss").casefold()
    return tuple(re.findall(r"[^\W_]+", plain))


def folded(name: str) -> str:
    """Return a name without case, accents, blanks and punctuation."""
    return "".join(tokens(name))


def similarity(name: str, word: str) -> float:
    """Return from 0 (nothing in common) to 100 (the same) how much a name in a file looks like ``word``."""
    ours, theirs = folded(name), folded(word)
    if not ours or not theirs:
        return 0
    if ours == theirs:
        return EXACT
    if len(name) == _DBF_WIDTH and len(ours) >= 5 and theirs.startswith(ours):
        return CUT  # a DBF keeps ten characters of a name
    if ours.rstrip("0123456789") == theirs:
        return NUMBERED
    return _partial(name, ours, word, theirs)


def _partial(name: str, ours: str, word: str, theirs: str) -> float:
    if _COMPOUNDED.search(word):
        return PART + 20 * len(theirs) / len(ours) if theirs in ours else 0
    parts, wanted = tokens(name), tokens(word)
    if len(theirs) < 2 or not any(parts[i : i + len(wanted)] == wanted for i in range(len(parts))):
        return 0
    return PART + 20 * len(theirs) / len(ours)


def best_match(name: str, words: Iterable[str]) -> Match:
    """Return how well ``name`` fits the best of ``words``; of equally good ones the first."""
    best = Match(0)
    for number, word in enumerate(words):
        score = similarity(name, word)
        score -= min(number, 40) * 0.2 if score else 0
        if score > best.score:
            best = Match(score, word)
    return best


def mentions(text: str, words: Iterable[str]) -> str | None:
    """Return the first of ``words`` that ``text`` mentions as a whole word, None when there is none.

    A Chinese, Japanese or Korean word counts wherever it stands.
    """
    return next((word for word in words if similarity(text, word) > 0), None)
