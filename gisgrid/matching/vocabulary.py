"""The words that reports of covers are made of, and how they are found in a text."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from typing import Literal, NamedTuple, cast, get_args

from gisgrid import paths
from gisgrid.codes import kind_words

Role = Literal["cover", "shaft", "kind", "contents", "owner", "suffix", "state", "deny", "without", "unclear"]
"""What a word can be in a report; data/codes/README.md says what each of them means."""

# Characters of the vocabulary that are written otherwise in Taiwan and Hong Kong.
_PAIRS = (
    "蓋盖 電电 訊讯 熱热 氣气 網网 絡络 線线 纜缆 視视 廣广 無无 損损 壞坏 斷断 鏽锈 銹锈 蝕蚀 丟丢 遺遗 見见 竊窃 "
    "鬆松 動动 響响 彈弹 聲声 翹翘 錯错 傾倾 側侧 場场 處处 檢检 閥阀 門门 號号 燈灯 園园 綠绿 輸输 廢废 棄弃 給给 "
    "條条 運运 營营 務务 團团 責责 鐵铁 聯联 國国 產产 權权 屬属 歸归 種种 類类 別别 與与 並并 馬马 蘆芦 糞粪 髒脏 "
    "監监 報报 變变 殘残 壓压 嚴严 沒没 開开 環环 區区 圍围 邊边 紋纹 碼码 應应 滿满 為为 貫贯 蘭兰 華华 崑昆 侖仑 "
    "劃划 證证 養养 護护 發发 確确 認认 裏里 裡里 於于 纖纤 寬宽 帶带 錶表 圓圆 鋼钢 鑄铸 盤盘 這这 個个 們们 車车 "
    "機机 倉仓 儲储 汙污 汚污 濫滥 隊队 壩坝 樓楼 "
    "異异 強强 當当 噹当 說说 來来 廠厂 廳厅 溝沟 稱称 復复 饋馈 標标 寫写 著着 對对 臺台 後后 圖图"
)
_SIMPLIFIED = str.maketrans({pair[0]: pair[1] for pair in _PAIRS.split()})
# Blanks stand anywhere; quotation marks only where somebody tells what is written on a cover.
_LEFT_OUT = re.compile(r"[\s\"'“”‘’「」『』]+")


class Word(NamedTuple):
    """A word of the vocabulary: what it can be, and for each of these its values (kinds of cover, or a state)."""

    text: str
    values: dict[Role, tuple[str, ...]]


class Token(NamedTuple):
    """A word found in a plain text, from ``start`` to ``end``."""

    start: int
    end: int
    word: Word


def plain(text: str) -> str:
    """Return a text in the one form in which words are looked for: half-width, simplified, lower case, without blanks and quotation marks.

    >>> plain("ＡＢ 汙水井蓋（１）")
    'ab污水井盖(1)'
    """
    return _LEFT_OUT.sub("", unicodedata.normalize("NFKC", text)).translate(_SIMPLIFIED).casefold()


def tokens(text: str) -> list[Token]:
    """Return the words of the vocabulary in a plain text, from left to right; where several begin, the longest."""
    by_first, found, at = _by_first(), [], 0
    while at < len(text):
        for word in by_first.get(text[at], ()):
            if text.startswith(word.text, at):
                found.append(Token(at, at + len(word.text), word))
                at += len(word.text)
                break
        else:
            at += 1
    return found


def values_of(role: Role) -> tuple[str, ...]:
    """Return the values that words have as ``role``, in the order of the list."""
    return tuple(dict.fromkeys(value for word in _vocabulary().values() for value in word.values.get(role, ())))


@cache
def _vocabulary() -> dict[str, Word]:
    words: dict[str, Word] = {}
    for text, kind in kind_words().items():
        _add(words, "kind", text, (kind,))
    with (paths.data_dir() / "codes" / "cover_words.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            _add(words, row["role"], row["word"], tuple(row["value"].split()))
    return words


@cache
def _by_first() -> dict[str, list[Word]]:
    """Return the words that begin with each character, the longest first."""
    words: dict[str, list[Word]] = {}
    for word in sorted(_vocabulary().values(), key=lambda word: (-len(word.text), word.text)):
        words.setdefault(word.text[0], []).append(word)
    return words


def _add(words: dict[str, Word], role: str, text: str, values: tuple[str, ...]) -> None:
    if role not in get_args(Role):
        raise ValueError(f"cover_words.csv: there is no role {role!r}.")
    word = words.setdefault(plain(text), Word(plain(text), {}))
    word.values.setdefault(cast(Role, role), values)
