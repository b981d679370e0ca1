"""Query parameters: one small parser each, which names the parameter and what was expected.

A parameter is declared once: its parser here and its words in the OpenAPI document come from the same place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_plus

from gisgrid.errors import ParameterError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_SHOWN = 60

TEXT_PATTERN = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
"""What a text is that has to say something: not blanks alone, and without a null character, which no parameter may hold."""

MAX_WORDS = 50
"""Most values of one field that can be asked for at once."""


class Parameter(NamedTuple):
    """What the OpenAPI document says of a query parameter."""

    name: str
    description: str
    schema: Mapping[str, object]
    example: object
    required: bool = False


def parse_query(raw: bytes, known: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the parameters of a query string, decoded; raises ParameterError for unknown and for repeated ones."""
    values: dict[str, str] = {}
    for pair in raw.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name), unquote_plus(value)
            if "\0" in pair or "%00" in pair:
                raise ParameterError(name.replace("\0", "")[:_SHOWN], "holds a null character.", "a text without it")
        if name not in known:
            if not pair:
                continue
            raise ParameterError(name[:_SHOWN], "there is no such parameter here.", _listed(known))
        if name in values:
            raise ParameterError(name, "is given more than once.", "it once")
        values[name] = value
    return values


def _listed(known: Mapping[str, Parameter]) -> str:
    return f"only {', '.join(known)}" if known else "no parameters"


def parse_number(name: str, text: str, expected: str) -> float:
    """Return a finite decimal number; raises ParameterError for NaN, infinities and all that is not a number."""
    if _NUMBER.fullmatch(text):
        value = float(text)
        if math.isfinite(value):
            return value
    raise ParameterError(name, f"{text[:_SHOWN]!r} is not a finite number." if text else "is empty.", expected)


def parse_ranged(name: str, text: str, low: float, high: float, expected: str) -> float:
    """Return a number from ``low`` to ``high``, both included; raises ParameterError otherwise."""
    value = parse_number(name, text, expected)
    if not low <= value <= high:
        raise ParameterError(name, f"{text[:_SHOWN]} is out of range.", expected)
    return value


def parse_count(name: str, text: str, high: int) -> int:
    """Return a whole number from 1 to ``high``; raises ParameterError otherwise."""
    expected = f"a whole number from 1 to {high}"
    if not _WHOLE.fullmatch(text):
        raise ParameterError(name, f"{text[:_SHOWN]!r} is not a whole number.", expected)
    value = int(text)
    if not 1 <= value <= high:
        raise ParameterError(name, f"{text} is out of range.", expected)
    return value


def parse_choices(name: str, text: str, choices: tuple[str, ...]) -> frozenset[str]:
    """Return the words of a list with commas, each of which must be one of ``choices``; raises ParameterError otherwise."""
    chosen = frozenset(text.split(","))
    for word in sorted(chosen.difference(choices)):
        raise ParameterError(name, f"{word[:_SHOWN]!r} is not known.", f"any of {', '.join(choices)}, with commas")
    return chosen


def parse_flag(name: str, text: str) -> bool:
    """Return what ``true`` or ``false`` says; raises ParameterError for anything else."""
    return parse_word(name, text, ("true", "false")) == "true"


def parse_word(name: str, text: str, choices: tuple[str, ...] = ()) -> str:
    """Return one word, which must be one of ``choices`` if there are any; raises ParameterError when it is not, or empty."""
    if not text.strip():
        raise ParameterError(name, "is empty.", f"one of {', '.join(choices)}" if choices else "a value, or no such parameter")
    if choices and text not in choices:
        raise ParameterError(name, f"{text[:_SHOWN]!r} is not known.", f"one of {', '.join(choices)}")
    return text


def parse_words(name: str, text: str, choices: tuple[str, ...] = (), most: int = MAX_WORDS) -> frozenset[str]:
    """Return the words of a list with commas; raises ParameterError for one that is none of ``choices``, and for more than ``most``.

    Without ``choices`` any word will do, the empty one too, which stands for no value.
    """
    words = frozenset(parse_word(name, word, choices) if choices else word.strip() for word in text.split(","))
    if len(words) > most:
        raise ParameterError(name, f"{len(words)} values are given.", f"at most {most}" if most > 1 else "one value")
    return words
