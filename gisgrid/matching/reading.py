"""What a report says of a cover: its kind, its state, and whether it speaks of a cover at all."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from gisgrid.errors import ParameterError
from gisgrid.matching.vocabulary import Role, Token, plain, tokens

Source = Literal["named", "owner", "contents", ""]
"""How a text tells the kind: said of the cover itself, by whose it is, by what comes out of it; empty when it does not."""

Subject = Literal["cover", "unsaid", "drain", "other"]
"""What a text is about: a cover, nothing that it names, something that overflows, as manholes do, or something else."""

MAX_TEXT = 10_000

# Between kinds that are named in one breath, between a kind and its 井盖, and between a 井盖 and the kind that is said of it after.
_LIST = re.compile(r"(?:[、/·,]|和|及|与|或|或者|还是)?")
_LINK = re.compile(
    r"(?:管道|管线|管网|管|线路|线|阀门|阀|闸|专用|设施|设备|用|类|型|的|产权|权属|所属|自有|圆形|方形|铸铁|水泥|塑料|复合|大|小|双|单|检查|检修|工程)*"
)
_AFTER = re.compile(
    r"(?:上|面|表|类型|类别|种类|名称|标识|用途|权属|产权|归属|单位|刻|写|印|标|有|着|的|是|为|属|属于|系|应为|疑似|好像|可能|[(\[:])*"
)
_COMPANY = re.compile(r"[\u4e00-\u9fff]{0,8}")
_DENIED = re.compile(r"(?:一个|该|这个|我们|我公司|我司|我单位|的|所谓)*")
# After an organisation: it says that the cover is not its own.
_DISOWNED = re.compile(r"[^。;!?]{0,16}?(?:不是|并非|非|不属于|不属|不归|不由)(?:他|她|它|我|其|本|该|自)")
# What names no thing at all.
_EMPTY_WORDS = re.compile(
    r"[\W_]+|请|及时|尽快|立即|处理|维修|修复|更换|存在|安全隐患|隐患|危险|严重|多处|一处|此处|已经|已|被|有|很|了|的"
)


class Report(NamedTuple):
    """What a text says: kinds in the order named, those it denies, states as in the field ``state`` and beyond."""

    kinds: tuple[str, ...]
    source: Source
    denied: tuple[str, ...]
    states: tuple[str, ...]
    subject: Subject


def kinds_named(text: str) -> tuple[str, ...]:
    """Return the kinds of cover that a Chinese text names, as in the field ``kind``, in their order.

    What is said of the cover itself counts first (污水井盖, 井盖上写着雨水), then whose it is (燃气公司), then what comes out of
    it (污水冒溢). Kinds that are denied (不是雨水井) are left out. Raises ParameterError for a text of more than 10,000 characters.

    >>> kinds_named("楼前污水井盖破损"), kinds_named("青岛燃气公司的古力松动"), kinds_named("井盖移位")
    (('sewage',), ('gas',), ())
    """
    return read_report(text).kinds


def read_report(text: str) -> Report:
    """Return what a text says; raises ParameterError when it is too long."""
    if len(text) > MAX_TEXT:
        raise ParameterError("text", f"{len(text):,} characters are too many.", f"at most {MAX_TEXT:,}")
    return _read(text)


@lru_cache(maxsize=256)
def _read(text: str) -> Report:
    text = plain(text)
    found = tokens(text)
    mentions = _mentions(text, found)
    denied = tuple(dict.fromkeys(kind for mention in mentions if mention.denied for kind in mention.kinds))
    kinds, source = _kinds(found, mentions, denied)
    is_cover = any("cover" in token.word.values for token in found) or any(mention.source == "named" for mention in mentions)
    return Report(kinds, source, denied, _states(found), "cover" if is_cover else _subject(text, found, source))


class _Mention(NamedTuple):
    kinds: tuple[str, ...]
    source: Source
    denied: bool


def _kinds(found: list[Token], mentions: list[_Mention], denied: tuple[str, ...]) -> tuple[tuple[str, ...], Source]:
    """Return the kinds of the surest source that names any."""
    told = {source: [kind for m in mentions if m.source == source and not m.denied for kind in m.kinds] for source in ("named", "owner")}
    told["named"] = told["named"] or [kind for token in found for kind in token.word.values.get("unclear", ())]
    told["contents"] = [kind for token in found for kind in token.word.values.get("contents", ())]
    sources: tuple[Source, ...] = ("named", "owner", "contents")
    for source in sources:
        kinds = tuple(dict.fromkeys(kind for kind in told[source] if kind not in denied))
        if kinds:
            return kinds, source
    return (), ""


def _mentions(text: str, found: list[Token]) -> list[_Mention]:
    """Return where a text names kinds: of a cover, or by an organisation."""
    mentions = []
    at = 0
    while at < len(found):
        end = _end_of_run(text, found, at)
        if end == at:
            at += 1
            continue
        source, last = _source_of_run(text, found, at, end)
        if source:
            kinds = [kind for token in found[at:end] for kind in _values(token, source)]
            denied = _is_denied(text, found, at) or (source == "owner" and _DISOWNED.match(text, found[last - 1].end) is not None)
            mentions.append(_Mention(tuple(dict.fromkeys(kinds)), source, denied))
        at = max(end, last)
    return mentions


def _values(token: Token, source: Source) -> tuple[str, ...]:
    roles: tuple[Role, ...] = ("owner", "kind") if source == "owner" else ("kind", "owner")
    return next((token.word.values[role] for role in roles if role in token.word.values), ())


def _end_of_run(text: str, found: list[Token], at: int) -> int:
    """Return the end of the words from ``at`` on that name kinds in one breath; ``at`` itself when there are none."""
    end = at
    while (
        end < len(found) and _is(found[end], "kind", "owner") and (end == at or _LIST.fullmatch(text, found[end - 1].end, found[end].start))
    ):
        end += 1
    return end


def _source_of_run(text: str, found: list[Token], at: int, end: int) -> tuple[Source, int]:
    """Return how the kinds of a run are told, and the place of the last word that belongs to it."""
    if _is(found[end - 1], "cover") or _is_grating(found[end - 1]):
        return "named", end
    is_owner = _is(found[end - 1], "owner")
    before = found[end - 1]
    if end < len(found) and _is(found[end], "suffix") and _COMPANY.fullmatch(text, before.end, found[end].start):
        is_owner, before, end = True, found[end], end + 1
    if end < len(found) and _is(found[end], "cover", "shaft") and _LINK.fullmatch(text, before.end, found[end].start):
        return "named", end + 1
    if (
        at
        and _is(found[at - 1], "cover")
        and _AFTER.fullmatch(text, found[at - 1].end, found[at].start)
        and found[at - 1].end < found[at].start
    ):
        return "named", end
    return ("owner" if is_owner else ""), end


def _is(token: Token, *roles: Role) -> bool:
    return not token.word.values.keys().isdisjoint(roles)


def _is_grating(token: Token) -> bool:
    return token.word.values.get("kind") == ("rainwater_grating",)


def _is_denied(text: str, found: list[Token], at: int) -> bool:
    return at > 0 and _is(found[at - 1], "deny") and _DENIED.fullmatch(text, found[at - 1].end, found[at].start) is not None


def _states(found: list[Token]) -> tuple[str, ...]:
    """Return the states that a text tells, but for those that it says are not so (无破损, 不是丢了)."""
    states: list[str] = []
    for k, token in enumerate(found):
        undone = k > 0 and _is(found[k - 1], "without", "deny") and found[k - 1].end == token.start
        states += [] if undone else token.word.values.get("state", ())
    return tuple(dict.fromkeys(states))


def _subject(text: str, found: list[Token], source: Source) -> Subject:
    """Return what a text without a cover is about."""
    if source == "contents" and "overflowing" in _states(found):
        return "drain"
    rest = list(text)
    for token in found:
        if _is(token, "state", "without"):
            rest[token.start : token.end] = " " * (token.end - token.start)
    return "other" if _EMPTY_WORDS.sub("", "".join(rest)) else "unsaid"
