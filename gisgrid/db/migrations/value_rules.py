"""The rules on single values, as revision 0013 writes them down: what is right, where a constraint only says that something is wrong."""

from __future__ import annotations

from collections.abc import Sequence

_COVER_STATES = ("intact", "broken", "missing", "abandoned", "removed", "unknown")
_OPTICS = ("measured", "vendor", "8-step", "default")
Rule = tuple[str, str, str, bool, tuple[str, ...], str]
"""A field, its titles in Chinese and English, whether it is required, its choices, and its range as PostgreSQL writes ranges."""

RULES: dict[str, tuple[Rule, ...]] = {
    "areas": (
        ("code", "代码", "code", True, (), ""),
        ("name", "名称", "name", True, (), ""),
        ("area_m2", "面积", "area", False, (), "(0,100000000000000)"),
    ),
    "components": (
        ("code", "部件标识码", "component code", True, (), ""),
        ("scheme", "编码标准", "code scheme", True, (), ""),
        ("edition", "标准版本", "edition of the scheme", True, (), ""),
        ("class_code", "类别代码", "class code", True, (), ""),
        ("state", "状态", "state", True, _COVER_STATES, ""),
    ),
    "buildings": (
        ("code", "楼号编码", "building code", True, (), ""),
        ("year_built", "建成年份", "year built", False, (), "[1000,2100]"),
        ("floors", "层数", "floors", False, (), "[0,250]"),
        ("height_m", "高度(米)", "height in metres", False, (), "[0,1000]"),
        ("households", "户数", "households", False, (), "[0,)"),
        ("residents", "人口", "residents", False, (), "[0,)"),
    ),
    "cameras": (
        ("code", "设备编码", "device code", True, (), ""),
        ("kind", "类型", "kind", True, ("fixed", "dome", "ptz"), ""),
        ("status", "状态", "status", True, ("online", "offline", "fault"), ""),
        ("azimuth_deg", "方位角(度)", "azimuth in degrees", False, (), "[0,360)"),
        ("azimuth_uncertainty_deg", "方位角误差(度)", "azimuth uncertainty in degrees", False, (), "[0,180]"),
        ("field_of_view_deg", "视场角(度)", "field of view in degrees", False, (), "(0,360]"),
        ("range_m", "可视距离(米)", "range in metres", False, (), "(0,100000]"),
        ("mount_height_m", "安装高度(米)", "mount height in metres", False, (), "[0,1000]"),
        ("azimuth_source", "方位角来源", "source of the azimuth", False, _OPTICS, ""),
        ("field_of_view_source", "视场角来源", "source of the field of view", False, _OPTICS, ""),
        ("range_source", "可视距离来源", "source of the range", False, _OPTICS, ""),
        ("mount_height_source", "安装高度来源", "source of the mount height", False, _OPTICS, ""),
    ),
}
"""The rules of each table, in the order in which they are told."""


def suspect(rules: Sequence[Rule]) -> str:
    """Return the condition that a row breaks one of the rules on its values: cheap, since it is asked of every row."""
    found = []
    for field, _, _, required, choices, bounds in rules:
        if required:
            found.append(f"coalesce(NEW.{field}, '') = ''")
        if choices:
            found.append(f"coalesce(NEW.{field} NOT IN ({', '.join(repr(choice) for choice in choices)}), false)")
        if bounds:
            found.append(f"coalesce(NOT '{bounds}'::numrange @> NEW.{field}::numeric, false)")
    return " OR ".join(found)


def value_rule(layer: str, place: int, rule: Rule) -> str:
    """Return the statement that writes down one rule."""
    field, zh, en, required, choices, bounds = rule
    listed = f"ARRAY[{', '.join(repr(choice) for choice in choices)}]" if choices else "NULL"
    within = f"'{bounds}'" if bounds else "NULL"
    columns = "layer, field, place, title_zh, title_en, required, choices, range"
    return f"""
        INSERT INTO gisgrid.value_rules ({columns})
        VALUES ('{layer}', '{field}', {place}, '{zh}', '{en}', {required}, {listed}, {within})
    """
