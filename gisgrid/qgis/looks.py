"""How each layer looks: the same colours as the maps that the server gives, in rules that QGIS's legend shows. Scales are denominators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from gisgrid.layers import Layer
from gisgrid.qgis.colours import kinds, palette, rgba, words
from gisgrid.qgis.rules import Rule
from gisgrid.qgis.symbols import Part, Symbol, fill, generated, line, marker

Language = Literal["zh", "en"]
"""Of titles, legends and forms."""

Shape = Literal["Point", "LineString", "Polygon"]
"""What kind of geometry a look is for."""

VISIBLE_FROM: Mapping[str, int] = {
    "communities": 200_000,
    "roads": 100_000,
    "grids": 75_000,
    "buildings": 25_000,
    "manhole_covers": 20_000,
    "cameras": 20_000,
    "places": 20_000,
    "addresses": 8_000,
}
"""The smallest scale at which a layer is drawn, by its id; others always are. At smaller ones it would be a blot, and slow."""

_LOW_M, _TALL_M = 6, 90
_MAIN_ROADS = "'快速路', '主干路', 'motorway', 'trunk', 'primary'"
_MIDDLE_ROADS = "'次干路', 'secondary', 'tertiary'"
_SIZE_NEAR_SCALE = "CASE WHEN @map_scale < 1500 THEN {near} WHEN @map_scale < 6000 THEN {middle} ELSE {far} END"
_SECTOR_FROM = 4_000
_IN_VIEW = '"azimuth_deg" IS NOT NULL AND "field_of_view_deg" < 360 AND "range_m" > 0'
_OWN_CRS = "coalesce(@layer_crs, 'EPSG:4326')"
_FLOORS = ((1, 3), (4, 6), (7, 9), (10, 18), (19, None))
_FLOOR_COLOURS = ("#f1e7d2", "#ddc9a0", "#c3a26c", "#9c7340", "#6a4520")


class Look(NamedTuple):
    """A named way to draw a layer."""

    name: str
    rules: tuple[Rule, ...]


def word(pair: Iterable[str], language: Language) -> str:
    """Return the word of a language from its pair of Chinese and English."""
    zh, en = pair
    return zh if language == "zh" else en


def quoted(text: str) -> str:
    """Return ``text`` as a literal of QGIS's expressions.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def looks_of(layer_id: str, language: Language = "zh", *, shape: Shape = "Point", projected: str = "EPSG:3857") -> tuple[Look, ...]:
    """Return the looks of a layer, the usual one first; ``shape`` says which geometries of ``quality_issues`` are meant.

    ``projected`` is a system in metres in which ranges of cameras are measured.
    """
    if layer_id == "manhole_covers":
        return _covers(language)
    if layer_id == "cameras":
        return (_named("by_status", _cameras(language, projected), language),)
    if layer_id == "buildings":
        return _buildings(language)
    if layer_id == "quality_issues":
        return (_named("usual", _issues(language, shape), language),)
    if layer_id == "cases":
        return (_named("by_state", _cases(language), language),)
    return (_named("usual", (Rule("", _SIMPLE.get(layer_id, _plain)()),), language),)


def shape_of(layer: Layer) -> Shape:
    """Return what kind of geometry the features of a layer have; areas for a layer of any."""
    return {"Point": "Point", "MultiLineString": "LineString"}.get(layer.geometry, "Polygon")  # type: ignore[return-value]


def many_rules(layer_id: str, language: Language) -> tuple[Rule, ...]:
    """Return the rule for points that stand for several: tiles of small scales thin them out."""
    colour = palette()["many_cameras" if layer_id == "cameras" else "many_covers"]
    size = 'scale_linear(ln(coalesce("feature_count", 1)), 0, 7, 0.6, 3.2)'
    return (
        Rule(word(words()["others"]["many"], language), Symbol("marker", (marker("circle", colour, 1.2, by_expression={"size": size}),))),
    )


