"""The functions of expressions: what each takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.expressions.parts import Condition, Part, Scope, Worked, condition, first_of, number_part, on_numbers, on_texts, text_part

Parameter = Literal["part", "text", "whole"]
"""What an argument is: any part, a text in quotes, or a whole number."""

MOST_CHARACTERS = 1000
"""The largest whole number that a function takes: no text of a field is longer."""


class Function(NamedTuple):
    """One function: how it is written, what it does, its parameters (the last one repeated if ``repeats``), and its maker."""

    usage: str
    description: str
    parameters: tuple[Parameter, ...]
    required: int
    make: Callable[..., Part | Condition]
    repeats: bool = False

    @property
    def most(self) -> int:
        """The largest number of arguments."""
        return 100 if self.repeats else len(self.parameters)


def _simple(work: Callable[[pa.Array], pa.Array]) -> Callable[[Part], Part]:
    return lambda part: on_texts([part], work)


def _strip(part: Part, characters: str | None = None) -> Part:
    if characters is None:
        return on_texts([part], pc.utf8_trim_whitespace)
    return on_texts([part], lambda text: pc.utf8_trim(text, characters=characters))


def _replace(part: Part, old: str, new: str) -> Part:
    if not old:
        raise ValueError("replace needs a text to look for")
    return on_texts([part], lambda text: pc.replace_substring(text, pattern=old, replacement=new))


def slice_of(part: Part, start: int | None, stop: int | None = None) -> Part:
    """Return the characters from ``start`` (counted from 0, or from the end when negative) up to but without ``stop``."""
    return on_texts([part], lambda text: pc.utf8_slice_codeunits(text, start or 0, stop))


def _left(part: Part, count: int) -> Part:
    return slice_of(part, 0, max(count, 0))


def _right(part: Part, count: int) -> Part:
    return slice_of(part, -count, None) if count > 0 else slice_of(part, 0, 0)


def _concat(*parts: Part) -> Part:
    # Not null_handling="skip": that leaves out the rows in which all are null (seen in pyarrow 26).
    return on_texts(parts, lambda *texts: pc.binary_join_element_wise(*texts, "", null_handling="replace", null_replacement=""))


def _pad(part: Part, width: int, fill: str = "0") -> Part:
    if len(fill) != 1:
        raise ValueError("lpad fills with one character")
    return on_texts([part], lambda text: pc.utf8_lpad(text, width=max(width, 0), padding=fill))


def _split(part: Part, separator: str, number: int) -> Part:
    if not separator:
        raise ValueError("split needs a separator")
    return on_texts([part], lambda text: _nth(pc.split_pattern(text, pattern=separator), number))


def _nth(pieces: pa.ListArray, number: int) -> pa.Array:
    """Return member ``number`` of each list (from the end when negative), null where there is none."""
    starts, lengths = np.asarray(pieces.offsets[:-1]), np.asarray(pc.fill_null(pc.list_value_length(pieces), 0))
    position = number if number >= 0 else lengths + number
    there = (position >= 0) & (position < lengths)
    return pieces.values.take(pa.array(starts + position, mask=~there))


def _match(part: Part, pattern: str, group: int = 0) -> Part:
    # Replaced as a whole by the group, since Arrow can only extract groups that have names.
    whole = rf"(?s:^.*?)({pattern})(?s:.*)$"

    def find(text: pa.Array) -> pa.Array:
        found = pc.replace_substring_regex(text, pattern=whole, replacement=rf"\{group + 1}")
        return pc.if_else(pc.match_substring_regex(text, pattern=pattern), found, pa.scalar(None, pa.string()))

    if not 0 <= group <= 8:
        raise ValueError("match takes a group from 0 (all that matches) to 8")
    return on_texts([part], find)


def _round(part: Part, digits: int = 0) -> Part:
    return on_numbers([part], lambda number: pc.round(number, ndigits=digits))


def _length(part: Part) -> Part:
    def run(scope: Scope) -> Worked:
        found = part.text(scope)
        return Worked(pc.cast(pc.fill_null(pc.utf8_length(found.values), 0), pa.float64()), found.bad)

    return number_part(run)


def _contains(part: Part, wanted: str) -> Condition:
    return condition([part], lambda text: pc.match_substring(text, pattern=wanted))


def _starts(part: Part, wanted: str) -> Condition:
    return condition([part], lambda text: pc.starts_with(text, pattern=wanted))


def _ends(part: Part, wanted: str) -> Condition:
    return condition([part], lambda text: pc.ends_with(text, pattern=wanted))


def _f(
    usage: str, description: str, parameters: str, make: Callable[..., Any], *, required: int | None = None, repeats: bool = False
) -> Function:
    kinds: dict[str, Parameter] = {"p": "part", "t": "text", "w": "whole"}
    given = tuple(kinds[letter] for letter in parameters)
    return Function(usage, description, given, len(given) if required is None else required, make, repeats)


FUNCTIONS: dict[str, Function] = {
    function.usage.partition("(")[0]: function
    for function in (
        _f("upper(text)", "In capitals.", "p", _simple(pc.utf8_upper)),
        _f("lower(text)", "In small letters.", "p", _simple(pc.utf8_lower)),
        _f('strip(text, "characters")', "Without these characters (without any given: blanks) at both ends.", "pt", _strip, required=1),
        _f('replace(text, "old", "new")', "With each old text replaced by the new one.", "ptt", _replace),
        _f(
            "slice(text, a, b)",
            "The characters from a (counted from 0; from the end if negative) up to but without b.",
            "pww",
            slice_of,
            required=2,
        ),
        _f("left(text, n)", "The first n characters.", "pw", _left),
        _f("right(text, n)", "The last n characters.", "pw", _right),
        _f("concat(a, b, ...)", "Texts joined; blank ones are passed over.", "p", _concat, repeats=True),
        _f("coalesce(a, b, ...)", "The first that is not blank.", "p", lambda *parts: first_of(parts), repeats=True),
        _f("number(text)", "Text as a number.", "p", lambda part: number_part(part.number)),
        _f("text(number)", "A number as text.", "p", lambda part: text_part(part.text)),
        _f("round(number, digits)", "Rounded to so many digits (without any given: 0); halves to the even one.", "pw", _round, required=1),
        _f("abs(number)", "Without its sign.", "p", lambda part: on_numbers([part], pc.abs)),
        _f("zfill(text, n)", "Filled with zeros on the left to n characters.", "pw", _pad),
        _f('lpad(text, n, " ")', "Filled with a character on the left to n characters.", "pwt", _pad),
        _f(
            'split(text, "-", n)', "Piece n of a text that is cut at a separator (counted from 0; from the end if negative).", "ptw", _split
        ),
        _f(
            'match(text, "regex", group)',
            "What a regular expression (RE2) finds, or a group of it; blank where nothing is found.",
            "ptw",
            _match,
            required=2,
        ),
        _f("length(text)", "How many characters there are.", "p", _length),
        _f('contains(text, "part")', "Whether a text holds another; a condition.", "pt", _contains),
        _f('startswith(text, "part")', "Whether a text begins with another; a condition.", "pt", _starts),
        _f('endswith(text, "part")', "Whether a text ends with another; a condition.", "pt", _ends),
    )
}
"""Every function by its name."""
