"""Text out of DBF tables: which encoding it is in, and the bytes decoded without anything lost in silence."""

from __future__ import annotations

import codecs
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.errors import SourceError

_LANGUAGE_BYTES = {0x4D: "gb18030", 0x4F: "big5", 0x78: "big5", 0x7A: "gb18030", 0x13: "cp932", 0x7B: "cp932"}
_LANGUAGE_BYTES |= {0x03: "cp1252", 0x57: "cp1252", 0x01: "cp437", 0x02: "cp850", 0xC8: "cp1250", 0xC9: "cp1251"}
_LANGUAGE_OFFSET = 29
_CPG_NAMES = {"cp936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "cp88591": "iso8859-1", "koi8r": "koi8-r", "big-5": "big5"}


def dbf_encoding(path: Path, declared: str | None) -> str | None:
    """Return the codec of the DBF beside ``path`` (.shp or .dbf): declared, from the .cpg, or from the DBF's language byte.

    None when none of them says; raises SourceError for one that does not exist.
    """
    found = declared or _cpg(path) or _language(path)
    if found is None:
        return None
    try:
        return codecs.lookup(found).name
    except LookupError:
        raise SourceError(f"There is no encoding {found!r} (for {path}).", "Common ones: utf-8, gb18030, big5.") from None


def _sidecar(path: Path, ending: str) -> Path | None:
    return next((p for p in (path.with_suffix(ending), path.with_suffix(ending.upper())) if p.is_file()), None)


def _cpg(path: Path) -> str | None:
    cpg = _sidecar(path, ".cpg")
    text = cpg.read_text(encoding="ascii", errors="replace").strip() if cpg else ""
    if not text:
        return None
    name = f"cp{text.split()[-1]}" if text.split()[-1].isdigit() else text.removeprefix("OEM ").removeprefix("ANSI ")
    return _CPG_NAMES.get(name.lower(), name)


def _language(path: Path) -> str | None:
    dbf = _sidecar(path, ".dbf")
    head = dbf.read_bytes()[: _LANGUAGE_OFFSET + 1] if dbf else b""
    return _LANGUAGE_BYTES.get(head[_LANGUAGE_OFFSET]) if len(head) > _LANGUAGE_OFFSET else None


def decode(column: pa.Array, encoding: str | None, path: Path) -> pa.Array:
    """Return a column of raw bytes as text; each different value is decoded once.

    Bytes that the encoding does not know become U+FFFD, except for a character cut in half by the width of the field,
    which is left off. With no ``encoding`` the text must be UTF-8; raises SourceError when it is not.
    """
    coded = pc.dictionary_encode(column.cast(pa.binary()))
    try:
        texts = [_decode_one(value, encoding or "utf-8", "replace" if encoding else "strict") for value in coded.dictionary.to_pylist()]
    except UnicodeDecodeError:
        raise SourceError(
            f"The text of {path} is not UTF-8, and neither the file nor the description says what it is.",
            'Write encoding = "gb18030", or what it is in.',
        ) from None
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(texts, pa.string())).cast(pa.string())


def _decode_one(value: bytes, encoding: str, errors: str) -> str:
    """Decode one text, leaving off an incomplete last character."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    return decoder.decode(value, final=False)


def sound(column: pa.Array, path: Path) -> pa.Array:
    """Return a column of text that a file calls UTF-8; where it is not, bytes that are none become U+FFFD."""
    try:
        return column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return decode(column, "utf-8", path)
