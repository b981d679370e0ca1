"""JSON written once, with gaps for the few numbers that differ from one answer to the next."""

from __future__ import annotations

import orjson

# No JSON text holds this byte: in strings it is escaped.
_MARK = b"\0"


def gap(form: str) -> orjson.Fragment:
    """Return the place of a value in a document for ``pattern``: ``form`` is how ``%`` shall write it there, such as ``%.3f``.

    A number with three places, 12.300, is to a reader the same number as one rounded to them, 12.3.
    """
    return orjson.Fragment(_MARK + form.removeprefix("%").encode())


def pattern(document: dict[str, object]) -> bytes:
    """Return a document with gaps as JSON into which ``%`` puts the values, in the order of the gaps.

    >>> pattern({"share": "5 %", "distance_m": gap("%.3f")}) % 12.3
    b'{"share":"5 %","distance_m":12.300}'
    """
    return orjson.dumps(document).replace(b"%", b"%%").replace(_MARK, b"%")
