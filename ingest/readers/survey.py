"""One pass over the bytes of a text file: how many lines it has, and which encoding it is in."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import NamedTuple

from ingest.readers.encoding import DESCRIPTION, Decided, Sample, Told, codec, decide

_BLOCK = 1 << 20
_LOOKED_AT = 16 << 20
_THEN_EVERY = 32
"""So many bytes are looked at for their encoding in any case, then only every so manieth block."""
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# None of these bytes is a part of a character in any encoding that is told from its bytes.
_BOUNDARY = re.compile(rb'[\n\t",;<>]')


class Survey(NamedTuple):
    """The number of line ends, what the text is to be read as (a Python codec) and a sentence on why."""

    lines: int
    decided: Decided


def survey(path: Path, declared: str | None, told: Told | None = None) -> Survey:
    """Return what the bytes of the text file at ``path`` show; ``declared`` is by the description, ``told`` by the file itself.

    A byte order mark goes before all but a declared encoding of another kind. Raises SourceError when no encoding is sure.
    """
    with path.open("rb") as file:
        mark = _mark(file.read(4))
    if declared:
        told = Told(codec(declared, path), DESCRIPTION)
    if mark is not None and (told is None or told.by != DESCRIPTION or told.codec in {"utf-8", "utf-16"}):
        return Survey(_sampled(path, None), Decided(mark, f"Encoding {mark.removesuffix('-sig')}, by its byte order mark."))
    sample = Sample({})
    lines = _sampled(path, sample)
    return Survey(lines, decide(path, sample.pieces, told))


def _mark(head: bytes) -> str | None:
    return next((name for bom, name in _MARKS.items() if head.startswith(bom)), None)


def _sampled(path: Path, sample: Sample | None) -> int:
    """Count the lines of a file, adding its texts that are not ASCII to ``sample``."""
    lines, number, looked_at, rest = 0, 0, 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            lines += block.count(b"\n")
            number += 1
            if sample is None or sample.is_full or (looked_at > _LOOKED_AT and number % _THEN_EVERY) or (block.isascii() and not rest):
                rest = b""
                continue
            looked_at += len(block)
            *whole, rest = _BOUNDARY.split(rest + block)
            sample.add(whole)
            rest = b"" if rest.isascii() or len(rest) > _BLOCK else rest
    if sample is not None:
        sample.add([rest])
    return lines
