"""What is put into templates: colours, fonts, and the expressions that colour features by their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tiles.styles import shipped

# Families that the reader's own machine has, best first: a style without `glyphs` is written in the reader's fonts.
# MapLibre takes the weight from words in the first name, which therefore is no font's name.
_FAMILIES = ("PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei")

_FIRST_M, _LAST_M = 6, 90
"""Heights of buildings between which the colour goes from that of a low one to that of a tall one, metres."""


def values(palette_id: str, language: str) -> dict[str, Any]:
    """Return the value of each ``@name`` of the templates."""
    palette = shipped.palette(palette_id)
    height = ["coalesce", ["get", "height_m"], ["*", ["coalesce", ["get", "floors"], 2], 3]]
    return {
        **palette,
        "regular": ["Map Regular", *_FAMILIES],
        "bold": ["Map Semibold", *_FAMILIES],
        "street_tint": _street_tint(palette["street_tints"]),
        "building_height": height,
        "building_color": [
            "interpolate", ["linear"], height, _FIRST_M, _use_color(palette_id, 0), _LAST_M, _use_color(palette_id, 1),
        ],
        "cover_color": _by_name("color"),
        "cover_sign": _by_name(f"sign_{language}"),
        "cover_sound": ["match", ["coalesce", ["get", "state"], "intact"], ["intact", "unknown"], True, False],
        "camera_color": ["match", ["get", "status"], "online", palette["online"], "fault", palette["fault"], palette["offline"]],
        "issue_color": [
            "match", ["get", "severity"], "error", palette["issue_error"], "warning", palette["issue_warning"], palette["issue_info"],
        ],
    }  # fmt: skip


def filled(template: Any, known: Mapping[str, Any]) -> Any:
    """Return ``template`` with the values of ``known`` wherever it says ``@name``; raises KeyError for a name that is not known."""
    if isinstance(template, str):
        return known[template[1:]] if template.startswith("@") else template
    if isinstance(template, list):
        return [filled(item, known) for item in template]
    if isinstance(template, dict):
        return {key: filled(item, known) for key, item in template.items()}
    return template


def _street_tint(tints: list[str]) -> list[Any]:
    """Return the tint of a street: by the number at the end of its code, so that neighbours mostly differ."""
    number = ["%", ["to-number", ["slice", ["get", "code"], -3], 0], len(tints)]
    return ["match", number, *(part for index, tint in enumerate(tints[1:], 1) for part in (index, tint)), tints[0]]


def _by_name(what: str) -> list[Any]:
    """Return ``what`` of a cover's kind; kinds go by name: one number means different things in different editions of the standard."""
    *known, other = shipped.kinds("manhole_covers")
    return ["match", ["coalesce", ["get", "name"], ""], *(part for kind in known for part in (kind["names"], kind[what])), other[what]]


def _use_color(palette_id: str, end: int) -> list[Any]:
    *known, other = shipped.kinds("buildings")
    cases = (part for kind in known for part in (kind["values"], kind[palette_id][end]))
    return ["match", ["coalesce", ["get", "use"], ""], *cases, other[palette_id][end]]
