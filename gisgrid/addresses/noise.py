"""What stands in a text beside the address: telephone numbers, names of persons, words of couriers; left out and not kept."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from gisgrid.addresses.characters import characters_but, closed, numerals, written

_H = "\u4e00-\u9fff"
_TITLE = "先生|女士|小姐|师傅|阿姨|大爷|大妈|大姐|大哥|经理|同志"
_WHO = "联系人|收件人|收货人|寄件人|投诉人|反映人|举报人|报案人|报修人|来电人|诉求人|当事人|姓名"
_PUBLIC = "业主|居民|市民|群众|网友"
_SAYS = "来电反映|来电投诉|来电称|反映|投诉|举报|反馈|来电|报修|称|说"
_PHONE = "\ue000"
"""Stands where a telephone number was left out while the text is looked through again: a name beside it is a person's."""
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_NAME = rf"[{_SURNAMES}][{_H}]{{1,2}}(?<![路街号楼室户区院里苑村巷店厂园门口])"
_EDGE = rf"(?:(?<=^)|(?<=[^{_H}]))"
_END = rf"(?=$|[^{_H}]|电话|手机|收(?:$|[,\s\d{_PHONE}])|{_SAYS})"
_NOISE = re.compile(
    rf"""
    (?P<phone>
        (?:(?:联系|手机|来电|收件)?(?:电话|号码|方式)|手机号?|TEL|PHONE|座机)(?:号码|是|为)?[:.]?\s*\+?[\d][\d\-\s()]{{5,18}}\d
      | (?<!\d)(?:\(?\+?86\)?[-\s]?)?1[3-9]\d[-\s]?\d{{4}}[-\s]?\d{{4}}(?!\d)
      | (?<!\d)\(?0\d{{2,3}}\)?[-\s]?[2-9]\d{{6,7}}(?!\d)
      | (?<!\d)400[-\s]?\d{{3,4}}[-\s]?\d{{3,4}}(?!\d)
      | (?<!\d)[2-9]\d{{7}}(?![\d号])
      | (?:联系|手机|来电|联络)(?:电话|号码|方式)[:]?
    )
  | (?P<person>
        (?<![\dA-Z])\d{{17}}[\dX](?![\dA-Z])
      | (?:{_WHO})[:是为]?\s*[{_H}]{{1,4}}?(?:{_TITLE}|某某?)?(?:收(?=$|[,\s\d{_PHONE}])|(?:{_SAYS})[:]?|{_END})
      | (?:{_PUBLIC})(?:{_NAME}(?:{_TITLE})?(?:(?:{_SAYS})[:]?|(?=$|[^{_H}]))|[{_H}]?(?:{_TITLE}|某某?)?(?:{_SAYS})[:]?)
      | {_EDGE}[{_H}]{{1,3}}(?:{_TITLE}|某某?)(?:收(?=$|[,\s\d{_PHONE}])|(?:{_SAYS})[:]?|{_END})
      | {_EDGE}{_NAME}\s?收(?=$|[,\s\d{_PHONE}])
      | {_EDGE}{_NAME}(?=[,:\s]*{_PHONE})
      | (?<={_PHONE}){_NAME}(?=$|[,\s]) | (?<={_PHONE}[,\s]){_NAME}(?=$|[,\s])
    )
  | (?P<courier>
        (?:运单|快递|订单|物流|取件|派件)?(?:单号|编号)[:是]?\s*[0-9A-Z]{{4,24}}
      | (?<![0-9A-Z])(?:SF|YT|JD|ZTO|STO|YD|EMS)\d{{8,18}}(?![0-9A-Z])
      | (?<![\dA-Z-])\d{{9,}}(?![\dA-Z])
      | (?:收货|收件|寄件|送货|派送|配送|详细|家庭|居住|案发|事发|现)?(?:地址|地点|位置)[:是为]
      | (?:顺丰|圆通|中通|韵达|申通|京东|邮政|极兔|德邦|EMS)(?:快递|速递|速运|物流|包裹)
      | (?:请|麻烦)?(?:帮忙)?(?:把)?(?:快递|包裹|外卖|货)(?:请|麻烦)?(?:帮忙)?(?:放|送|寄|交)
        (?:到|在|至|给)?(?:门口|楼下|门卫|物业|丰巢|驿站|快递柜|前台|家里|家门口)?
      | (?:请|麻烦)(?:放|送|寄)(?:到|在|至)?(?:门口|楼下|门卫|物业|丰巢|驿站|快递柜|前台)?
      | (?:放|送到|存放?)(?:门口|门卫|物业|丰巢柜?|快递柜|菜鸟驿站|前台)(?:就行|即可|处)?
      | 送货上门|货到付款|到付|勿放(?:快递柜|驿站)|(?:提前|先|请)?(?:打)?电话联系|电联|到了打电话|(?:提前|先)打电话
      | 快递(?:收|员)?(?=$|[,\s])|谢谢(?:您|你)?|麻烦(?:了|您)?(?=$|[,\s])
    )
  | (?P<postcode> (?:邮编|邮政编码)[:]?\s?\d{{6}} | {_EDGE}(?<![\dA-Z-])[0-8]\d{{5}}(?=$|[,\s]|[{_H}](?<!号)) )
    """,
    re.VERBOSE,
)
_HINTS = frozenset("生士姐傅姨爷妈哥理志电机址点置单编快包卖谢烦付邮人运流放送存收主姓座L系络某民众友" + _PHONE)
_HINT = re.compile(
    rf"{_TITLE}|{_WHO}|{_PUBLIC}|某|电[话联]|手机|座机|方式|TEL|PHONE|地址|地点|位置|[单编]号|快递|包裹|外卖|谢|麻烦|到付|邮[编政]|[速物货]运|物流|货到"
    rf"|[放送存].{{0,2}}(?:[门物前][口卫业台]|楼下|丰巢|驿站|快递)|送货|收$|收[,\s\d]|{_PHONE}"
)
_DIGITS = re.compile(r"\d(?:\d{5}|\d\d[-\s)]\s?\d{3})")
_COMMAS = re.compile(r"\s*[,:]\s*(?:[,:]\s*)*")
_BRACKETS = re.compile(rf"\([\s,{_PHONE}]*\)")


