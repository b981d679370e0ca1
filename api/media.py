"""The media types of batches: which format a body is in, and which one the client wants."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.errors import UsageError

FORMATS = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/vnd.apache.arrow.stream": "arrow-stream",
    "application/vnd.apache.arrow.file": "arrow",
    "application/vnd.apache.parquet": "parquet",
}
"""The format of each media type that is taken and given."""

_SAME = {"application/ndjson": "application/x-ndjson", "application/jsonl": "application/x-ndjson", "application/csv": "text/csv"}
_TYPES = {format_: media for media, format_ in FORMATS.items()}
_SHOWN = 60


class UnsupportedMediaError(UsageError):
    """A request body is of a type that is not taken."""

    status = 415
    kind = "unsupported-media-type"
    title = "Unsupported media type"


class NotAcceptableError(UsageError):
    """An answer is wanted in a type that there is not."""

    status = 406
    kind = "not-acceptable"
    title = "Not acceptable"


class Media(NamedTuple):
    """A Content-Type: its format, and the encoding that it names, if any."""

    format: str
    charset: str | None


def media_type(content_type: str) -> str:
    """Return the type that a Content-Type names, without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def parse_content_type(content_type: str) -> Media:
    """Return what a Content-Type says; raises UnsupportedMediaError that lists the types that are taken."""
    named = media_type(content_type)
    found = FORMATS.get(_SAME.get(named, named))
    if found is None:
        what = f"The type {named[:_SHOWN]!r} is not taken." if named else "The Content-Type is missing."
        raise UnsupportedMediaError(what, f"Send one of {', '.join(FORMATS)}.")
    charset = None
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"') or None
    return Media(found, charset)


def content_type_of(format_: str, charset: str) -> str:
    """Return the Content-Type of an answer; ``charset`` is told where the type has one."""
    media = _TYPES[format_]
    return f"{media}; charset={charset}" if media.startswith("text/") else media


def choose_format(accept: str, own: str) -> str:
    """Return the format to answer in: of those that ``Accept`` ranks highest, ``own`` (that of the body) or else the first named.

    Raises NotAcceptableError that lists the types there are when it names none of them.
    """
    if not accept.strip():
        return own
    best, best_quality = None, 0.0
    for part in accept.split(","):
        weight = quality(part)
        found = _matching(media_type(part), own)
        if found is not None and (weight > best_quality or (weight == best_quality > 0.0 and found == own)):
            best, best_quality = found, weight
    if best is None:
        raise NotAcceptableError(f"None of the types in Accept is given: {accept[:_SHOWN]}.", f"Accept one of {', '.join(FORMATS)}.")
    return best


def _matching(named: str, own: str) -> str | None:
    if named == "*/*":
        return own
    named = _SAME.get(named, named)
    if named.endswith("/*"):
        fitting = [format_ for media, format_ in FORMATS.items() if media.startswith(named[:-1])]
        return own if own in fitting else fitting[0] if fitting else None
    return FORMATS.get(named)


def quality(part: str) -> float:
    """Return the weight of one part of an Accept header, 0 to 1; what cannot be read counts as 0."""
    for parameter in part.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return max(0.0, min(1.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
