"""The pattern that codes follow, from the codes themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_MOSTLY = 0.98
_SPECIAL = set(r".\+*?()|[]{}^$")
_RUNS = re.compile(r"[0-9]+|[A-Za-z]+|.", re.DOTALL)


def pattern_of(codes: Iterable[str]) -> str:
    r"""Return a regular expression that nearly all of ``codes`` match: their runs of digits and letters, or ``.+``.

    >>> pattern_of(["C-001", "C-002", "C-117"]), pattern_of(["7", "12", "131"]), pattern_of(["a", "1-2", "x y"])
    ('C-\\d{3}', '\\d+', '.+')
    """
    runs = [_RUNS.findall(code) for code in codes]
    shapes = Counter(tuple(_kind(run) for run in found) for found in runs)
    if not shapes:
        return ".+"
    shape, count = shapes.most_common(1)[0]
    if count < _MOSTLY * shapes.total() or len(shape) > 9:
        return ".+"
    columns = zip(*(found for found in runs if tuple(_kind(run) for run in found) == shape), strict=True)
    return "".join(_run_pattern(kind, set(column)) for kind, column in zip(shape, columns, strict=True))


def _kind(run: str) -> str:
    return "digits" if run.isascii() and run.isdigit() else "letters" if run.isascii() and run.isalpha() else run


def _run_pattern(kind: str, runs: set[str]) -> str:
    if kind not in {"digits", "letters"}:
        return f"\\{kind}" if kind in _SPECIAL else kind
    if kind == "letters":
        if len(runs) <= 3:
            return next(iter(runs)) if len(runs) == 1 else f"({'|'.join(sorted(runs))})"
        return ("[A-Z]" if all(run.isupper() for run in runs) else "[A-Za-z]") + "+"
    lengths = {len(run) for run in runs}
    if len(lengths) > 1:
        return r"\d+"
    return r"\d" if lengths == {1} else rf"\d{{{lengths.pop()}}}"
