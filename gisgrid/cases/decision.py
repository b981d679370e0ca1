"""What is decided of a case: where it is, in which grid, what it concerns, who has to act until when, or what a person has to settle.

Nothing here reads a database: ``World`` has all that is known at one moment, and the same case in the same world is decided alike.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from gisgrid.cases.assignment import Assignment
from gisgrid.cases.categories import Category
from gisgrid.cases.covered import CoveredAreas, located
from gisgrid.cases.drafts import CaseDraft
from gisgrid.cases.facts import ComponentFacts, Facts, likely
from gisgrid.cases.positions import Anchor, Candidate, Fix, find_place
from gisgrid.cases.said import Said
from gisgrid.geocoding import Geocoding
from gisgrid.matching import CoverMatch
from gisgrid.types import Bounds, Location

CaseState = Literal["assigned", "needs_review", "closed", "void"]
"""What has become of a case: somebody has to act, a person has to settle something first, it is done, or it was none."""

STATES: tuple[CaseState, ...] = ("assigned", "needs_review", "closed", "void")
"""The states of a case."""

OPEN_STATES: tuple[CaseState, ...] = ("assigned", "needs_review")
"""The states in which something is still to be done."""

CLEAR_SHARE = 0.5
"""A case belongs to a grid without a question when at least this much of its circle of uncertainty lies there."""

DEGREES, METRES = 9, 2
"""Places after the point to which a place and its uncertainty are kept: a tenth of a millimetre, a centimetre."""

_NAMED_SHARE = 0.02
_COMPONENT_M = 5.0
_MOST_ALTERNATIVES = 4


class FoundComponent(NamedTuple):
    """A component that a case names by its code: its place in degrees, WGS 84, its class, and whose it is."""

    code: str
    lon: float
    lat: float
    scheme: str
    edition: str
    class_code: str
    name: str
    facts: ComponentFacts


class SeenBy(NamedTuple):
    """A camera that can look at the place of a case; metres and degrees, the bearing as seen from the camera."""

    code: str
    name: str
    lon: float
    lat: float
    state: str
    distance_m: float
    bearing_deg: float | None
    azimuth_deg: float | None
    field_of_view_deg: float | None
    range_m: float | None
    reason: str


class Boundaries(NamedTuple):
    """Which areas a case was decided in: the generation, and the version of the data."""

    generation_id: int | None
    data_version: int


class World(CoveredAreas, Protocol):
    """All that is known at one moment."""

    @property
    def bounds(self) -> Bounds:
        """The box of the city, degrees, WGS 84."""

    @property
    def boundaries(self) -> Boundaries:
        """Which areas these are."""

    def geocode(self, address: str) -> Geocoding:
        """Return the places that an address may mean."""

    def component(self, code: str) -> FoundComponent | None:
        """Return the component with a code; None when it is not known."""

    def category(self, category: str, description: str) -> Category:
        """Return what a case is about, from what people wrote."""

    def category_of(self, component: FoundComponent) -> Category | None:
        """Return the category of a component."""

    def match_cover(self, fix: Fix, category: Category, text: str) -> CoverMatch:
        """Return which manhole cover a report is about."""

    def cameras(self, lon: float, lat: float) -> tuple[SeenBy, ...]:
        """Return the cameras that can look at a place, the nearest first."""

    def assign(self, facts: Facts) -> Assignment:
        """Return who has to act, and until when."""


class Review(NamedTuple):
    """What a person has to settle: ``question`` is the one fact that is open, ``places`` and ``grids`` what there is to choose from."""

    kind: Literal["no_place", "position", "outside", "grid", "unit"]
    question: Said
    places: tuple[Candidate, ...] = ()


class Concerned(NamedTuple):
    """The component that a case is about: the one that was named, or the match among the covers near it."""

    named: FoundComponent | None = None
    unknown_code: str = ""
    match: CoverMatch | None = None

    @property
    def code(self) -> str | None:
        """The code of the component, None when it is not sure which."""
        if self.named is not None:
            return self.named.code
        if self.match is None or self.match.cover is None:
            return None
        return str(self.match.cover.neighbour.properties["code"])


class Decision(NamedTuple):
    """All that was decided of a case, and why; ``fix`` and ``location`` are None when nobody knows where it is."""

    draft: CaseDraft
    reported_at: datetime
    state: CaseState
    category: Category
    fix: Fix | None
    location: Location | None
    geocoding: Geocoding | None
    component: Concerned | None
    cameras: tuple[SeenBy, ...]
    assignment: Assignment
    review: Review | None
    reasons: tuple[Said, ...]
    boundaries: Boundaries


def decide(draft: CaseDraft, world: World, now: datetime) -> Decision:
    """Return what is decided of a case that comes in at ``now``.

    Raises ParameterError for a class code that does not exist, and for a position that cannot be when nothing else says where it is.
    """
    component = world.component(draft.component_code) if draft.component_code else None
    geocoding = world.geocode(draft.address) if draft.address else None
    fix = find_place(draft.position, _anchors(component, geocoding), world.bounds)
    return decide_at(draft, world, now, fix, geocoding)


def decide_at(draft: CaseDraft, world: World, now: datetime, fix: Fix | None, geocoding: Geocoding | None) -> Decision:
    """Return what is decided of a case whose place is ``fix``, as a person or ``find_place`` says; errors as ``decide``."""
    # As exact as it is kept, so that the same is decided when it is looked at again.
    fix = None if fix is None else _rounded(fix)
    component = world.component(draft.component_code) if draft.component_code else None
    category = (world.category_of(component) if component is not None else None) or world.category(draft.category, draft.description)
    concerned = _concerned(draft, component, world, fix, category)
    location, by_covers = (None, None) if fix is None else located(fix, None if concerned is None else concerned.match, world)
    reported_at = draft.reported_at or now
    facts = _facts(draft, category, reported_at, concerned, world)
    assignment = world.assign(facts if location is None else facts.at(location))
    review = _review(fix, location, geocoding) or _review_of_unit(assignment)
    cameras = () if fix is None else world.cameras(fix.lon, fix.lat)
    reasons = (*_of_place(fix, location, by_covers), *_of_component(concerned), *assignment.why, *assignment.doubts)
    state: CaseState = "assigned" if review is None else "needs_review"
    return Decision(
        draft, reported_at, state, category, fix, location, geocoding, concerned, cameras, assignment, review, reasons, world.boundaries
    )


def _rounded(fix: Fix) -> Fix:
    uncertainty_m = None if fix.uncertainty_m is None else round(fix.uncertainty_m, METRES)
    return fix._replace(lon=round(fix.lon, DEGREES), lat=round(fix.lat, DEGREES), uncertainty_m=uncertainty_m)


def _anchors(component: FoundComponent | None, geocoding: Geocoding | None) -> list[Anchor]:
    anchors = []
    if component is not None:
        anchors.append(Anchor(component.lon, component.lat, _COMPONENT_M, 1.0, "component", component.code))
    if geocoding is not None and geocoding.best is not None:
        places = (geocoding.best, *geocoding.alternatives[:_MOST_ALTERNATIVES])
        anchors += [Anchor(one.lon, one.lat, one.uncertainty_m, one.confidence, "address", one.address) for one in places]
    return anchors


def _concerned(draft: CaseDraft, component: FoundComponent | None, world: World, fix: Fix | None, category: Category) -> Concerned | None:
    if component is not None:
        return Concerned(named=component)
    match = world.match_cover(fix, category, draft.text) if fix is not None and category.is_cover else None
    return Concerned(unknown_code=draft.component_code, match=match) if match is not None or draft.component_code else None


def _facts(draft: CaseDraft, category: Category, reported_at: datetime, concerned: Concerned | None, world: World) -> Facts:
    matched = None
    candidates: tuple[ComponentFacts, ...] = ()
    if concerned is not None and concerned.code is not None:
        matched = concerned.named or world.component(concerned.code)
    if matched is not None:
        return Facts(world.category_of(matched) or category, draft.text, reported_at, component=matched.facts)
    if concerned is not None and concerned.match is not None and concerned.match.status == "ambiguous":
        codes = likely((str(one.neighbour.properties["code"]), one.score) for one in concerned.match.candidates)
        candidates = tuple(found.facts for code in codes if (found := world.component(code)) is not None)
    return Facts(category, draft.text, reported_at, candidates=candidates)


def _review(fix: Fix | None, location: Location | None, geocoding: Geocoding | None) -> Review | None:
    """Return what has to be settled of the place; None when nothing has."""
    if fix is None or location is None:
        question = Said("地址无法识别，也没有坐标：案件在哪里？", "The address is not understood and there is no position: where is it?")
        return Review("no_place", question)
    if fix.question is not None:
        return Review("position", fix.question, fix.candidates)
    if location.grid is None:
        near = location.nearest
        zh = f"最近的网格 {near.code} 在 {near.distance_m:.0f} 米外" if near else "附近没有网格"
        en = f"the nearest, {near.code}, is {near.distance_m:.0f} m away" if near else "there is none near"
        return Review(
            "outside", Said(f"位置不在任何网格内（{zh}）：是否属于本区？", f"The place is in no grid ({en}): is it in this district?")
        )
    share = location.candidates[0].share
    sure = 1.0 if fix.origin != "address" or geocoding is None or geocoding.best is None else geocoding.best.confidence
    if (1.0 if share is None else share) * sure < CLEAR_SHARE:
        return Review("grid", _which_grid(fix, location))
    return None


def _which_grid(fix: Fix, location: Location) -> Said:
    named = [one for one in location.candidates if one.share is None or one.share >= _NAMED_SHARE][:_MOST_ALTERNATIVES]
    codes = "、".join(one.code for one in named)
    about = f"±{fix.uncertainty_m:.0f} m" if fix.uncertainty_m is not None else "?"
    return Said(
        f"位置只能确定到 {about}，可能属于网格 {codes}：具体在哪里？",
        f"The place is known to {about} only and may be in the grids {codes.replace('、', ', ')}: where exactly is it?",
    )


def _review_of_unit(assignment: Assignment) -> Review | None:
    if assignment.unit is not None:
        return None
    return Review("unit", Said("没有规则确定责任单位：由谁处置？", "No rule names a unit: who has to act?"))


def _of_place(fix: Fix | None, location: Location | None, by_covers: Said | None) -> tuple[Said, ...]:
    if fix is None or location is None:
        return ()
    from_ = {
        "position": ("上报的坐标", "the position"),
        "address": ("地址", "the address"),
        "component": ("部件的位置", "the component's place"),
        "person": ("人工确认的位置", "what a person has settled"),
    }[fix.origin]
    found = [Said(f"位置取自{from_[0]}。", f"The place is taken from {from_[1]}."), *fix.reasons]
    if fix.origin == "position" and fix.distance_m is not None and fix.question is None and not fix.reasons:
        found.append(
            Said(
                f"与地址或部件相距 {fix.distance_m:.0f} 米，相符。",
                f"It agrees with the address or component, {fix.distance_m:.0f} m away.",
            )
        )
    if by_covers is not None:
        found.append(by_covers)
    elif location.grid is not None:
        on_edge = ("，在网格边界上，取代码最小者", ", on an edge, where the smallest code holds") if location.on_edge else ("", "")
        found.append(Said(f"属于网格 {location.grid.code}{on_edge[0]}。", f"It is in grid {location.grid.code}{on_edge[1]}."))
    return tuple(found)


def _of_component(concerned: Concerned | None) -> tuple[Said, ...]:
    if concerned is None:
        return ()
    if concerned.named is not None:
        return (Said(f"部件 {concerned.named.code} 已登记。", f"The component {concerned.named.code} is recorded."),)
    found = []
    if concerned.unknown_code:
        code = concerned.unknown_code
        found.append(Said(f"没有登记编码为 {code} 的部件。", f"No component with the code {code} is recorded."))
    if concerned.match is not None:
        if concerned.code is not None:
            found.append(Said(f"涉及井盖 {concerned.code}。", f"The cover concerned is {concerned.code}: {concerned.match.reason}."))
        else:
            found.append(Said("无法确定是哪个井盖。", f"It is not sure which cover is concerned: {concerned.match.reason}."))
    return tuple(found)
