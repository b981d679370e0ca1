"""What a caller says of a cover beside the text: a kind, a state."""

from __future__ import annotations

from gisgrid.codes import component_classes
from gisgrid.errors import ParameterError
from gisgrid.matching.reading import Report, read_report
from gisgrid.matching.vocabulary import values_of


def with_given(report: Report, kind: str | None, state: str | None) -> Report:
    """Return a report in which the kinds and the state that are given stand before what the text says.

    Raises ParameterError for a kind or a state that nothing is called.
    """
    if kind and kind.strip():
        report = report._replace(kinds=_kinds(kind), source="named", subject="cover")
    if state and state.strip():
        report = report._replace(states=_states(state))
    return report


def _kinds(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for name in text.replace("，", ",").split(",") if name.strip() for kind in _kinds_called(name.strip())))


def _kinds_called(name: str) -> tuple[str, ...]:
    """Return the kinds called ``name``: the word of the field ``kind``, or a name with or without a word for cover."""
    known = {item.kind for item in component_classes().values() if item.kind}
    if name in known:
        return (name,)
    kinds = read_report(name).kinds if len(name) <= 40 else ()
    kinds = kinds or (read_report(name + "井盖").kinds if len(name) <= 40 else ())
    if not kinds:
        covers = sorted({item.kind for item in component_classes().values() if item.is_cover})
        raise ParameterError("kind", f"there is no kind of cover {name[:40]!r}.", f"any of {', '.join(covers)}, or a name such as 污水井盖")
    return kinds


def _states(text: str) -> tuple[str, ...]:
    name = text.strip()
    if name in values_of("state"):
        return (name,)
    states = read_report(name).states if len(name) <= 40 else ()
    if not states:
        raise ParameterError(
            "state", f"there is no state {name[:40]!r}.", f"any of {', '.join(values_of('state'))}, or a word such as 破损"
        )
    return states
