"""What a caller says of a cover beside the text: a kind, a state."""

from __future__ import annotations

from functools import cache

from gisgrid.codes import component_classes
from gisgrid.errors import ParameterError
from gisgrid.matching.likelihood import NO_COVERS
from gisgrid.matching.reading import Report, read_report
from gisgrid.matching.vocabulary import values_of

# Names are short; anything longer is a text in the wrong place.
_LONGEST_NAME = 40


def with_given(report: Report, kind: str | None, state: str | None) -> Report:
    """Return a report in which the kinds and the state that are given stand before what the text says.

    A kind that is a mere 井盖 says only that the report is about a cover. Raises ParameterError for a kind or a state that
    nothing is called.
    """
    if kind and kind.strip():
        report = report._replace(subject="cover")
        kinds = tuple(dict.fromkeys(found for name in kind.replace("，", ",").split(",") for found in _kinds_called(name.strip())))
        if kinds:
            denied = tuple(found for found in report.denied if found not in kinds)
            report = report._replace(kinds=kinds, source="named", denied=denied)
    # A state that is unknown, as the field may hold, is none that is given.
    if state and state.strip() not in ("", "unknown"):
        report = report._replace(states=_states_called(state.strip()))
    return report


def _kinds_called(name: str) -> tuple[str, ...]:
    """Return the kinds called ``name``: the word of the field ``kind``, or a name with or without a word for cover."""
    if name in _kinds_known():
        return (name,)
    for text in (name, f"{name}井盖") if 0 < len(name) <= _LONGEST_NAME else ():
        report = read_report(text)
        if report.kinds or (text == name and report.subject == "cover" and not report.denied):
            return report.kinds
    listed = ", ".join(sorted(_kinds_known()))
    raise ParameterError("kind", f"there is no kind of cover {name[:_LONGEST_NAME]!r}.", f"any of {listed}, or a name such as 污水井盖")


@cache
def _kinds_known() -> frozenset[str]:
    return frozenset(item.kind for item in component_classes().values() if item.is_cover and item.kind) | NO_COVERS


def _states_called(name: str) -> tuple[str, ...]:
    """Return the states called ``name``: the word of the field ``state``, or what people say."""
    known = values_of("state")
    if name in known:
        return (name,)
    states = read_report(name).states if len(name) <= _LONGEST_NAME else ()
    if states:
        return states
    raise ParameterError("state", f"there is no state {name[:_LONGEST_NAME]!r}.", f"any of {', '.join(known)}, or a word such as 破损")
