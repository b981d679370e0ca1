"""What is wrong in a file that people write by hand, said so that it can be mended: the key, what was expected, near misses."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_MOST_SHOWN = 60


def near(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the one of ``known`` that ``word`` is nearest to, "" when none is near.

    >>> near("pfath", ["path", "crs"])
    "; did you mean 'path'?"
    """
    plain = {_plain(name): name for name in known}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.6)
    return f"; did you mean {plain[found[0]]!r}?" if found else ""


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def problems(error: ValidationError, model: type[BaseModel], content: object) -> list[str]:
    """Return what is wrong with each key of ``content``, which ``model`` refused: "source 'a' / fields / name: why".

    Members of a list are called by their ``id``, or by their number from 1.
    """
    details = error.errors()
    places = [item["loc"] for item in details]
    return [
        f"{' / '.join(where)}: {said}" if (where := _where(item["loc"], content)) else said
        for item in details
        if not (item["type"] == "too_short" and any(len(place) > len(item["loc"]) for place in places))
        for said in [_said(item, model)]
    ]


def _where(place: Sequence[int | str], content: object) -> list[str]:
    names: list[str] = []
    here = content
    for part in place:
        if isinstance(part, str):
            names += [] if part == "[key]" else [part]
            here = here.get(part) if isinstance(here, dict) else None
        elif isinstance(here, list) and not (here and all(isinstance(item, str) for item in here)):
            here = here[part] if part < len(here) else None
            called = repr(here["id"]) if isinstance(here, dict) and "id" in here else f"number {part + 1}"
            names[-1:] = [f"{_singular(names[-1])} {called}"] if names else [called]
    return names


def _singular(name: str) -> str:
    return name.removesuffix("es") if name.endswith("sses") else name.removesuffix("s")


def _said(item: ErrorDetails, model: type[BaseModel]) -> str:
    message = item["msg"].removeprefix("Value error, ")
    given = item["input"]
    if item["type"] == "extra_forbidden":
        keys = list(_owner(model, item["loc"]).model_fields)
        return f"there is no such key{near(str(item['loc'][-1]), keys)} (keys: {', '.join(keys)})"
    if item["type"] == "missing":
        field = _owner(model, item["loc"][:-1]).model_fields.get(str(item["loc"][-1]))
        return f"is missing ({field.description})" if field is not None and field.description else "is missing"
    if item["type"] == "value_error" or isinstance(given, (dict, list, tuple)):
        return message
    expected = str(item.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ")
    return f"{message}, not {_short(given)}{near(str(given), expected.split(', ')) if expected else ''}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _owner(model: type[BaseModel], place: Sequence[int | str]) -> type[BaseModel]:
    """Return the model that the last key of ``place`` belongs to."""
    owner = model
    for part in place[:-1] if len(place) > 1 else ():
        field = owner.model_fields.get(part) if isinstance(part, str) else None
        owner = (_model_in(field.annotation) if field is not None else None) or owner
    return owner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model in an annotation such as ``tuple[Source, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
