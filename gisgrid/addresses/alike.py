"""Characters that are written one for the other: they look alike, or they sound alike and a keyboard offers both."""

from __future__ import annotations

_GROUPS = (
    # By shape.
    "廷延 宁宇字 既即 墩敦 络洛 登澄 辽疗 末未 土士 日曰 天夫太 千干于 由田甲申 人入八 木本 刀力 今令 免兔 候侯 辛幸 徒徙 "
    "戌戍戊 折拆析 扬杨 淮准 渭谓 沂祈忻 泾径 梁粱 晴睛清情 沧苍 冈岗刚 宜宣 汝妆 湘相 平苹 遂逐 蓝篮 科料 住往 券卷 毫亳 "
    "郴彬 邳丕 莒营 沭沐 郯炎 汶汉 巳己已 垦恳 贷货 籍藉 桓恒 荥荣荧 冼洗 治冶 汨汩 芝芒 柏伯拍 珲浑 洮兆 滦峦 坂板 祁祈 锡钖 "
    "邵绍 棠裳 竟竞 昌晶 元无 "
    # By sound.
    "洲州周舟 园圆元苑院 海亥 路陆 福富府甫 永勇咏泳 金今津 登灯 合河何荷和 安按 宁凝 兴星新欣鑫馨 城成诚程晨辰宸 江姜 "
    "长常昌畅 清青轻庆 连莲联 镇振真 湖胡 岛道 沙莎砂 利丽力立莉 明名铭鸣 华花化 景井锦 佳嘉家加 苑源原远元 庭亭廷停 御玉裕育 "
    "丰峰锋枫风 龙隆 祥翔详 吉集 汇惠慧会 辉晖徽 敦顿 墨默 阜复富 沈深 威微 胶交 滨宾彬 泰太 盛胜圣 通同 云运芸 武伍 义易 "
    "德得 瑞锐 贵桂 曲渠 峡霞夏 蓬朋鹏 莱来 芙扶 容蓉荣 "
)
_GROUP_OF: dict[str, set[int]] = {}
for _number, _group in enumerate(_GROUPS.split()):
    for _character in _group:
        _GROUP_OF.setdefault(_character, set()).add(_number)


def are_alike(one: str, other: str) -> bool:
    """Return whether one character is easily written for the other: 廷 for 延, 洲 for 州.

    >>> are_alike("廷", "延"), are_alike("州", "洲"), are_alike("廷", "高")
    (True, True, False)
    """
    return not _GROUP_OF.get(one, set()).isdisjoint(_GROUP_OF.get(other, ()))


def differ_by_a_slip(text: str, name: str) -> bool:
    """Return whether a text and a name differ in one character, and in one that is easily written for the right one.

    >>> differ_by_a_slip("既墨路街道", "即墨路街道"), differ_by_a_slip("延安一路", "延安二路")
    (True, False)
    """
    if len(text) != len(name):
        return False
    differing = [pair for pair in zip(text, name, strict=True) if pair[0] != pair[1]]
    return len(differing) == 1 and are_alike(*differing[0])
