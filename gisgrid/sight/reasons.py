"""Why a camera sees a place or does not: one sentence in English, with the numbers that decide."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.sight.answers import Blocker, State
from gisgrid.sight.views import (
    ASSUMED_FIELD,
    ASSUMED_MOUNT,
    ASSUMED_RANGE,
    AT_BUILDING,
    HARD,
    NO_AZIMUTH,
    NO_BEARING,
    NO_FIELD,
    NO_HEIGHT,
    NO_RANGE,
    OFFLINE,
    PART_SHARE,
    SMALL_SHARE,
    TURNS,
    Camera,
)


class Case(NamedTuple):
    """All that a reason may speak of: one camera, and what was found of its line to a place.

    ``doubts`` are bits of ``views``; ``off_deg`` is how far the place is from the azimuth. ``floors`` is the number of floors that a roof
    height was reckoned from, None where it was recorded; ``host`` says that the building that blocks is the camera's own.
    """

    state: State
    doubts: int
    distance_m: float
    share: float | None
    off_deg: float | None
    camera: Camera
    open_code: str | None
    blocker: Blocker | None
    floors: float | None
    host: bool


def reason(case: Case) -> str:
    """Return the sentence for a case."""
    if case.state == "out_of_range":
        return f"The place is {case.distance_m:.1f} m away, beyond {_range(case)}."
    if case.state == "out_of_view":
        return f"{_off(case)}, and half of {_field(case)} leaves it out of view{_whole(case)}."
    if case.state == "blocked" and case.blocker is not None:
        return _blocked(case, case.blocker)
    if case.state == "unknown":
        return _unknown(case)
    if case.state == "probably_sees":
        return f"{_in_view(case)}, but {_joined(_soft(case))}."
    return f"{_in_view(case)}, and no building stands in the way."


def _blocked(case: Case, blocker: Blocker) -> str:
    roof = f"{blocker.roof_height_m:.1f} m" + (f" ({_floors(case.floors)} of 3 m)" if case.floors is not None else "")
    own = "the camera's own building " if case.host else "building "
    where = f"{blocker.distance_m:.1f} m from the camera, {blocker.sight_height_m:.1f} m above the ground"
    return f"The line meets {own}{blocker.building_code} {where}, and runs on below its roof of {roof}."


def _unknown(case: Case) -> str:
    """Say what is not known; of a camera that only does not work also what it would see."""
    causes = _hard(case)
    if case.doubts & HARD == OFFLINE:
        soft = _soft(case)
        would = f"else it would probably see the place, but {_joined(soft)}" if soft else "else it would see the place"
        return f"{_in_view(case)}, but {causes[0]}; {would}."
    return f"The place is {case.distance_m:.1f} m away, but {_joined(causes)}."


def _hard(case: Case) -> list[str]:
    status = case.camera.status
    texts = {
        OFFLINE: "the status of the camera is not recorded" if status is None else f"the camera is not online ({status})",
        NO_RANGE: "its range is not recorded",
        NO_FIELD: "its field of view is not recorded",
        NO_BEARING: "that is where the camera stands, so that it has no bearing",
        NO_AZIMUTH: "its azimuth is not recorded",
        NO_HEIGHT: _open(case),
    }
    found = [text for bit, text in texts.items() if case.doubts & bit]
    if case.doubts & SMALL_SHARE and not case.doubts & (NO_AZIMUTH | NO_FIELD | NO_BEARING):
        found.append(_part(case, "only "))
    return found


def _open(case: Case) -> str:
    what = "the mount height of the camera is not recorded" if case.camera.mount is None else "its height is not recorded"
    return f"building {case.open_code} is in the way and {what}"


def _soft(case: Case) -> list[str]:
    texts = {
        TURNS: "the camera turns and may look elsewhere now",
        ASSUMED_RANGE: f"that is in the last fifth of {_range(case)}",
        ASSUMED_FIELD: f"{_field(case)} leaves it in doubt",
        ASSUMED_MOUNT: "a building would be in the way if the mount were lower than assumed for its kind",
        AT_BUILDING: "the place is in a building, of which only the outside can be seen",
    }
    found = [text for bit, text in texts.items() if case.doubts & bit]
    if case.doubts & PART_SHARE:
        found.insert(0, _part(case, ""))
    return found


def _part(case: Case, only: str) -> str:
    return f"{only}{_percent(case.share)} of the uncertainty of its azimuth (±{case.camera.spread:g}°) has it in view"


def _percent(share: float | None) -> str:
    """Return a share between 0 and 1 as a percentage that is neither 0 nor 100."""
    return f"{min(max(100.0 * (share or 0.0), 0.1), 99.9):.1f} %"


def _in_view(case: Case) -> str:
    range_text = "" if case.camera.range is None else f" (range {case.camera.range:g} m)"
    return f"The place is {case.distance_m:.1f} m away{range_text} and in view"


def _off(case: Case) -> str:
    return f"The place is {case.off_deg or 0.0:.1f}° off the azimuth of {case.camera.azimuth or 0.0:g}°"


def _whole(case: Case) -> str:
    return f" whatever its uncertainty of ±{case.camera.spread:g}°" if case.camera.spread else ""


def _field(case: Case) -> str:
    return f"its field of view of {case.camera.field or 0.0:g}°" + (", assumed for its kind," if case.camera.field_assumed else "")


def _range(case: Case) -> str:
    return f"its range of {case.camera.range or 0.0:g} m" + (", assumed for its kind" if case.camera.range_assumed else "")


def _joined(texts: list[str]) -> str:
    return " and ".join(texts)


def _floors(number: float) -> str:
    return f"{number:g} floor" if number == 1 else f"{number:g} floors"
