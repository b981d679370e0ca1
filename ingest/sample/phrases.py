"""How people describe a case and write down where it is: categories, sentences, forms of addresses, and slips of the pen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gisgrid.addresses import chinese_number

COVER_TROUBLES = (
    "{name}破损，有安全隐患，请尽快处理",
    "{name}缺失，已放置警示锥桶",
    "{name}松动，车辆经过时有异响",
    "{name}移位，行人险些绊倒",
    "市民反映{name}下沉，与路面高差较大",
    "{name}周边路面沉陷开裂",
    "{name}弹跳扰民，夜间声音很大",
    "巡查发现{name}边框断裂",
)
BUILDING_EVENTS = (
    ("暴露垃圾", "楼下堆放大量生活垃圾，{days}天没人清"),
    ("私搭乱建", "居民在楼前私搭棚子，影响通行"),
    ("乱堆物堆料", "楼道和门口堆满杂物，有消防隐患"),
    ("非法小广告", "单元门上贴满小广告，请清理"),
    ("油烟污染", "楼下饭店油烟直排，居民不敢开窗"),
    ("施工扰民", "夜间装修施工到{hour}点，噪音扰民"),
    ("外墙脱落", "外墙皮脱落，砸到楼下车辆，请设围挡"),
    ("污水外溢", "楼前污水冒溢，气味难闻"),
    ("绿地脏乱", "绿化带内垃圾多，狗粪无人清理"),
    ("占用消防通道", "私家车长期占用消防通道"),
    ("楼道灯不亮", "楼道灯坏了{days}天，老人出行不便"),
)
ROAD_EVENTS = (
    ("机动车乱停放", "人行道上停了{count}辆车，行人只能走机动车道"),
    ("占道经营", "流动摊贩占道经营，堵塞道路"),
    ("店外经营", "商店把货物摆到人行道上"),
    ("道路破损", "路面有坑，深约{count}公分，雨天积水"),
    ("路面积水", "下雨后路面积水，排水不畅"),
    ("道路遗撒", "渣土车遗撒，路面全是土"),
    ("共享单车乱停", "共享单车倒了一片，占住盲道"),
    ("路灯不亮", "路灯连续{count}盏不亮，晚上很黑"),
    ("护栏破损", "隔离护栏被撞坏，残片在路上"),
    ("行道树倾斜", "行道树倾斜，枝条压在电线上"),
    ("违规户外广告", "广告牌松动，大风天晃动"),
    ("信号灯故障", "红绿灯不亮，路口较乱"),
)
CROSSING_EVENTS = (*ROAD_EVENTS[:1], *ROAD_EVENTS[3:5], ROAD_EVENTS[6], ROAD_EVENTS[11])

_TRADITIONAL = str.maketrans(
    "号楼辽宁东兴龙庆长门单区岛对临阳济乐华园广云郑图冈台远连贵陕苏无锡汉沈",
    "號樓遼寧東興龍慶長門單區島對臨陽濟樂華園廣雲鄭圖岡臺遠連貴陝蘇無錫漢瀋",
)
_FULL_WIDTH = str.maketrans("0123456789-#", "０１２３４５６７８９－＃")
_SLIPS = (("延安", "廷安"), ("辽宁", "辽宇"), ("登州", "登洲"), ("即墨", "既墨"), ("敦化", "墩化"), ("洛阳", "络阳"), ("单元", "单园"))
_PREFIXES = ("山东省青岛市市北区", "青岛市市北区", "市北区", "", "山东青岛市北区山东省青岛市市北区", "青岛市四方区", "青岛 市北 ")
_PREFIX_SHARES = (0.18, 0.17, 0.19, 0.36, 0.02, 0.02, 0.06)


class Anchor(NamedTuple):
    """The building that an address speaks of; ``unit`` is the name of its estate or shop, or nothing."""

    road: str
    number: int
    suffix: str
    building: int
    unit: str


class Phrases:
    """Draws texts from one random generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def pick(self, options: tuple[str, ...]) -> str:
        """Return one of the options."""
        return options[int(self._rng.integers(0, len(options)))]

    def event(self, events: tuple[tuple[str, str], ...]) -> tuple[str, str]:
        """Return a category and a description."""
        category, text = events[int(self._rng.integers(0, len(events)))]
        days, hour, count = self._rng.integers(2, 9), self._rng.integers(21, 24), self._rng.integers(2, 8)
        return category, text.format(days=days, hour=hour, count=count)

    def at_building(self, anchor: Anchor, street: str, community: str) -> str:
        """Return an address at the building."""
        if anchor.unit and self._rng.random() < 0.28:
            text = anchor.unit + self._building(anchor, joined=False)
        else:
            text = anchor.road + self._number(anchor) + self._building(anchor, joined=True)
        return self._finish(self._prefix(street, community) + text + self._tail(("", "", "", "", "楼下", "门口", "门前", "院内")))

    def near_building(self, anchor: Anchor, words: str, street: str, community: str) -> str:
        """Return an address near, or in some direction of, the building: ``words`` such as 附近 or 对面."""
        text = anchor.unit if anchor.unit and self._rng.random() < 0.25 else anchor.road + self._number(anchor)
        return self._finish(self._prefix(street, community) + text + words)

    def on_road(self, road: str, cross: tuple[str, str], street: str, community: str) -> str:
        """Return an address on a road between two others, or near the first."""
        first, second = cross
        forms = (
            f"{road}（{first}至{second}）",
            f"{road}{first}到{second}之间",
            f"{road}近{first}",
            f"{road}靠近{first}路边",
            f"{road}与{first}路口往{self.pick(('东', '西', '南', '北'))}约{int(self._rng.integers(2, 9)) * 10}米",
        )
        return self._finish(self._prefix(street, community) + self.pick(forms))

    def at_crossing(self, first: str, second: str, street: str, community: str) -> str:
        """Return an address at the crossing of two roads."""
        forms = ("{a}与{b}交叉口", "{a}{b}路口", "{a}和{b}交界处", "{a}/{b}", "{a}与{b}路口", "{a}、{b}十字路口", "{a}-{b}交口")
        text = self.pick(forms).format(a=first, b=second)
        return self._finish(self._prefix(street, community) + text + self._tail(("", "", "", "附近", "东北角", "西南角", "红绿灯处")))

    def _tail(self, options: tuple[str, ...]) -> str:
        return self.pick(options)

    def _prefix(self, street: str, community: str) -> str:
        prefix = _PREFIXES[int(self._rng.choice(len(_PREFIXES), p=_PREFIX_SHARES))]
        if self._rng.random() < 0.2:
            prefix += street
        return prefix + (community if self._rng.random() < 0.06 else "")

    def _number(self, anchor: Anchor) -> str:
        number, suffix = anchor.number, anchor.suffix
        if suffix and suffix[0] != "-":
            return self.pick((f"{number}号{suffix}", f"{suffix}{number}号"))
        if suffix:
            return self.pick((f"{number}号{suffix}", f"{number}{suffix}号"))
        draw = self._rng.random()
        if draw < 0.06:
            return chinese_number(number) + "号"
        return f"{number}#" if draw < 0.09 else f"{number}" if draw < 0.11 else f"{number}号"

    def _building(self, anchor: Anchor, joined: bool) -> str:
        if not anchor.building:
            return ""
        draw, unit = self._rng.random(), int(self._rng.integers(1, 5))
        forms = (f"{anchor.building}号楼", f"{anchor.building}栋", f"{anchor.building}#楼", f"{anchor.building}号楼{unit}单元")
        text = forms[0] if draw < 0.6 else forms[1 + int(self._rng.integers(0, 3))]
        if draw > 0.9:
            text = f"{anchor.building}号楼{unit}单元{int(self._rng.integers(1, 7))}0{int(self._rng.integers(1, 4))}户"
        return ("院" if joined and 0.5 < draw < 0.6 else "") + text

    def _finish(self, text: str) -> str:
        """Write the address as somebody did: mostly as it is, now and then in other characters or with a slip."""
        draw = self._rng.random()
        if draw < 0.03:
            return text.translate(_TRADITIONAL)
        if draw < 0.06:
            return text.translate(_FULL_WIDTH)
        if draw < 0.10:
            for right, wrong in _SLIPS:
                text = text.replace(right, wrong)
            return text
        return text.replace("号", "号 ", 1) if draw < 0.12 else text
