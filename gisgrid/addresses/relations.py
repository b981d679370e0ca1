"""How a place lies to what an address names: at it, near it, opposite, in a direction, so many metres on."""

from __future__ import annotations

import re
from functools import lru_cache

from gisgrid.addresses.parsed import Relation, RelationKind

_BEARINGS = {"北": 0.0, "东北": 45.0, "东": 90.0, "东南": 135.0, "南": 180.0, "西南": 225.0, "西": 270.0, "西北": 315.0}
_TURNED = {"北东": "东北", "南东": "东南", "南西": "西南", "北西": "西北"}
_D = r"东北|东南|西北|西南|北东|南东|南西|北西|正?[东西南北]"
_M = r"(?:约|大约|大概|第)?\d{1,4}(?:\.\d{1,2})?多?(?:M(?![A-Z])|米|公里|KM)(?:左右|远)*处?"
RELATION = (
    # Direction: one of a word before it (往, 路), a word after it (侧, 边), or a distance makes it one.
    rf"(?P<to>(?:(?:路口|口)?(?:再)?(?:[往向朝以偏](?P<d1>{_D})|(?P<d2>{_D})[行走去]|(?:马?路)?(?P<d4>正?[东西南北])(?=$|[,(])|马?路(?P<d6>[东西南北])(?=[侧边面]))"
    rf"(?:侧|边|面|方向|[行走去])*(?:{_M}|第?[一二两三四]个路口)?"
    rf"|(?P<d3>{_D})(?:(?:侧|边(?!防)|面(?![馆包粉坊])|角(?!楼)|邻(?![里居])|段|方向|首|头(?!村))(?:[行走去])?(?:{_M})?|{_M})(?:路边|人行道|处)?))"
    r"|(?P<gate>[东西南北正后侧大]?(?:大?门)(?:口(?!街)|前|外|旁|处)(?:的?人行道)?|(?P<d5>[东西南北])(?:大)?门(?=$|[,(附旁口对前外处]))"
    r"|(?P<opposite>(?:马路|道路|路|斜|正)?(?:对面|对过|对门|对侧)(?:马路)?(?:人行道|路边)?)"
    r"|(?P<near>中段|全线|沿线|全段|尽头|附近|旁边|边上|周边|周围|一带|不远处?|隔壁|临街|近处|前后|左右|旁(?![系]))"
    rf"|(?P<on>(?:再)?(?:前行|往前|向前|前方|往里|往后)?{_M})"
    r"|(?P<at>(?:楼|院|小区)(?:下|前|后|上|旁|里面|里|内|外|道里?|院)(?:面)?(?:的?人行道|空地|路边|绿化带|院内)?|院子里?|红绿灯处?|路[边旁上面侧沿](?:人行道)?|街边|道边|人行道上?"
    r"|(?:地下)?(?:车库|停车场|地库)(?:[出入]?口)?|楼[顶道](?:里|内)?|天台|(?:高架)?桥[上下]|[A-Z]\d?[出入]?口"
    r"|(?:沿街|临街|背街)?(?:网点|商铺|门头房?|门市房?|底商|店面)"
    r"|绿化带|停车场|公交站牌?旁?|门(?=$|,)|[里内外前后](?:面|侧|边)?(?=$|[,)])|处(?=$|[,)])|这里|此处)"
)
_WHOLE = re.compile(RELATION)
_STRENGTH: dict[RelationKind, int] = {"at": 0, "near": 1, "opposite": 2, "direction": 3, "between": 4}
_DISTANCE = re.compile(r"(\d{1,4}(?:\.\d{1,2})?)多?(M|米|公里|KM)")


@lru_cache(maxsize=1024)
def relation_of(word: str) -> Relation:
    """Return what a word or phrase of relation says: 门口, 对面, 东侧50米, 往北约30米."""
    match = _WHOLE.fullmatch(word)
    groups = {} if match is None else match.groupdict()
    found = next((groups[name] for name in ("d1", "d2", "d3", "d4", "d5", "d6") if groups.get(name)), None)
    bearing = None if found is None else _BEARINGS[_TURNED.get(found, found).removeprefix("正")]
    distance = _DISTANCE.search(word)
    metres = None if distance is None else float(distance[1]) * (1000.0 if distance[2] in ("公里", "KM") else 1.0)
    if groups.get("to"):
        return Relation(word, "direction", bearing, metres)
    if groups.get("gate"):
        return Relation(word, "at", bearing)
    if groups.get("opposite"):
        return Relation(word, "opposite")
    return Relation(word, "at") if groups.get("at") else Relation(word, "near", None, metres)


def stronger(first: Relation | None, second: Relation) -> Relation:
    """Return the relation that moves the place further, the first one when both are of a kind; a distance said apart is kept."""
    if first is None:
        return second
    if second.distance_m is not None and first.distance_m is None and first.kind in ("direction", "opposite") and second.kind == "near":
        return first._replace(word=first.word + second.word, distance_m=second.distance_m)
    return second if _STRENGTH[second.kind] > _STRENGTH[first.kind] else first
