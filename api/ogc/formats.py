"""Which format an answer is given in: the parameter ``f``, else what Accept ranks highest."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from api.media import NotAcceptableError, media_type, quality
from api.params import Parameter, parse_word

GEOJSON = "application/geo+json"

LANGUAGES = ("zh", "en")
"""The languages of pages and of the titles in documents; the first where nothing is asked for."""

LANG = Parameter(
    "lang",
    "Language of pages and titles; without it pages follow Accept-Language, and titles in JSON are Chinese. Names are those of the data.",
    {"type": "string", "enum": list(LANGUAGES)},
    "en",
)


def format_parameter(formats: Mapping[str, str]) -> Parameter:
    """Return the declaration of ``f`` for a resource that is given in ``formats``."""
    words = list(formats)
    return Parameter("f", "Format of the answer; without it Accept decides.", {"type": "string", "enum": words}, words[0])


def common_parameters(formats: Mapping[str, str]) -> dict[str, Parameter]:
    """Return the parameters of every resource that is given in ``formats``: ``f``, and ``lang`` where pages are among them."""
    common = {"f": format_parameter(formats)}
    return {**common, "lang": LANG} if "html" in formats else common


def choose_format(asked: str | None, accept: str, formats: Mapping[str, str]) -> str:
    """Return the word of the format to answer in: ``f`` when given, else that of ``Accept``, else the first of ``formats``.

    Raises ParameterError for a word that is none of them, NotAcceptableError when Accept takes none.
    """
    if asked is not None:
        return parse_word("f", asked, tuple(formats))
    if not accept.strip():
        return next(iter(formats))
    best = _best(accept, tuple(formats.items()))
    if not best:
        raise NotAcceptableError(f"None of the types in Accept is given: {accept[:60]}.", f"Accept one of {', '.join(formats.values())}.")
    return best


# A client asks with the same header again and again.
@lru_cache(maxsize=256)
def _best(accept: str, formats: tuple[tuple[str, str], ...]) -> str:
    """Return the word of the format that ``accept`` ranks highest, empty when it takes none."""
    best, best_quality = "", 0.0
    for part in accept.split(","):
        named, weight = media_type(part), quality(part)
        found = next((word for word, media in formats if _fits(named, media_type(media))), None)
        if found is not None and weight > best_quality:
            best, best_quality = found, weight
    return best


def _fits(named: str, media: str) -> bool:
    if named in ("*/*", media) or (named.endswith("/*") and media.startswith(named[:-1])):
        return True
    # What is JSON of a kind is JSON.
    return named == "application/json" and media.endswith("+json")


def choose_language(asked: str | None, accept_language: str) -> str:
    """Return the language to answer in: ``lang`` when given, else the one that ``Accept-Language`` ranks highest, else Chinese.

    >>> choose_language(None, "fr, en-GB;q=0.8, zh;q=0.5"), choose_language(None, "")
    ('en', 'zh')
    """
    if asked is not None:
        return parse_word("lang", asked, LANGUAGES)
    if not accept_language:
        return LANGUAGES[0]
    best, best_quality = LANGUAGES[0], 0.0
    for part in accept_language.split(","):
        named, weight = media_type(part).partition("-")[0], quality(part)
        if named in LANGUAGES and weight > best_quality:
            best, best_quality = named, weight
    return best
