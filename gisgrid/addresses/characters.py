"""One way to write what can be written in many: widths, traditional characters, dashes, spaces, numerals."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import opencc

NUMERALS = "零一二三四五六七八九"
_DIGITS = {**{c: i for i, c in enumerate(NUMERALS)}, "〇": 0, "两": 2}
_POWERS = {"十": 10, "百": 100, "千": 1000}
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹣ㄧー﹘", "-"),
        **dict.fromkeys("〜∼﹏", "~"),
        **dict.fromkeys("【〔「『[{〈《", "("),
        **dict.fromkeys("】〕」』]}〉》", ")"),
        **dict.fromkeys("。;!?，\"'`“”‘’|", ","),
        **dict.fromkeys("\\／", "/"),
        **dict.fromkeys("·•.", "."),
    }
)
_SPACE = re.compile(r"(?<![0-9A-Z.])\s+|\s+(?![0-9A-Z])")
_LATIN = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z\u00c0-\u024f])['\u2019](?=[A-Za-z\u00c0-\u024f])")
_SPACES = re.compile(r"\s+")
_ODD = re.compile(r"[^\u3400-\u9fff0-9A-Z,()\-#~/]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COUNTS = frozenset("零〇一二两三四五六七八九十百千廿卅")
# Patterns that begin with a set of characters are looked for several times as fast as those that begin with a condition.
_NUMBER = re.compile(
    r"[零〇一二两三四五六七八九十百千廿卅](?<![零〇一二两三四五六七八九十百千廿卅]{2})[零〇一二两三四五六七八九十百千廿卅]*(?:(?=号(?!线)|栋|幢|单元|单园|层|楼|户|室|#|米|公里|座(?:$|[\d零〇一二两三四五六七八九十]|单元|楼下|内|附近|[东西南北]))"
    r"|(?=$|[,(])(?:(?<=[元楼栋层号][零〇一二三四五六七八九]{3})|(?<=[元楼栋层号][零〇一二三四五六七八九]{4}))"
    r"|(?<=[楼栋号院][一二三四五六七八九])(?=门(?!峡|诊|前|口))|(?<=[号\d][之附][一二三四五六七八九])|(?<=[号\d][之附]十[一二三四五六七八九]))"
)
_IN_A_NAME = re.compile(
    r"[第1-9](?:(?<=第)\d{1,3}(?![\d号#栋幢米层楼单])"
    r"|(?:(?<!第)(?<!\d\d)|(?<=1)\d(?<!\d\d\d))(?=期|支?路(?!公交|车|电车|巴士|线)|街(?!道)|马路))"
)
_NO_NAME = frozenset("第号楼院栋幢元层室户路街至到与和近期、/-~,( ")
"""After one of these a number does not belong to a name: 5号3路 is no road of that number."""


def normal_name(name: str) -> str:
    """Return a name as an address has it after normalising: simplified characters, half width, capitals without accents, numerals.

    Names of a gazetteer and texts go through this same function, so what it does to both is of no harm. Numerals that count become
    digits (四十一号, 三单元), those that belong to a name stay (延安一路, 第二小学), and digits in their place become numerals (延安1路).
    """
    return closed(written(name))


def simplified(text: str) -> str:
    """Return a text in half width and in simplified characters."""
    if not text.isascii():
        if not unicodedata.is_normalized("NFKC", text):
            text = unicodedata.normalize("NFKC", text)
        while not _traditional().isdisjoint(text):
            before, text = text, _converter().convert(text)
            if text == before:  # 乾坤 stays
                break
    return text


def written(text: str) -> str:
    """Return a text in half width, simplified characters and capitals without accents, with one sign for each of many dashes."""
    if (_ODD if text.isascii() else characters_but("")).search(text) is None:
        return text
    text = simplified(text)
    if _ODD.search(text) is None:
        return text
    text = _APOSTROPHE.sub("", _INVISIBLE.sub("", text)).translate(_SIGNS).upper()
    if _LATIN.search(text):
        # Together again what other scripts write in one character.
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    return _SPACES.sub(" ", text)


def closed(text: str) -> str:
    """Return a text as it was `written`, with digits for numerals that count, and spaces between digits or letters only."""
    return numerals(_SPACE.sub("", text) if " " in text else text).strip(" ,")


@cache
def _converter() -> opencc.OpenCC:
    import opencc  # noqa: PLC0415 (reads its dictionaries, which those who have no Chinese addresses need not wait for)

    return opencc.OpenCC("t2s")


@cache
def characters_but(others: str) -> re.Pattern[str]:
    """Return the pattern that finds what `written` may write in another way, and each of ``others``.

    One set of characters is looked for in a tenth of the time that several take.
    """
    left_out = _traditional().union(others)
    plain = (*range(0x20, 0x80), *range(0x3400, 0xA000))
    return re.compile(f"[^{_ranges(code for code in plain if chr(code) not in left_out and _ODD.match(chr(code)) is None)}]")


def _ranges(codes: Iterable[int]) -> str:
    """Return characters in their order, by their codes, as the ranges of a set in a pattern."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in runs)


@cache
def _traditional() -> frozenset[str]:
    """Return every character that is not as it is written in simplified Chinese."""
    block = [chr(code) for code in range(0x3400, 0xA000)]
    return frozenset(a for a, b in zip(block, _converter().convert("\n".join(block)).split("\n"), strict=True) if a != b)


def numerals(text: str) -> str:
    """Return a text with digits for numerals that count, and numerals for digits of a name."""
    if not _COUNTS.isdisjoint(text):
        text = _NUMBER.sub(lambda found: _digits(found.group()), text)
    return _IN_A_NAME.sub(_numeral, text)


def _numeral(found: re.Match[str]) -> str:
    """Return the digits of a name as numerals: 第2, and the 3 of 延安3路 if a name can stand before it."""
    digits = found.group()
    if digits[0] == "第":
        return "第" + chinese_number(int(digits[1:]))
    before = found.string[found.start() - 1 : found.start()]
    return digits if not before or before.isascii() or before in _NO_NAME else chinese_number(int(digits))


def _digits(text: str) -> str:
    """Return Chinese numerals as digits; as they were when they make no number."""
    text = text.replace("廿", "二十").replace("卅", "三十")
    if not any(c in _POWERS for c in text):
        return "".join(str(_DIGITS[c]) for c in text)
    total, digit, last = 0, None, 10_000
    for character in text:
        power = _POWERS.get(character)
        if power is None:
            if digit:
                return text
            digit = _DIGITS[character]
        elif power >= last or digit == 0 or (digit is None and total):
            return text
        else:
            total += (1 if digit is None else digit) * power
            digit, last = None, power
    return str(total + (digit or 0))


def chinese_number(value: int) -> str:
    """Return a whole number from 0 to 9999 in Chinese numerals.

    >>> chinese_number(41), chinese_number(10), chinese_number(105), chinese_number(1320)
    ('四十一', '十', '一百零五', '一千三百二十')
    """
    if not value:
        return NUMERALS[0]
    text = ""
    gap = False
    for unit, power in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, value = divmod(value, power)
        if digit:
            text += ("零" if gap else "") + NUMERALS[digit] + unit
            gap = False
        elif text:
            gap = True
    return text[1:] if text.startswith("一十") else text
