"""A normalised Chinese address cut into known names, numbers, words of relation and what is left."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from gisgrid.addresses.numbers import STEMS, plate
from gisgrid.addresses.parsed import NameKind, Vocabulary
from gisgrid.addresses.relations import RELATION, relation_of

TokenKind = Literal[
    "name",
    "unknown",
    "number",
    "building",
    "unit",
    "floor",
    "room",
    "dashes",
    "bare",
    "cross",
    "between",
    "near_to",
    "joint",
    "relation",
    "stop",
]


class Token(NamedTuple):
    """A piece of an address: ``kinds`` of a name, known or guessed by its last word; ``value`` of what is no name."""

    kind: TokenKind
    text: str
    kinds: frozenset[NameKind] = frozenset()
    value: Any = None


_S = STEMS
_PIECES = re.compile(
    rf"(?P<building>第?(?P<b>\d{{1,4}}[A-Z]?|[A-Z]\d{{0,3}})(?:(?:号|\#)楼(?!下)|[号\#]?(?:栋|幢)|[号\#]?座(?![{_S}桥城山]))(?:楼(?![下前后上道内院旁]))?)"
    r"|(?P<unit>(?P<u>\d{1,3}|[A-Z])[号#]?(?:单元门?|单园|门洞))"
    r"|(?P<floor>(?P<f>(?:负|地下|B)?\d{1,2})(?:层|楼(?![下前后上道栋内院旁盘群号])|F(?![A-Z])))"
    r"|(?P<room>(?P<r>\d{1,5}[A-Z]?(?:-\d{1,4})?)[号#]?(?:户|室|房(?![产屋管])))"
    rf"|(?P<number>(?P<before>[{_S}])?(?P<number_>\d{{1,5}})(?P<letter>[A-Z{_S}](?=[号\#]))?"
    rf"(?:(?P<join>[-~]|之|附)(?P<second>\d{{1,4}})(?P<stem>[A-Z{_S}])?)?(?:号(?!线)|\#)(?:大院|院(?![内里子门前外]))?"
    rf"(?P<after>(?:-|之|附)\d{{1,4}}(?![\d号\#栋幢单层室户-])|[{_S}](?!\d+号))?号?)"
    r"|(?P<yard>(?P<y>\d{1,5})(?:大院|院(?![内里子门前外])))"
    r"|(?P<distance>(?=\d+(?:\.\d+)?多?(?:米|公里|K?M(?![A-Z])))\d+(?:\.\d+)?多?(?:米|公里|K?M)(?:左右|远)*处?)"
    r"|(?P<dashes>[A-Z]?\d{1,5}[A-Z]?(?:[-\s]\d{1,5}[A-Z]?)+(?P<tail>室|户|房|号)?)"
    r"|(?P<bare>\d{1,6}[A-Z]?)"
)
_WORDS = re.compile(
    r"(?P<cross>(?:的)?(?:交叉路口|交叉口|十字路口|丁字路口|三岔路口|交界处|交界|交汇处|交汇口|交汇|交口|相交处|交叉处|交叉|路口|口(?=$|[,(东西南北附往向红旁对处])|转盘|拐角处?|转角处?))"
    r"|(?P<between>之间|中间|路段|区间|段(?=$|[,)]))"
    r"|(?P<near_to>靠近|临近|邻近|毗邻|接近|近)"
    rf"|(?P<relation>{RELATION})"
    r"|(?P<joint>与|和|及|同|跟|跨|交|至|到|、|/|&|\+|×|X(?=[\u4e00-\u9fff])|-|~)"
    r"|(?P<stop>[^\u3400-\u9fffA-Z0-9])"
)
_WEAK = frozenset("与和及同跟跨交至到近旁里内外前后处门口")
"""Words of one character that also stand in the middle of names: they count only where a name has ended."""

_AREA_TAIL = re.compile(r"街道(?:办事处|办)?|街办|办事处|镇(?![\u4e00-\u9fff]?路)|社区(?:居民委员会|居委会|居委)?|居委会|居民委员会")
_ROAD_TAIL = "路街巷弄"
_ROAD_END = re.compile(r"(?:路|街|大道|巷|弄|胡同|高架|高速|国道|省道)$")
_INSTITUTION = re.compile(
    r"(?:第[一二三四五六七八九十]+)?(?:实验)?(?:小学|中学|学校|幼儿园|医院|诊所|市场|农贸市场|派出所|公园|广场|大厦|小区|花园|家园|新村|公寓|宾馆|酒店|饭店|商场|商城|超市|银行|邮局"
    r"|地铁站|公交站|车站|加油站|停车场|写字楼|办公楼|宿舍|教堂|天桥|桥|隧道|码头|工厂|仓库|菜市场|体育馆|体育场|图书馆|文化馆|卫生服务中心|卫生室|便民服务中心|服务中心)"
)
_PLACE_END = re.compile(
    r"(?:小区|花园|家园|公寓|大厦|广场|公园|学校|小学|中学|大学|学院|幼儿园|医院|诊所|市场|商场|商城|超市|酒店|宾馆|饭店|面馆|餐厅|书店|药房|药店|银行|邮局|车站|地铁站|码头|桥|"
    r"厂|店|馆|院|所|站|楼|里|苑|园|村|庄|城|府|邸|阁|轩|坊|湾|墅|座|中心|公司|大院|新村|国际|名都|华庭|佳苑|街区|步行街|教堂|期|库|场|寺|庙|塔|山|号)$"
)
_FUNCTION = re.compile(
    "位于|坐落于?|地处|就?在|我在|我?家?住在?|的|是|于|从|由|去|那个?|这|有|我?家|我们|请?到|地|附|号|院|门|口|楼|处|街|路|边|段|请问|[该本此全一个]|中国|中华人民共和国"
)


def tokens(text: str, start: int, names: Vocabulary) -> list[Token]:
    """Return the pieces of ``text`` from ``start`` on, in their order; every character is in one of them."""
    found: list[Token] = []
    position, size = start, len(text)
    while position < size:
        match = _PIECES.match(text, position)
        known = names.names_at(text, position)
        if known and (match is None or known[0][0] >= match.end()):
            token, position = _name(text, position, known[0])
        elif match is not None:
            token, position = _piece(match), match.end()
        else:
            match = _WORDS.match(text, position)
            if match is not None and _fits(match.group(), found):
                token, position = _word(match), match.end()
            else:
                token, position = _unknown(text, position, names)
        found.append(token)
    return found


def _name(text: str, start: int, known: tuple[int, frozenset[NameKind]]) -> tuple[Token, int]:
    """Return a known name, with the word for an area or an institution that follows it."""
    end, kinds = known
    tail = _AREA_TAIL.match(text, end)
    if tail is not None:
        kind: NameKind = "community" if tail[0][0] in "社居" else "street"
        if kind in kinds and not kinds & {"road", "place"}:
            return Token("name", text[start:end], kinds, True), tail.end()
        if kind == "street" and "办事处" in tail[0]:
            return Token("name", text[start:end] + "街道", frozenset((kind,)), True), tail.end()
        return Token("name", text[start:end] + ("社区" if kind == "community" else "街道"), frozenset((kind,)), kind in kinds), tail.end()
    if "road" in kinds:
        more = _INSTITUTION.match(text, end)
        if more is not None:
            return Token("unknown", text[start : more.end()], frozenset(("place",)), text[start:end]), more.end()
    return Token("name", text[start:end], kinds, True), end


_VALUES = {"building": "b", "unit": "u", "floor": "f", "room": "r"}


def _piece(match: re.Match[str]) -> Token:
    text, parts = match.group(), match.groupdict()
    for kind, value in _VALUES.items():
        if parts[kind]:
            return Token(kind, text, value=parts[value])  # type: ignore[arg-type]
    if parts["number"] or parts["yard"]:
        return Token("number", text, value=plate({**parts, "number": parts["number_"] or parts["y"]}))
    if parts["distance"]:
        words = _WORDS.match(text)
        return Token("unknown", text) if words is None else _word(words)
    if parts["dashes"]:
        tail = parts["tail"] or ""
        return Token("dashes", text, value=(re.split(r"[-\s]", text.removesuffix(tail)), tail))
    return Token("bare", text)


def _word(match: re.Match[str]) -> Token:
    groups = match.groupdict()
    if groups["relation"]:
        return Token("relation", match.group(), value=relation_of(groups, match.group()))
    for kind in ("cross", "between", "near_to", "joint"):
        if groups[kind]:
            return Token(kind, match.group())
    return Token("stop", match.group())


def _fits(word: str, before: list[Token]) -> bool:
    """Return whether a word stands where it can mean what it says: one that may be part of a name only after something."""
    return word not in _WEAK or (bool(before) and before[-1].kind not in ("joint", "near_to", "stop"))


def _unknown(text: str, start: int, names: Vocabulary) -> tuple[Token, int]:
    """Return the run of characters that nothing is known of, up to where something begins, with a guess what it names."""
    position, size = start + 1, len(text)
    while position < size:
        area = _AREA_TAIL.match(text, position)
        if area is not None and position - start > 1:
            kind: NameKind = "community" if area[0][0] in "社居" else "street"
            return Token("unknown", text[start:position] + ("社区" if kind == "community" else "街道"), frozenset((kind,))), area.end()
        if text[position] in _ROAD_TAIL and not _AREA_TAIL.match(text, position + 1):
            more = _INSTITUTION.match(text, position + 1)
            if more is None and not (text[position] == "街" and text[position + 1 : position + 2] in ("道", "区", "坊")):
                return Token("unknown", text[start : position + 1], frozenset(("road",))), position + 1
            position = position + 1 if more is None else more.end()
            continue
        if any(end - position > 2 for end, _ in names.names_at(text, position)) or _begins(text, start, position):
            break
        position += 1
    run = text[start:position]
    if _FUNCTION.fullmatch(run):
        return Token("stop", run), position
    return Token("unknown", run, _guess(run)), position


def _begins(text: str, start: int, position: int) -> bool:
    """Return whether a number or a word begins here, in the middle of something unknown."""
    character = text[position]
    if character.isdigit():
        return text[position - 1] != "第"
    if _PIECES.match(text, position):
        return not text[position - 1].isascii() and character not in STEMS
    match = _WORDS.match(text, position)
    if match is None:
        return False
    return match.group() not in _WEAK or _PLACE_END.search(text, start, position) is not None


def _guess(run: str) -> frozenset[NameKind]:
    if _ROAD_END.search(run):
        return frozenset(("road",))
    return frozenset(("place",)) if _PLACE_END.search(run) else frozenset()