class Normalised(NamedTuple):
    """A text in one way of writing, and the kinds of what was left out of it: ``phone``, ``person``, ``courier``, ``postcode``."""

    text: str
    dropped: tuple[str, ...] = ()


def normalised(text: str) -> Normalised:
    """Return a text in simplified characters, half width and digits, without what is no part of an address.

    A comma stands where something was left out, so that nothing is joined that was apart.
    """
    if not text.isascii() and _quiet().search(text) is None and _DIGITS.search(text) is None:
        return Normalised(numerals(text))
    plain = written(text).replace(_PHONE, "")
    if (_HINTS.isdisjoint(plain) or _HINT.search(plain) is None) and _DIGITS.search(plain) is None:  # all noise has one of these
        return Normalised(_without_commas(closed(plain)))
    dropped: set[str] = set()

    def leave_out(found: re.Match[str]) -> str:
        dropped.add(found.lastgroup or "")
        return _PHONE if found.lastgroup == "phone" else ","

    for _ in range(8):  # what one pass leaves can make sense to the next one, and a space can part a name from what follows
        shorter = _NOISE.sub(leave_out, _NOISE.sub(leave_out, plain))
        shorter = closed(_BRACKETS.sub("", shorter))
        if shorter == plain:
            if _PHONE not in plain:
                break
            shorter = closed(plain.replace(_PHONE, ","))
        plain = shorter
    return Normalised(_without_commas(plain.replace(_PHONE, ",")), tuple(sorted(dropped)))


@cache
def _quiet() -> re.Pattern[str]:
    """Return the pattern that finds something in every text in which anything but numerals may have to be changed."""
    return characters_but("".join(_HINTS) + ",: ")


def _without_commas(text: str) -> str:
    return _COMMAS.sub(",", text).strip(" ,") if "," in text or ":" in text else text
