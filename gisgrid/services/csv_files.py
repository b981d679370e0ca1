"""CSV files as departments send them: which encoding, which delimiter, rows that are too short or too long."""

from __future__ import annotations

import codecs
import csv
import io
import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from gisgrid.errors import ParameterError, SourceError

_BLOCK = 1 << 20
_DELIMITERS = ",\t;|"


class CsvSource(NamedTuple):
    """An open CSV file: its columns, its rows as lists of text as long as they are, and how it is written.

    ``done`` tells how many of its ``size`` bytes have been read.
    """

    columns: list[str]
    rows: Iterator[list[str]]
    encoding: str
    delimiter: str
    line_end: str
    size: int
    done: Callable[[], int]


@contextmanager
def open_csv(path: Path, encoding: str | None = None) -> Iterator[CsvSource]:
    """Open a CSV file for a block. Without ``encoding`` UTF-8 (with or without BOM) is tried, then GB18030.

    Blank lines are no rows. Raises SourceError for a file that is missing, empty, in another encoding, or no CSV, and
    ParameterError for an encoding that does not exist.
    """
    try:
        chosen = _checked(encoding) if encoding else _detect(path)
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=chosen, newline="") as text:
            yield _source(path, raw, text, chosen)
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not in {chosen}: {error.reason} at byte {error.start} of a block.", "Name its encoding.") from error
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}.", "Check the path.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.", "Give a CSV file that can be read.") from error


def _source(path: Path, raw: Any, text: Any, encoding: str) -> CsvSource:
    lines = _Lines(text)
    first = lines.first
    if not first.strip("\ufeff \t\r\n"):
        raise SourceError(f"{path} is empty.", "Give a CSV file with a line of column names and rows below it.")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _rows(path, csv.reader(lines, delimiter=delimiter))
    columns = next(rows)
    columns[0] = columns[0].removeprefix("\ufeff")
    line_end = "\r\n" if first.endswith("\r\n") else "\n"
    return CsvSource(columns, rows, encoding, delimiter, line_end, path.stat().st_size, raw.tell)


class _Lines:
    """The lines of a text, with a look at the first one that is not blank."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self.first = next((line for line in text if line.strip()), "")
        self._has_first = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._has_first:
            self._has_first = False
            return self.first
        return next(self._text)


def _rows(path: Path, reader: Any) -> Iterator[list[str]]:
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise SourceError(
                f"{path}, line {reader.line_num}: {error}.", "A quotation mark that is never closed looks like this."
            ) from error
        if row is None:
            return
        if row:
            yield row


def _checked(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ParameterError("encoding", f"{encoding!r} is not known.", "an encoding such as utf-8, gb18030 or big5") from None


def _detect(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    for encoding in ("utf-8", "gb18030"):
        if _decodes(path, encoding):
            return encoding
    raise SourceError(f"{path} is neither UTF-8 nor GB18030.", "Name its encoding.")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def output_encoding(encoding: str) -> str:
    """Return what to write in for an input in ``encoding``: the same, unless it cannot hold every character.

    GB2312 and GBK become GB18030, which contains them; others become UTF-8 with a BOM.
    """
    if encoding.startswith(("utf-8", "utf-16", "utf-32")) or encoding == "gb18030":
        return encoding
    return "gb18030" if encoding.startswith("gb") else "utf-8-sig"


def find_column(columns: list[str], wanted: str, option: str) -> int:
    """Return the place of a column by its name, or else by its name in another case or width.

    Raises ParameterError that lists the columns there are, and when more than one has the name.
    """
    for same in (str, _folded):
        found = [place for place, name in enumerate(columns) if same(name) == same(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ParameterError(option, f"there are {len(found)} columns {wanted!r}.", "the name of one column")
    raise ParameterError(option, f"there is no column {wanted!r}.", f"one of the columns there are: {', '.join(columns)}")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


@contextmanager
def replacing(target: Path, encoding: str) -> Iterator[TextIO]:
    """Open a text file for a block that takes the place of ``target`` when the block ends well, and vanishes otherwise.

    Raises SourceError when it cannot be written.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with draft.open("w", encoding=encoding, newline="") as file:
            yield file
        draft.replace(target)
    except OSError as error:
        raise SourceError(f"{target} cannot be written: {error.strerror}.", "Give a file in a folder that can be written to.") from error
    finally:
        draft.unlink(missing_ok=True)