def sign_expression(language: Language) -> str:
    """Return the expression of the sign on a cover, a letter by its kind."""
    *known, other = kinds("manhole_covers")
    sign = f"sign_{language}"
    cases = " ".join(f"WHEN {_name_in(kind['names'])} THEN {quoted(kind[sign])}" for kind in known)
    return f"CASE {cases} ELSE {quoted(other[sign])} END"


def _named(name: str, rules: tuple[Rule, ...], language: Language) -> Look:
    return Look(word(words()["looks"][name], language), rules)


# --- areas ---


def _district() -> Symbol:
    return Symbol("fill", (fill(palette()["land"]), line(palette()["district_border"], 0.8)))


def _street() -> Symbol:
    tints = palette()["street_tints"]
    colours = ", ".join(quoted(tint) for tint in tints)
    tint = f'array_get(array({colours}), to_int(right("code", 3)) % {len(tints)})'
    return Symbol(
        "fill",
        (fill(tints[0], by_expression={"fillColor": tint}), line(palette()["halo"], 1.2, alpha=180), line(palette()["street_border"], 0.5)),
    )


def _community() -> Symbol:
    return Symbol("fill", (line(palette()["community_border"], 0.35, dash="3;2"),))


def _grid() -> Symbol:
    return Symbol("fill", (line(palette()["grid_border"], 0.25),))


def _plain() -> Symbol:
    return Symbol("fill", (fill(palette()["land"], alpha=128, border=palette()["grid_border"]),))


# --- the gazetteer ---


def _road() -> Symbol:
    """Return a road: a light line in a casing, as wide as its class."""
    width = f'CASE WHEN "class" IN ({_MAIN_ROADS}) THEN {{main}} WHEN "class" IN ({_MIDDLE_ROADS}) THEN {{middle}} ELSE {{other}} END'
    casing = line(palette()["road_casing"], 1.0, by_expression={"outlineWidth": width.format(main=1.9, middle=1.4, other=0.9)})
    inside = line(palette()["road"], 0.7, by_expression={"outlineWidth": width.format(main=1.5, middle=1.0, other=0.6)})
    return Symbol("line", (casing, inside))


def _address() -> Symbol:
    return Symbol("marker", (marker("circle", palette()["address"], 0.9),))


def _place() -> Symbol:
    return Symbol("marker", (marker("diamond", palette()["place"], 2.2, ring=palette()["cover_ring"], ring_width=0.15),))


_SIMPLE: Mapping[str, Callable[[], Symbol]] = {
    "districts": _district,
    "streets": _street,
    "communities": _community,
    "grids": _grid,
    "roads": _road,
    "addresses": _address,
    "places": _place,
}


# --- covers ---


def _name_in(names: Iterable[str]) -> str:
    return f"coalesce(\"name\", '') IN ({', '.join(quoted(name) for name in names)})"


def _covers(language: Language) -> tuple[Look, ...]:
    others = words()["others"]
    by_kind = Rule(word(others["kinds"], language), None, "", _cover_kinds(language))
    by_state = Rule(word(others["states"], language), None, "", _cover_marks(language))
    return (_named("by_kind_and_state", (by_kind, by_state), language), _named("by_state", _cover_states(language), language))


def _cover_kinds(language: Language) -> tuple[Rule, ...]:
    """Return a rule for each kind of cover; kinds go by name: one number means different things in different editions."""
    *known, other = kinds("manhole_covers")
    every = [name for kind in known for name in kind["names"]]
    rules = [Rule(kind[f"title_{language}"], _cover_dot(kind["color"]), _name_in(kind["names"])) for kind in known]
    return (*rules, Rule(other[f"title_{language}"], _cover_dot(other["color"]), f"NOT ({_name_in(every)})"))


def _cover_dot(colour: str) -> Symbol:
    size = _SIZE_NEAR_SCALE.format(near=4.2, middle=2.4, far=1.4)
    return Symbol("marker", (marker("circle", colour, 2.4, ring=palette()["cover_ring"], ring_width=0.15, by_expression={"size": size}),))


