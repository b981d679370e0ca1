"""Positions from one coordinate system to others, as documents: what ``gisgrid convert`` prints and ``GET /convert`` answers."""

from __future__ import annotations

from collections.abc import Sequence

from gisgrid.crs import EXPECTED, Crs, conversion_accuracy, convert, parse_crs, to_wgs84
from gisgrid.errors import CrsError

MAX_TARGETS = 10
"""Most systems that a position is converted to at once."""

_EXPECTED_TARGETS = f"{EXPECTED}; several with commas"
_DEGREE_PLACES = 9
_OTHER_PLACES = 4


def parse_targets(text: str) -> tuple[Crs, ...]:
    """Return the systems that a list with commas names, each once; raises CrsError that names the parameter ``to``."""
    words = [word for word in text.split(",") if word.strip()]
    if not words:
        raise CrsError("no coordinate system is given to convert to.", _EXPECTED_TARGETS, "to")
    if len(words) > MAX_TARGETS:
        raise CrsError(f"{len(words)} systems are given.", f"at most {MAX_TARGETS}", "to")
    try:
        return tuple(dict.fromkeys(parse_crs(word) for word in words))
    except CrsError as error:
        raise _renamed(error) from None


def conversion_document(source: Crs, first: float, second: float, targets: Sequence[Crs]) -> dict[str, object]:
    """Return a position of ``source`` in each of ``targets``, with how far off it may be there (metres) and why.

    One target makes the members ``output``, ``accuracy_m`` and ``accuracy``; several make ``outputs``, a list of such. Degrees have
    nine places (0.1 mm), all else four. Raises ParameterError for a position that cannot be meant, CrsError for a target that
    has no coordinates for it.
    """
    outputs = [_output(source, first, second, target) for target in targets]
    return outputs[0] if len(outputs) == 1 else {"outputs": outputs}


def _output(source: Crs, first: float, second: float, target: Crs) -> dict[str, object]:
    place = to_wgs84(source, first, second)  # what is wrong with the position is told of the source
    try:
        coordinates = convert(source, target, first, second)
    except CrsError as error:
        raise _renamed(error) from None
    accuracy = conversion_accuracy(source, target, place)
    places = _OTHER_PLACES if target.is_projected else _DEGREE_PLACES
    named = {name: round(value, places) for name, value in zip(target.axes, coordinates, strict=True)}
    unit = {} if target.unit in ("degree", "metre") else {"unit": target.unit}
    return {"output": {**named, "crs": target.name, **unit}, "accuracy_m": accuracy.metres, "accuracy": accuracy.why}


def _renamed(error: CrsError) -> CrsError:
    """Return an error about a target under the parameter that names it."""
    message = error.message.removeprefix(f"{error.name}: ")
    return CrsError(message, error.expected or _EXPECTED_TARGETS, "to")
