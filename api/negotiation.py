"""What a client takes and what it has already: Accept-Encoding and If-None-Match."""

from __future__ import annotations

import re
from functools import lru_cache

_WEIGHT = re.compile(r"q=(1(\.0{0,3})?|0(\.\d{0,3})?)")
_NAMED = 16
_LEAST = 0.0001


CODINGS = ("zstd", "br", "gzip", "identity")
"""The content codings that are understood, those that pack best first."""


@lru_cache(maxsize=1024)
def codings(accept_encoding: str) -> tuple[str, ...]:
    """Return the content codings that an Accept-Encoding header takes, the most wanted first, and equals as in ``CODINGS``.

    ``identity`` is among them unless it is refused by name or by ``*;q=0``. A client that refuses everything gets it all the
    same: an answer in plain bytes is of more use than none.

    >>> codings("gzip, br;q=0.5"), codings("*;q=0.2, gzip;q=0")
    (('gzip', 'br', 'identity'), ('zstd', 'br', 'identity'))
    >>> codings(""), codings("identity;q=0")
    (('identity',), ('identity',))
    """
    weights = _weights(accept_encoding)
    others = weights.get("*", 0.0)
    # Nobody names a coding and would rather do without: plain bytes are wanted least, unless they are named.
    wanted = {name: weights.get(name, _LEAST if name == "identity" and "*" not in weights else others) for name in CODINGS}
    return tuple(name for name in sorted(CODINGS, key=lambda name: -wanted[name]) if wanted[name] > 0) or ("identity",)


def accepts_gzip(accept_encoding: str) -> bool:
    """Say whether an Accept-Encoding header takes gzip: named or ``*``, and not with q=0.

    >>> accepts_gzip("br, gzip;q=0.5"), accepts_gzip("gzip;q=0, br"), accepts_gzip("")
    (True, False, False)
    """
    return "gzip" in codings(accept_encoding)


def matches(if_none_match: str, etag: str) -> bool:
    """Say whether an If-None-Match header names ``etag``; weak comparison, as RFC 9110 wants for GET.

    >>> matches('"a", W/"b"', '"b"'), matches("*", '"a"'), matches("", '"a"')
    (True, True, False)
    """
    return bool(if_none_match) and (
        if_none_match.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    )


def _weights(accept_encoding: str) -> dict[str, float]:
    """Return the weight of each coding that a header names; what is no weight counts as 1."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(",")[:_NAMED]:
        name, _, weight = part.partition(";")
        found = _WEIGHT.fullmatch(weight.replace(" ", ""))
        weights[name.strip()] = float(found[1]) if found else 1.0
    return {"gzip" if name == "x-gzip" else name: weight for name, weight in weights.items() if name}


def wants_json(accept: str) -> bool:
    """Say whether an Accept header names JSON and no page: what a program sends, and no browser.

    >>> wants_json("application/json, */*"), wants_json("text/html, application/json;q=0.9"), wants_json("*/*")
    (True, False, False)
    """
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return any(name == "application/json" or name.endswith("+json") for name in named) and "text/html" not in named
