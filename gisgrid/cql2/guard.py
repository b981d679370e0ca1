"""What a filter must keep to before the parser sees it.

The parser goes back over what stands in parentheses that no name precedes, twice for each level, and it needs a piece of the
stack for each operator: a few dozen characters could keep it busy for hours, a few thousand operators end the process. So its work is
reckoned up first. (Seen with cql2 0.6: 1 to 2 microseconds for a unit of work as counted here, a crash from 3,000 operators on.)
"""

from __future__ import annotations

import re

from gisgrid.cql2.filter import refused

MAX_LENGTH = 16_384
"""The longest filter, in characters."""

MAX_OPERATORS = 500
"""The most operators, words and opening parentheses of a filter in text."""

MAX_WORK = 16_384
"""The most work for the parser: the pieces of the text, each counted twice for every parenthesis around it that no name precedes."""

MAX_DEPTH = 64
"""How deep the parts of a filter may be nested."""

_PIECE = re.compile(r"""'[^']*'|"[^"]*"|[^\W\d][\w.:]*|\d[\w.]*|<>|<=|>=|!=|\S""")
# A number, a list's comma and a closing parenthesis nest nothing; neither does the sign of a coordinate that begins a pair.
_NESTS_NOTHING = re.compile(r"""['"\d,).].*""", re.DOTALL)
_KEYWORDS = frozenset({"and", "or", "not", "in", "like", "between", "is", "div"})


def check_text(text: str) -> None:
    """Raise ParameterError for a filter in text that would be too much for the parser."""
    check_length(text)
    bare: list[bool] = []
    before, operators, work, weight = "", 0, 0, 1
    for match in _PIECE.finditer(text):
        piece = match[0]
        work += weight
        operators += not _NESTS_NOTHING.fullmatch(piece)
        if piece == "(":
            bare.append(not _is_name(before))
            weight <<= bare[-1]
        elif piece == ")" and bare:
            weight >>= bare.pop()
        if work > MAX_WORK or operators > MAX_OPERATORS:
            raise refused("the filter is too large, or its parentheses are nested too deep.", "a smaller filter")
        before = piece


def check_length(text: str) -> None:
    """Raise ParameterError for a filter that is empty or too long."""
    if not text.strip():
        raise refused("the filter is empty.", "a condition, such as state = 'broken'")
    if len(text) > MAX_LENGTH:
        raise refused(f"the filter has {len(text)} characters.", f"{MAX_LENGTH} at most")


def check_depth(expression: object) -> None:
    """Raise ParameterError for a filter that was read and whose parts are nested too deep to be worked with."""
    level, depth = [expression], 0
    while level:
        depth += 1
        if depth > 2 * MAX_DEPTH:  # an operator and the list of its arguments
            raise refused("the filter is nested too deep.", f"{MAX_DEPTH} levels at most")
        level = [inner for part in level for inner in _parts(part)]


def _parts(part: object) -> list[object]:
    if isinstance(part, dict):
        return list(part.values())
    return part if isinstance(part, list) else []


def _is_name(piece: str) -> bool:
    return piece.casefold() not in _KEYWORDS and (piece[:1].isalpha() or piece[:1] in ('"', "_"))
