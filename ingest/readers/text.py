"""Columns of raw bytes decoded to text without anything lost in silence."""

from __future__ import annotations

import codecs

import pyarrow as pa
import pyarrow.compute as pc


def decode(column: pa.Array, encoding: str) -> pa.Array:
    """Return a column of raw bytes as text; each different value is decoded once.

    Bytes that the encoding does not know become U+FFFD, which a check finds, except for a character cut in half by the
    width of the field, which is left off.
    """
    raw = column.cast(pa.binary())
    if encoding == "utf-8":
        try:
            return raw.cast(pa.string())
        except pa.ArrowInvalid:
            pass  # decoded value by value below
    coded = pc.dictionary_encode(raw)
    make = codecs.getincrementaldecoder(encoding)
    texts = [make("replace").decode(value, final=False) for value in coded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(texts, pa.string())).cast(pa.string())