def _cover_marks(language: Language) -> tuple[Rule, ...]:
    """Return the rules that mark covers which are not as they should be: a ring, and a cross where the cover is gone."""
    red, grey = palette()["cover_damaged"], palette()["offline"]
    marks = {"broken": (red, False), "missing": (red, True), "abandoned": (grey, False), "removed": (grey, True)}
    return tuple(
        Rule(word(words()["values"]["state"][state], language), _cover_mark(colour, is_gone), f'"state" = {quoted(state)}')
        for state, (colour, is_gone) in marks.items()
    )


def _cover_mark(colour: str, is_gone: bool) -> Symbol:
    size = {"size": _SIZE_NEAR_SCALE.format(near=5.0, middle=3.2, far=2.2)}
    ring = marker("circle", colour, 3.2, ring=colour, ring_width=0.5, by_expression=size)
    ring = Part(ring.kind, {**ring.settings, "color": "255,255,255,0"}, ring.by_expression)
    cross = marker("cross2", colour, 3.2, ring=colour, ring_width=0.45, by_expression=size)
    return Symbol("marker", (ring, cross) if is_gone else (ring,))


def _cover_states(language: Language) -> tuple[Rule, ...]:
    colours = {
        "intact": palette()["online"],
        "broken": palette()["issue_warning"],
        "missing": palette()["cover_damaged"],
        "abandoned": palette()["offline"],
        "removed": palette()["building_border"],
        "unknown": palette()["many_covers"],
    }
    return tuple(
        Rule(word(words()["values"]["state"][state], language), _cover_dot(colour), f"coalesce(\"state\", 'unknown') = {quoted(state)}")
        for state, colour in colours.items()
    )


# --- cameras ---


def _cameras(language: Language, projected: str) -> tuple[Rule, ...]:
    values = words()["values"]
    view = Rule(word(words()["others"]["view"], language), Symbol("marker", (_sector(projected),)), _IN_VIEW, from_scale=_SECTOR_FROM)
    kinds_of_camera = (
        Rule(
            word(values["cameras.kind"][kind], language),
            None,
            f"coalesce(\"kind\", 'dome') = {quoted(kind)}",
            tuple(
                Rule(
                    word(values["status"][status], language),
                    Symbol("marker", _camera(kind, palette()[status])),
                    f"coalesce(\"status\", 'offline') = {quoted(status)}",
                )
                for status in ("online", "offline", "fault")
            ),
        )
        for kind in ("fixed", "dome", "ptz")
    )
    return (view, *kinds_of_camera)


def _camera(kind: str, colour: str) -> tuple[Part, ...]:
    """Return a camera: an arrow that looks where the camera does; a dome is round; one that turns has a ring and a mark."""
    ring = palette()["cover_ring"]
    size = _SIZE_NEAR_SCALE.format(near=4.0, middle=2.8, far=1.6)
    turned = 'coalesce("azimuth_deg", 0)'
    if kind == "fixed":
        return (marker("triangle", colour, 2.8, ring=ring, by_expression={"size": size, "angle": turned}),)
    body = marker("circle", colour, 2.8, ring=ring, by_expression={"size": size})
    eye = marker("circle", ring, 1.0, by_expression={"size": f"({size}) * 0.35"})
    if kind == "dome":
        return (body, eye)
    return (body, marker("diamond", ring, 1.4, by_expression={"size": f"({size}) * 0.55", "angle": turned}))


def _sector(projected: str) -> Part:
    """Return what a camera looks at, without what stands in the way: a sector by azimuth, field of view and range, on the ground."""
    shape = (
        f"transform(wedge_buffer(transform($geometry, {_OWN_CRS}, '{projected}'), "
        f'"azimuth_deg", "field_of_view_deg", "range_m"), \'{projected}\', {_OWN_CRS})'
    )
    colours = {status: palette()[status] for status in ("online", "fault", "offline")}
    cases = " ".join(f"WHEN {quoted(status)} THEN {{{status}}}" for status in colours)
    choice = f'CASE "status" {cases} ELSE {{offline}} END'
    faint = choice.format(**{status: quoted(rgba(colour, 38)) for status, colour in colours.items()})
    strong = choice.format(**{status: quoted(rgba(colour)) for status, colour in colours.items()})
    inside = fill(
        colours["online"], alpha=38, border=colours["online"], border_width=0.1, by_expression={"fillColor": faint, "outlineColor": strong}
    )
    return generated(shape, Symbol("fill", (inside,)))


