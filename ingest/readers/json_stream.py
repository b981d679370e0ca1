"""JSON read a piece at a time, so that a document of any size needs little memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import orjson

from gisgrid.errors import SourceError

_BLOCK_CHARS = 4 << 20
_MAX_VALUE_CHARS = 512 << 20
_LOOKED_BACK = 40
_GIVE_UP = 3
_BLANKS = re.compile(r"[ \t\r\n]*")


class JsonStream:
    """The text of one JSON document in an open file, with the place that has been read to.

    All methods raise SourceError with the position when the text is not JSON there.
    """

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._at = 0
        self._passed = 0
        self._is_over = False
        self._many_failed = 0
        self._decoder = json.JSONDecoder()

    @property
    def position(self) -> int:
        """How many characters have been read."""
        return self._passed + self._at

    def _fill(self) -> bool:
        """Read on in the file; return whether there was more."""
        block = "" if self._is_over else self._file.read(max(_BLOCK_CHARS, len(self._text) - self._at))
        self._is_over = not block
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + block, 0
        return not self._is_over

    def peek(self) -> str:
        """Return the next character that is not blank, "" at the end."""
        while True:
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def take(self, wanted: str) -> None:
        """Pass over the next character that is not blank, which must be one of ``wanted``."""
        found = self.peek()
        if not found or found not in wanted:
            raise self.error(f"{' or '.join(wanted)} is missing", self.position)
        self._at += 1

    def value(self) -> Any:
        """Return the next value, whole."""
        self.peek()
        before: tuple[int, int] | None = None
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                place = (self._passed + error.pos, self._passed + len(self._text))
                is_certain = before is not None and place[0] == before[0] and place[0] < before[1] - 16 and "string" not in error.msg
                before = place
                if is_certain or len(self._text) - self._at > _MAX_VALUE_CHARS or not self._fill():
                    raise self.error(error.msg, place[0]) from error
            except RecursionError as error:
                raise self.error("it is nested too deep", self.position) from error
            else:
                if end == len(self._text) and self._fill():
                    continue  # a number may go on
                self._at = end
                return value

    def members(self) -> Iterator[str]:
        """Yield the names of the members of an object; the caller takes the value of each."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise self.error("a name in quotes is missing", self.position)
            self.take(":")
            yield name
            if self.peek() == "}":
                self.take("}")
                return
            self.take(",}")

    def items(self) -> Iterator[Any]:
        """Yield the values of an array, one by one."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            if some := self._many():
                yield from some
                self.take(",")
                continue
            yield self.value()
            if self.peek() == "]":
                self.take("]")
                return
            self.take(",]")

    def _many(self) -> list[Any]:
        """Return as many of the next objects as are whole in what has been read, all but the last; none where that cannot be told.

        The text up to a "}" that is followed by ", {" is tried as a list: where it is one, the "}" ended an object of this level.
        """
        if self._many_failed > _GIVE_UP:
            return []
        if len(self._text) - self._at < _BLOCK_CHARS // 2:
            self._fill()
        cut = self._last_end()
        if cut <= self._at:
            return []
        try:
            items: list[Any] = orjson.loads(f"[{self._text[self._at : cut]}]")
        except orjson.JSONDecodeError:
            self._many_failed += 1
            return []
        self._at = cut
        return items

    def _last_end(self) -> int:
        """Return the place after the last "}" that is followed by a comma and a "{", among the last few; 0 without one."""
        end = len(self._text)
        for _ in range(_LOOKED_BACK):
            end = self._text.rfind("{", self._at, end)
            if end < 0:
                return 0
            before = self._text[max(self._at, end - _LOOKED_BACK) : end].rstrip()
            if before.endswith(",") and before[:-1].rstrip().endswith("}"):
                return self._text.rindex("}", self._at, end) + 1
        return 0

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.peek():
            raise self.error("something follows after its end", self.position)

    def error(self, what: str, position: int) -> SourceError:
        """Return the error that the text is not JSON at ``position``."""
        return SourceError(
            f"{self._path} is not JSON: {what[:1].lower()}{what[1:]} at character {position + 1:,}.",
            "Check that the file is whole; nothing was loaded from it.",
        )
