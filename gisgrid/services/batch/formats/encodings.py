"""Text in any encoding, read as UTF-8 from streams that may have no way back."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from gisgrid.errors import ParameterError, SourceError

_BLOCK = 1 << 20
_UTF8 = frozenset(("utf-8", "utf-8-sig", "ascii"))


class Utf8Stream:
    """The text of a stream as UTF-8, without a byte order mark, from its beginning to its end.

    Without ``encoding`` UTF-8 (with or without mark), UTF-16 with its mark and GB18030 are told apart: by the whole stream where it can
    be read twice, else by its first megabyte. ``encoding`` is then the name of what was found. Raises ParameterError for
    an encoding that does not exist, SourceError for text in none of them.
    """

    def __init__(self, raw: BinaryIO, name: str, encoding: str | None = None) -> None:
        self._raw, self._name = raw, name
        self._head = raw.read(_BLOCK)
        self.encoding = _checked(encoding) if encoding else self._detect()
        self._decoder = None if self.encoding in _UTF8 else codecs.getincrementaldecoder(self.encoding)()
        self._mark = len(codecs.BOM_UTF8) if self._head.startswith(codecs.BOM_UTF8) and self._decoder is None else 0
        self._head = self._head[self._mark :]
        self._left = b""
        self._begun = self._ended = False

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes of UTF-8 or all that is left, b"" at the end; a character may be cut in two."""
        parts, missing = [self._left[:size]], size - len(self._left)
        self._left = self._left[size:]
        while missing > 0 and not self._ended:
            part = self._next(max(missing, 1 << 16))
            parts.append(part[:missing])
            self._left = part[missing:] if missing < len(part) else b""
            missing -= len(part)
        return b"".join(parts)

    def _next(self, size: int) -> bytes:
        block, self._head = (self._head[:size], self._head[size:]) if self._head else (self._raw.read(size), b"")
        self._ended = not block
        if self._decoder is None:
            return block
        try:
            text = self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise SourceError(f"{self._name} is not in {self.encoding}: {error.reason}.", "Name its encoding.") from error
        if text and not self._begun:
            self._begun, text = True, text.removeprefix("\ufeff")
        return text.encode()

    def skip(self, count: int) -> None:
        """Go ahead to the place behind ``count`` bytes of UTF-8 from the beginning; nothing must have been read before."""
        if self._decoder is None and self._raw.seekable():
            self._raw.seek(count + self._mark)
            self._head = b""
            return
        while count > 0 and (part := self.read(min(count, _BLOCK))):
            count -= len(part)

    def _detect(self) -> str:
        if self._head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if self._head.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        for encoding in ("utf-8", "gb18030"):
            if self._decodes(encoding):
                return encoding
        raise SourceError(f"{self._name} is neither UTF-8 nor GB18030.", "Name its encoding.")

    def _decodes(self, encoding: str) -> bool:
        decoder = codecs.getincrementaldecoder(encoding)()
        again = self._raw.seekable()
        try:
            decoder.decode(self._head, final=len(self._head) < _BLOCK)
            while again and (block := self._raw.read(_BLOCK)):
                decoder.decode(block)
            if again:
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        finally:
            if again:
                self._raw.seek(len(self._head))
        return True


def _checked(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ParameterError("encoding", f"{encoding!r} is not known.", "an encoding such as utf-8, gb18030 or big5") from None


def output_encoding(encoding: str) -> str:
    """Return what to write in for an input in ``encoding``: the same, unless it cannot hold every character.

    GB2312 and GBK become GB18030, which contains them; others become UTF-8 with a BOM.
    """
    if encoding.startswith(("utf-8", "utf-16", "utf-32")) or encoding == "gb18030":
        return encoding
    return "gb18030" if encoding.startswith("gb") else "utf-8-sig"


def start_of_text(encoding: str) -> bytes:
    """Return the byte order mark with which text in ``encoding`` begins, if any."""
    return "".encode(encoding)


def encoded(content: bytes, encoding: str) -> bytes:
    """Return UTF-8 text in another encoding, as what follows the start of a file."""
    if encoding in _UTF8:
        return content
    text = content.decode()
    mark = start_of_text(encoding)
    return text.encode(encoding)[len(mark) :]