# --- buildings ---


def _buildings(language: Language) -> tuple[Look, ...]:
    return _named("by_use", _uses(language), language), _named("by_floors", _floors(language), language)


def _uses(language: Language) -> tuple[Rule, ...]:
    *known, other = kinds("buildings")
    every = [value for kind in known for value in kind["values"]]
    rules = [Rule(kind[f"title_{language}"], _building(kind["light"]), _use_in(kind["values"])) for kind in known]
    return (*rules, Rule(other[f"title_{language}"], _building(other["light"]), f"NOT ({_use_in(every)})"))


def _use_in(values: Iterable[str]) -> str:
    return f"coalesce(\"use\", '') IN ({', '.join(quoted(value) for value in values)})"


def _building(ends: Any) -> Symbol:
    """Return a building, the darker the taller, as the maps of the server colour it."""
    low, tall = ends
    height = 'coalesce("height_m", 3 * coalesce("floors", 2))'
    colour = f"color_mix_rgb({quoted(low)}, {quoted(tall)}, scale_linear({height}, {_LOW_M}, {_TALL_M}, 0, 1))"
    return Symbol("fill", (fill(tall, border=palette()["building_border"], border_width=0.1, by_expression={"fillColor": colour}),))


def _floors(language: Language) -> tuple[Rule, ...]:
    border, others = palette()["building_border"], words()["others"]
    unit = word(others["floors"], language)
    rules = []
    for (first, last), colour in zip(_FLOORS, _FLOOR_COLOURS, strict=True):
        label = f"{first}–{last} {unit}" if last else f"≥ {first} {unit}"
        within = f'"floors" BETWEEN {first} AND {last}' if last else f'"floors" >= {first}'
        rules.append(Rule(label, Symbol("fill", (fill(colour, border=border, border_width=0.1),)), within))
    unknown = Symbol("fill", (fill("#ffffff", border=border, border_width=0.1),))
    return (*rules, Rule(word(others["floors_unknown"], language), unknown, 'coalesce("floors", 0) < 1'))


# --- quality issues ---


def _issues(language: Language, shape: Shape) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            word(words()["values"]["severity"][severity], language),
            _issue(severity, palette()[f"issue_{severity}"], shape),
            f"coalesce(\"severity\", 'info') = {quoted(severity)}",
        )
        for severity in ("info", "warning", "error")
    )


def _cases(language: Language) -> tuple[Rule, ...]:
    ring = palette()["cover_ring"]
    return tuple(
        Rule(
            word(words()["values"]["cases.state"][state], language),
            Symbol("marker", (marker("circle", palette()[f"case_{state}"], 2.6, ring=ring, ring_width=0.3),)),
            f'"state" = {quoted(state)}',
        )
        for state in ("closed", "assigned", "needs_review")
    )


def _issue(severity: str, colour: str, shape: Shape) -> Symbol:
    """Return the sign of an issue, told apart by its shape too: a diamond, a triangle, a disc."""
    halo = palette()["halo"]
    if shape == "LineString":
        return Symbol("line", (line(halo, 1.6, alpha=200), line(colour, 0.8)))
    if shape == "Polygon":
        return Symbol("fill", (fill(colour, alpha=50), line(halo, 1.4, alpha=200), line(colour, 0.7)))
    form = {"error": "diamond", "warning": "triangle", "info": "circle"}[severity]
    return Symbol("marker", (marker(form, colour, 3.2, ring=palette()["cover_ring"], ring_width=0.4),))
