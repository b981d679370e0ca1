"""What stands in a text beside the address: telephone numbers, names of persons, words of couriers; left out and not kept."""

from __future__ import annotations

import re
from typing import NamedTuple

from gisgrid.addresses.characters import normal_text

_H = "\u4e00-\u9fff"
_TITLE = "先生|女士|小姐|师傅|阿姨|大爷|大妈|大姐|大哥|经理|同志"
_END = rf"(?=$|[^{_H}]|电话|手机|收$|收[,\d])"
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
      | (?:联系人|收件人|收货人|收件|寄件人|投诉人|反映人|举报人|报案人|来电人|诉求人|业主|姓名)[:是为]\s*[{_H}]{{1,4}}?(?:{_TITLE})?{_END}
      | (?:(?<=^)|(?<=[^{_H}]))[{_H}]{{1,3}}(?:{_TITLE})(?:收)?{_END}
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
      | 快递(?:收|员)?(?=$|,)|谢谢|麻烦(?:了|您)?(?=$|,)
    )
  | (?P<postcode> (?:邮编|邮政编码)[:]?\d{{6}} | (?<![\dA-Z-])266\d{{3}}(?![\dA-Z号#-]) )
    """,
    re.VERBOSE,
)
_WORDS = frozenset("生士姐傅姨爷妈哥理志电机址点置单编快裹卖谢烦付邮人运流放送请存寄收主姓座L系络")
_DIGITS = re.compile(r"\d{6}|\d{3}[-\s)]\s?\d{3}")
_COMMAS = re.compile(r"\s*[,:]\s*(?:[,:]\s*)*")
_PERSONS_NUMBER = re.compile(r"\(\s*\)")


class Normalised(NamedTuple):
    """A text in one way of writing, and the kinds of what was left out of it: ``phone``, ``person``, ``courier``, ``postcode``."""

    text: str
    dropped: tuple[str, ...] = ()


def normalised(text: str) -> Normalised:
    """Return a text in simplified characters, half width and digits, without what is no part of an address.

    A comma stands where something was left out, so that nothing is joined that was apart.
    """
    plain = normal_text(text)
    if _WORDS.isdisjoint(plain) and _DIGITS.search(plain) is None:  # all noise has one of these
        return Normalised(_without_commas(plain))
    dropped: dict[str, None] = {}

    def leave_out(found: re.Match[str]) -> str:
        dropped[found.lastgroup or ""] = None
        return ","

    for _ in range(4):  # what one pass leaves can make sense to the next one
        shorter = _NOISE.sub(leave_out, plain)
        if shorter == plain:
            break
        plain = normal_text(_PERSONS_NUMBER.sub("", shorter))
    return Normalised(_without_commas(plain), tuple(sorted(dropped)))


def _without_commas(text: str) -> str:
    return _COMMAS.sub(",", text).strip(" ,") if "," in text or ":" in text else text
