"""Which encoding a text is in: what is declared, what the file says, and what its bytes can mean. Never a guess in silence."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gisgrid.errors import SourceError
from ingest.readers.hanzi import COMMON

DESCRIPTION = "the description"
"""Where an encoding was told that the user declared."""

_SURE = 3.0
_MOSTLY = 0.9
_NON_ASCII = re.compile("[^\x00-\x7f]+")
_PUNCTUATION = re.compile("[\u00b7\u2010-\u203b\u3000-\u301f\uff01-\uff5e]")
_WEAK = {"cp1252", "iso8859-1", "ascii", "cp437", "cp850", "latin-1"}
_READINGS = ("gb18030", "big5", "cp932", "euc_jp", "euc_kr", "cp1252", "cp1250", "iso8859-2", "cp1251", "koi8-r", "cp1253", "cp1254")
_NAMES = {
    "cp936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "euccn": "gb18030", "windowssimpchinese": "gb18030",
    "cp950": "big5", "big5hkscs": "big5hkscs", "windowstradchinese": "big5", "cp88591": "iso8859-1", "cp65001": "utf-8",
    "koi8r": "koi8-r", "koi8u": "koi8-u", "utf8": "utf-8", "cp949": "cp949", "euckr": "euc_kr", "eucjp": "euc_jp",
    "shiftjis": "cp932", "sjis": "cp932", "windowsjapanese": "cp932", "windowskorean": "cp949", "windowslatin1": "cp1252",
    "windowscyrillic": "cp1251", "windowsgreek": "cp1253", "windowslatin2": "cp1250",
}  # fmt: skip
_MAX_PIECES = 5_000


class Told(NamedTuple):
    """An encoding that was told: its codec, and who says so ("the description", "the .cpg", ...)."""

    codec: str
    by: str


class Decided(NamedTuple):
    """The codec to read with, and a sentence on what it was decided from."""

    codec: str
    note: str


def codec(name: str, path: Path | str) -> str:
    """Return Python's codec for a name such as "GBK", "936", "UTF-8" or "EUC-KR".

    GB 2312 and GBK are read as GB 18030, which holds both. Raises SourceError for a name that no encoding has.
    """
    bare = name.strip().lower().removeprefix("oem ").removeprefix("ansi ").split("/")[-1]
    bare = f"cp{bare}" if bare.isdigit() else re.sub(r"^(windows|ansi|ms)[-_ ]?(?=\d)", "cp", bare)
    key = re.sub(r"[-_. ]", "", bare)
    for known in (_NAMES.get(key, bare), key):
        try:
            return codecs.lookup(known).name
        except LookupError:
            continue
    raise SourceError(f"There is no encoding {name!r} (for {path}).", "Common ones: utf-8, gb18030, big5.")


@dataclass
class Sample:
    """Some different texts of a file that are not ASCII, as bytes; ``is_full`` says that there is no need for more."""

    pieces: dict[bytes, None]

    def add(self, texts: Iterable[bytes]) -> None:
        """Take those of ``texts`` that are not ASCII."""
        for text in texts:
            if not text.isascii() and len(self.pieces) < _MAX_PIECES:
                self.pieces[text] = None

    @property
    def is_full(self) -> bool:
        """Whether more would not change what is decided."""
        return len(self.pieces) >= _MAX_PIECES


def decide(path: Path | str, sample: Iterable[bytes], told: Told | None) -> Decided:
    """Return the encoding of a file of which ``sample`` has the texts that are not ASCII.

    What the description declares holds, unless the bytes are UTF-8 beyond doubt; what a file says of itself holds unless the
    bytes contradict it. Otherwise the text must be UTF-8, or surely GB 18030 or Big5 by how common the characters are that it
    makes. Raises SourceError with the readings of the first texts when nothing is sure.
    """
    pieces = list(sample)
    if not pieces:
        return Decided(told.codec if told else "utf-8", f"Encoding {told.codec}, as {told.by} says." if told else "")
    share = sum(_decodes(piece, "utf-8") for piece in pieces) / len(pieces)
    if told is not None and told.by == DESCRIPTION:
        return _declared(path, pieces, told, share)
    found = _from_bytes(pieces, share)
    if told is None:
        if found is None:
            raise _unsure(path, pieces)
        return Decided(found, f"Encoding {found}, found from the bytes.")
    return _weighed(path, pieces, told, found)


def _declared(path: Path | str, pieces: list[bytes], told: Told, share: float) -> Decided:
    if told.codec != "utf-8" and share == 1 and _is_long_utf8(pieces) and not told.codec.startswith("utf"):
        raise SourceError(
            f"{path} is not {told.codec}, as {told.by} says: its text is UTF-8, such as {_excerpt(pieces[0], 'utf-8')!r}.",
            'Leave `encoding` out, or write encoding = "utf-8".',
        )
    return Decided(told.codec, f"Encoding {told.codec}, as {told.by} says.")


def _weighed(path: Path | str, pieces: list[bytes], told: Told, found: str | None) -> Decided:
    """Decide between what the file says of itself and what its bytes say."""
    contradicts = found is not None and found != told.codec and (found != "utf-8" or _is_long_utf8(pieces))
    if (
        found is not None
        and contradicts
        and told.codec in {*_WEAK, "utf-8", "gb18030", "big5"} | ({told.codec} if found == "utf-8" else set())
    ):
        return Decided(found, f"Encoding {found}, found from the bytes, although {told.by} says {told.codec}.")
    if told.codec == "utf-8" and found is None:
        raise _unsure(path, pieces, f" as {told.by} says")
    return Decided(told.codec, f"Encoding {told.codec}, as {told.by} says.")


def _from_bytes(pieces: list[bytes], utf8_share: float) -> str | None:
    """Return the encoding that the bytes show beyond doubt: UTF-8, GB 18030 or Big5."""
    if utf8_share == 1 or (utf8_share >= _MOSTLY and len(pieces) >= 10 and _is_long_utf8(pieces)):
        return "utf-8"
    scores = {name: _score(pieces, name) for name in ("gb18030", "big5")}
    best, other = sorted(scores, key=lambda name: -scores[name])
    return best if scores[best] >= _SURE and scores[best] >= scores[other] + _SURE else None


def _is_long_utf8(pieces: list[bytes]) -> bool:
    """Say whether there are enough sequences of UTF-8 that no other text makes them by chance."""
    joined = b" ".join(pieces)
    return len(re.findall(rb"[\xe0-\xf4][\x80-\xbf]{2,3}", joined)) >= 2 or len(re.findall(rb"[\xc2-\xdf][\x80-\xbf]", joined)) >= 6


def _score(pieces: list[bytes], name: str) -> float:
    """Return how likely ``pieces`` are Chinese text in an encoding, as a sum over their different runs of characters."""
    failed, runs = 0, dict[str, None]()
    for piece in pieces:
        text = _decoded(piece, name)
        if text is None:
            failed += 1
        else:
            runs.update(dict.fromkeys(_NON_ASCII.findall(text)))
    if failed > (1 - _MOSTLY) * len(pieces):
        return float("-inf")
    return sum(_weight(character, name) for run in runs for character in run) - 4 * failed


def _weight(character: str, name: str) -> float:
    """Return the evidence of one character: the logarithm of its odds in right text against wrong text, about."""
    if character in COMMON:
        return 1.2
    if _PUNCTUATION.match(character):
        return 0.0
    try:
        lead = character.encode("gb2312" if name == "gb18030" else "big5")[0]
    except UnicodeEncodeError:
        return -2.5
    is_everyday = 0xB0 <= lead <= 0xD7 if name == "gb18030" else 0xA4 <= lead <= 0xC6
    return -0.8 if is_everyday and "\u4e00" <= character <= "\u9fff" else -2.0


def _decoded(piece: bytes, name: str) -> str | None:
    """Return the text of some bytes, leaving off a last character that is cut in half; None where they are not in ``name``."""
    try:
        return codecs.getincrementaldecoder(name)("strict").decode(piece, final=False)
    except UnicodeDecodeError:
        return None


def _decodes(piece: bytes, name: str) -> bool:
    return _decoded(piece, name) is not None


def _excerpt(piece: bytes, name: str) -> str:
    text = _decoded(piece, name) or ""
    found = _NON_ASCII.search(text)
    start = max(0, found.start() - 10) if found else 0
    return text[start : start + 30].strip()


def _unsure(path: Path | str, pieces: list[bytes], claim: str = "") -> SourceError:
    readings = "; ".join(f"{' or '.join(names)} reads {text!r}" for text, names in _readings(pieces[0]).items())
    return SourceError(
        f"{path} is not UTF-8{claim}, and its bytes do not show for sure what else it is. "
        f"The first such text: {readings or repr(pieces[0][:40])}.",
        'Write encoding = "..." with the name of the one that reads right (or another that Python knows) in the description.',
    )


def _readings(piece: bytes) -> dict[str, list[str]]:
    """Return how a text reads, each reading with the encodings that make it; readings with control characters are nobody's."""
    found: dict[str, list[str]] = {}
    for name in _READINGS:
        text = _excerpt(piece, name)
        if text.isprintable() and _decodes(piece, name):
            found.setdefault(text, []).append(name)
    return found
