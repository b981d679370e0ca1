"""Organisations and people: departments, offices, committees, utilities, and who answers for each area. All invented."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.sample.areas import Areas, short_name
from ingest.sample.arrays import Ints, Table, Texts
from ingest.sample.plan import DISTRICT_CODE, Plan
from ingest.sample.words import person_names

_CREDIT_SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DEPARTMENTS = (
    "市北区人民政府",
    "市北区城市运行管理中心",
    "市北区综合行政执法局",
    "市北区城市管理局",
    "市北区住房和城市建设局",
    "市北区应急管理局",
    "市北区市场监督管理局",
    "市北区教育和体育局",
)
UTILITIES = (
    "青岛胶州湾供水有限公司",
    "青岛市北排水运营有限公司",
    "青岛城区供电服务中心",
    "青岛路灯照明养护中心",
    "青岛海湾通信有限公司",
    "青岛联众通信有限公司",
    "青岛广电网络运营有限公司",
    "青岛城北热力有限公司",
    "青岛燃气输配有限公司",
    "青岛公安交通设施管理所",
    "青岛中水回用有限公司",
    "青岛公交场站有限公司",
    "青岛港口管道输送有限公司",
    "青岛市政养护一公司",
    "青岛市政养护二公司",
    "青岛管线维护有限公司",
    "青岛视频监控建设有限公司",
)


class People(NamedTuple):
    """Rows of the sheets 单位 and 责任人."""

    organizations: Table
    roles: Table


def organization_code(kind: str, number: int) -> str:
    """Return the code of an organisation: the division, a letter for the kind, and four digits.

    >>> organization_code("D", 2)
    '370203D0002'
    """
    return f"{DISTRICT_CODE}{kind}{number:04d}"


def credit_code(number: int) -> str:
    """Return a unified credit code with a right check symbol and a body (GG...) that no registrar hands out.

    >>> credit_code(1)
    '11370203GG000001XE'
    """
    body = f"11{DISTRICT_CODE}GG{number:06d}X"
    total = sum(_CREDIT_SYMBOLS.index(symbol) * pow(3, place, 31) for place, symbol in enumerate(body))
    return body + _CREDIT_SYMBOLS[-total % 31]


def make_people(plan: Plan, areas: Areas) -> People:
    """Return the organisations of the district and who is responsible for each of its areas."""
    rng = plan.rng("people")
    return People(_organizations(plan, rng), _roles(plan, rng, areas))


def _organizations(plan: Plan, rng: np.random.Generator) -> Table:
    root = organization_code("D", 1)
    street_office = {row.code: organization_code("S", n) for n, row in enumerate(plan.streets, 1)}
    rows = [(organization_code("D", n), name, "政府部门", root if n > 1 else "") for n, name in enumerate(_DEPARTMENTS, 1)]
    rows += [(street_office[row.code], f"{row.name}办事处", "街道办事处", root) for row in plan.streets]
    rows += [
        (organization_code("C", n), f"{short_name(row.name)}居民委员会", "社区居委会", street_office[row.parent_code])
        for n, row in enumerate(plan.communities, 1)
    ]
    rows += [(organization_code("U", n), name, "权属养护单位", "") for n, name in enumerate(UTILITIES, 1)]
    numbers = rng.choice(900_000, len(rows), replace=False).tolist()
    codes, names, kinds, parents = zip(*rows, strict=True)
    columns = {
        "单位编码": codes,
        "单位名称": names,
        "统一社会信用代码": [credit_code(number) for number in range(1, len(rows) + 1)],
        "类别": kinds,
        "上级单位": parents,
        # No exchange in China begins with 0.
        "联系电话": [f"0532-0{number:07d}" for number in numbers],
        "地址": [f"青岛市市北区示例路{number}号" for number in range(1, len(rows) + 1)],
    }
    return {key: np.array(value, dtype=object) for key, value in columns.items()}


def _roles(plan: Plan, rng: np.random.Generator, areas: Areas) -> Table:
    """Return the responsible units of every area, and a leader and one to three patrol members for each grid."""
    root = organization_code("D", 1)
    street_office = {row.code: organization_code("S", n) for n, row in enumerate(plan.streets, 1)}
    committee = {row.code: organization_code("C", n) for n, row in enumerate(plan.communities, 1)}
    rows = [("区", DISTRICT_CODE, "责任单位", root)]
    rows += [("街道", row.code, "责任单位", street_office[row.code]) for row in plan.streets]
    rows += [("社区", row.code, "责任单位", committee[row.code]) for row in plan.communities]
    grids = areas.tables["grid"]
    by_street = rng.random(len(grids.codes)) < 0.06
    patrols = rng.integers(1, 4, len(grids.codes))
    for code, parent, street_runs_it, members in zip(grids.codes, grids.parents, by_street, patrols.tolist(), strict=True):
        unit = committee[parent]
        rows.append(("网格", code, "责任单位", street_office[parent[:9]] if street_runs_it else unit))
        rows.append(("网格", code, "网格长", unit))
        rows += [("网格", code, "巡查员", unit)] * members
    levels, codes, roles, units = (np.array(column, dtype=object) for column in zip(*rows, strict=True))
    names, phones = _persons(rng, len(rows), roles)
    # A roster names nobody twice for the same task in the same place.
    while (again := _namesakes(codes, roles, names)).any():
        names[again] = person_names(rng, int(again.sum()))
    return {"区域级别": levels, "区域代码": codes, "角色": roles, "单位编码": units, "姓名": names, "联系电话": phones}


def _namesakes(codes: Texts, roles: Texts, names: Texts) -> NDArray[np.bool_]:
    """Return which rows name somebody whom an earlier row names for the same area and role."""
    repeated = pd.DataFrame({"code": codes, "role": roles, "name": names}).duplicated()
    found: NDArray[np.bool_] = np.asarray(repeated, dtype=bool) & np.asarray(names != "", dtype=bool)
    return found


def _persons(rng: np.random.Generator, count: int, roles: Texts) -> tuple[Texts, Texts]:
    names = np.array(person_names(rng, count), dtype=object)
    # 154 is the one prefix of the 15x range that was never given to an operator.
    numbers: Ints = rng.choice(9_999_999, count, replace=False) + 1
    phones = np.array([f"1540{number:07d}" for number in numbers.tolist()], dtype=object)
    unit = roles == "责任单位"
    names[unit], phones[unit] = "", ""
    return names, phones
