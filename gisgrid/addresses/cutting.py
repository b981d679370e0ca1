"""A normalised Chinese address cut into its pieces: known names, numbers, words of relation and what is left."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from gisgrid.addresses.numbers import STEMS, plate
from gisgrid.addresses.parsed import HouseNumber, NameKind, Relation, Vocabulary
from gisgrid.addresses.pieces import Piece, Within
from gisgrid.addresses.relations import RELATION, relation_of

_S = STEMS
_PIECES = re.compile(
    rf"(?P<building>第?(?P<b>\d{{1,6}}[A-Z]?|[A-Z]\d{{0,3}})(?P<to>[-~]\d{{1,4}})?(?:(?:号|\#)楼(?![下道顶])座?|[号\#]?(?:栋|幢)|[号\#]?座(?![{_S}桥城山]))(?:楼(?![下前后上道内院旁]))?)"
    r"|(?P<unit>(?P<u>\d{1,3}|[A-Z]|[东西南北中甲乙丙丁](?=单))[号#]?(?:单元门?|单园|门洞|门(?=\d|$|,)))"
    r"|(?P<floor>(?P<f>(?:负|地下|B)?\d{1,2})(?:层|楼(?![下前后上道栋内院旁盘群号])|F(?![A-Z])))"
    r"|(?P<room>(?P<r>\d{1,5}[A-Z]?(?:-\d{1,4})?)[号#]?(?:户|室|房(?![产屋管]))|(?P<door>[东西中][南北]?户))"
    r"|(?P<bus>\d{1,3}路(?:公交)?车?(?:总站|终点站|站牌?))"
    rf"|(?P<number>(?P<before>[{_S}])?(?P<digits>\d{{1,5}})(?P<letter>[A-Z{_S}](?=[号\#]))?"
    rf"(?:(?P<join>[-~]|之|附)(?P<second>\d{{1,4}})(?P<stem>[A-Z{_S}])?)?(?:号(?!线)|\#)(?:大院|院(?![内里子门前外]))?"
    rf"(?P<after>(?:-|之|附)\d{{1,4}}(?![\d号\#栋幢单层室户-])|[{_S}](?:-\d{{1,3}}(?!\d|号|-|\#))?(?!\d+号(?!楼)))?号?)"
    r"|(?P<yard>(?P<y>\d{1,5})(?:大院|院(?![内里子门前外])|弄))"
    r"|(?P<highway>[GS]?\d{1,4}(?:国道|省道|县道|高速))"
    r"|(?P<distance>(?=\d+(?:\.\d+)?多?(?:米|公里|K?M(?![A-Z])))\d+(?:\.\d+)?多?(?:米|公里|K?M)(?:左右|远)*处?)"
    r"|(?P<dashes>[A-Z]?\d{1,5}[A-Z]?(?:[-\s]\d{1,5}[A-Z]?)+(?P<tail>室|户|房|号)?)"
    r"|(?P<bare>\d{1,6}[A-Z]?)"
)
_FIRST_OF_PIECES = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ第负地东西南北中" + STEMS)
_WORDS = re.compile(
    r"(?P<cross>(?:的)?(?:交叉路口|交叉口|十字路口|丁字路口|三岔路口|交界处|交界|交汇处|交汇口|交汇|交口|相交处|交叉处|交叉|路口|口(?=$|[,(东西南北附往向红旁对处])|转盘|拐角处?|转角处?))"
    r"|(?P<between>之间|中间|路段|区间|段(?=$|[,)]))"
    r"|(?P<near_to>靠近|临近|邻近|毗邻|接近|近)"
    rf"|(?P<relation>{RELATION})"
    r"|(?P<joint>与|和|及|同|跟|跨|交|至|到|、|/|&|\+|×|X(?=[\u4e00-\u9fff])|-|~)"
    r"|(?P<stop>[^\u3400-\u9fffA-Z0-9])"
)
_WEAK = frozenset("与和及同跟跨交至到近旁里内外前后处门口东西南北")
"""Words of one character that also stand in the middle of names: they count only where a name has ended."""

_ROAD: frozenset[NameKind] = frozenset(("road",))
_PLACE: frozenset[NameKind] = frozenset(("place",))
_AREAS: frozenset[NameKind] = frozenset(("street", "community", "district"))
_SHORT = 6
# Ends of addresses that are no longer are kept, so many of them.
_LONGEST_END, _MOST_ENDS = 16, 10_000
_AREA_TAIL = re.compile(r"街道(?:办事处|办)?|街办|办事处|社区(?:居民委员会|居委会|居委)?|居委会|居民委员会")
_FIRST_OF_TAILS = frozenset("街办社居")
_BEFORE_ROADS = frozenset("一二三四五六七八九十东西南北中支路大")
_ROADS_REST = re.compile("(?:[一二三四五六七八九十]{1,2}|[东西南北中支])?路(?![口边面段东西南北旁侧])|大[道街](?!道)")
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
    "上|位于|坐落[于在]?|地处|就?在|我在|内|里|沿着?|往|见|走|经|我?家?住在?|的|是|于|从|由|去|那个?|这|有|我?家|我们|请?到|地|附|号|院|门|口|楼|处|街|路|边|段|请问|小区|家属院|宿舍楼?|住宅楼?|居民楼|[该本此全一个]|中国|中华人民共和国"
)
_FILLERS = re.compile("位于|坐落[于在]?|地处|就在|我?家住在?|我们?住?在|住在|[那这]个|靠着|沿着|请问|反映|投诉|中国|中华人民共和国")


def pieces(text: str, start: int, names: Vocabulary) -> list[Piece]:
    """Return the pieces of ``text`` from ``start`` on, in their order; every character is in one of them."""
    found: list[Piece] = []
    _cut(text, start, names, found)
    return found


def _end(text: str, names: Vocabulary, after: Piece) -> list[Piece]:
    """Return the pieces of the end of an address that follows a known name and begins with none: 41号3号楼, 5号门口, 附近.

    There are few such ends, and they hang on the names alone: they are kept with these.
    """
    known: list[Piece] | None = names.ends.get(text)
    if known is not None:
        return known
    found = [after]
    _cut(text, 0, names, found)
    del found[0]
    if found[0].kind != "unknown":  # whether that is the beginning of a longer name depends on what stands before it
        if len(names.ends) >= _MOST_ENDS:
            names.ends.clear()
        names.ends[text] = found
    return found


def _cut(text: str, start: int, names: Vocabulary, found: list[Piece]) -> None:
    """Add the pieces of ``text`` from ``start`` on to those that were ``found`` before it."""
    position, size = start, len(text)
    while position < size:
        known = names.longest_at(text, position)
        if known is None and position > start and found[-1].kind == "name" and size - position <= _LONGEST_END:
            found += _end(text[position:], names, found[-1])
            break
        match = _PIECES.match(text, position) if text[position] in _FIRST_OF_PIECES else None
        if known is not None and (match is None or known[0] >= match.end()):
            piece, position = _name(text, position, known)
        elif match is not None:
            piece, position = _piece(match), match.end()
        elif size - position <= _SHORT and found and (last := _last_word(text[position:])) is not None:
            piece, position = last, size
        else:
            match = _WORDS.match(text, position)
            if match is not None and _fits(text, match, found, names):
                piece, position = _word(match), match.end()
            else:
                piece, position = _unknown(text, position, names)
        if found and piece.kind == "name" and _belongs(piece, found):
            run = found.pop().text  # 新延安路 is a road that is not known rather than 延安路
            kind: NameKind = "road" if "road" in piece.kinds else "place"
            piece = Piece("unknown", run + piece.text, frozenset((kind,)), Within(piece.text, kind, run))
        found.append(piece)


def _belongs(name: Piece, found: list[Piece]) -> bool:
    """Return whether the last piece is a few characters that nothing is known of, and the beginning of a longer name."""
    last = found[-1]
    if last.kind != "unknown" or last.kinds or not last.text.isalpha():
        return False
    if "road" not in name.kinds:
        return "place" in name.kinds and len(last.text) <= 4
    return len(last.text) <= 2 and (len(found) == 1 or found[-2].kind in ("joint", "near_to", "stop") or bool(found[-2].kinds & _AREAS))


def _name(text: str, start: int, known: tuple[int, frozenset[NameKind]]) -> tuple[Piece, int]:
    """Return a known name, or the longer one that it is the beginning of."""
    end, kinds = known
    following = text[end : end + 1]
    if following.isascii():  # so is nothing
        return Piece("name", text[start:end], kinds), end
    if following in _FIRST_OF_TAILS:
        tail = _AREA_TAIL.match(text, end)
        if tail is not None:
            return _area(text[start:end], kinds, tail[0]), tail.end()
    if following in _BEFORE_ROADS and "road" not in kinds:
        more = _ROADS_REST.match(text, end)
        if more is not None:  # 台东 is known, 台东七路 is not
            return Piece("unknown", text[start : more.end()], _ROAD), more.end()
    if "road" in kinds:
        more = _INSTITUTION.match(text, end)
        if more is not None:  # 合肥路小学: a place that nobody knows, at a road that is known
            return Piece("unknown", text[start : more.end()], _PLACE, Within(text[start:end], "road", text[end : more.end()])), more.end()
    return Piece("name", text[start:end], kinds), end


def _area(name: str, kinds: frozenset[NameKind], tail: str) -> Piece:
    """Return a street or community whose known name has a word more: 水清沟街道 and 办事处, 宁夏路 and 街道."""
    kind: NameKind = "community" if tail[0] in "社居" else "street"
    if kind in kinds and not kinds & {"road", "place"}:
        return Piece("name", name, kinds)
    return Piece("name", name + ("社区" if kind == "community" else "街道"), frozenset((kind,)))


_PLATE = ("before", "digits", "letter", "join", "second", "stem", "after")
_MAKERS: dict[str, Callable[[re.Match[str], str], Piece]] = {
    "number": lambda match, text: Piece("number", text, value=plate(match.group(*_PLATE))),
    "building": lambda match, text: Piece("building", text, value=(match["b"], (match["to"] or "")[1:])),
    "unit": lambda match, text: Piece("unit", text, value=match["u"]),
    "floor": lambda match, text: Piece("floor", text, value=match["f"]),
    "room": lambda match, text: Piece("room", text, value=match["r"] or text),
    "yard": lambda match, text: Piece("number", text, value=HouseNumber(int(match["y"]))),
    "highway": lambda _, text: Piece("unknown", text, _ROAD),
    "bus": lambda _, text: Piece("relation", text, value=Relation(text, "at")),
    "distance": lambda _, text: Piece("relation", text, value=relation_of(text)),
    "dashes": lambda match, text: Piece(
        "dashes", text, value=(re.split(r"[-\s]", text.removesuffix(match["tail"] or "")), match["tail"] or "")
    ),
    "bare": lambda _, text: Piece("bare", text),
}


def _piece(match: re.Match[str]) -> Piece:
    """Return a piece that has to do with a number."""
    return _MAKERS[match.lastgroup or ""](match, match.group())


def _word(match: re.Match[str]) -> Piece:
    text, kind = match.group(), match.lastgroup
    if kind == "relation":
        return Piece("relation", text, value=relation_of(text))
    return Piece(kind, text)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _last_word(rest: str) -> Piece | None:
    """Return the word of relation that the rest of a text is; most addresses end with one of few."""
    match = _WORDS.fullmatch(rest)
    return None if match is None or match.lastgroup != "relation" or rest in _WEAK else _word(match)


def _fits(text: str, match: re.Match[str], before: list[Piece], names: Vocabulary) -> bool:
    """Return whether a word stands where it can mean what it says: one that may be part of a name only after or before something."""
    if match.group() not in _WEAK or (before and before[-1].kind not in ("joint", "near_to", "stop")):
        return True
    return bool(before) and names.longest_at(text, match.end()) is not None


def _unknown(text: str, start: int, names: Vocabulary) -> tuple[Piece, int]:
    """Return the run of characters that nothing is known of, up to where something begins, with a guess what it names."""
    filler = _FILLERS.match(text, start)
    if filler is not None:
        return Piece("stop", filler.group()), filler.end()
    position, size = start + 1, len(text)
    while position < size:
        area = _AREA_TAIL.match(text, position)
        if area is not None and position - start > 1:
            kind: NameKind = "community" if area[0][0] in "社居" else "street"
            return Piece("unknown", text[start:position] + ("社区" if kind == "community" else "街道"), frozenset((kind,))), area.end()
        if text[position] in _ROAD_TAIL and not _AREA_TAIL.match(text, position + 1):
            more = _INSTITUTION.match(text, position + 1)
            if more is None and not (text[position] == "街" and text[position + 1 : position + 2] in ("道", "区", "坊")):
                return Piece("unknown", text[start : position + 1], frozenset(("road",))), position + 1
            position = position + 1 if more is None else more.end()
            continue
        known = names.longest_at(text, position)
        if (known is not None and known[0] - position > 2) or _begins(text, start, position):
            break
        position += 1
    run = text[start:position]
    if _FUNCTION.fullmatch(run):
        return Piece("stop", run), position
    return Piece("unknown", run, _guess(run)), position


def _begins(text: str, start: int, position: int) -> bool:
    """Return whether a number or a word begins here, in the middle of something unknown."""
    character = text[position]
    if character.isdigit():
        return text[position - 1] != "第"
    if character in _FIRST_OF_PIECES and _PIECES.match(text, position):
        return not text[position - 1].isascii() and character not in STEMS
    match = _WORDS.match(text, position)
    if match is None:
        return False
    return match.group() not in _WEAK or _PLACE_END.search(text, start, position) is not None


def _guess(run: str) -> frozenset[NameKind]:
    if _ROAD_END.search(run):
        return frozenset(("road",))
    return frozenset(("place",)) if _PLACE_END.search(run) else frozenset()
