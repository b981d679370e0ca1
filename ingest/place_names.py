"""Other names of things: what each is a name of, by its code or by its name, and the code that the row itself is known by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.layers import AREA_LAYERS
from ingest import checks, values
from ingest.mapping import Mapped

_AREAS = frozenset(layer.id for layer in AREA_LAYERS.values())
_SHOWN = 5


class _Layer(NamedTuple):
    """The codes of a layer's features, and by name the codes of those that are called so."""

    codes: frozenset[str]
    by_name: dict[str, list[str]]


class ThingsNamed:
    """What may have another name; a layer is read when it is first asked for. ``read`` gives the codes and names of a layer's features."""

    def __init__(self, read: Callable[[str], Iterable[tuple[str, str | None]]]) -> None:
        self._read = read
        self._layers: dict[str, _Layer] = {}

    def find(self, layer: str, code: str | None, name: str | None) -> str:
        """Return the code of the feature that is meant: by its code, or else by its name.

        Of roads, buildings and places with one name the one with the smallest code: another name of one is one of all of them.
        Raises ValueError that says what is wrong: there is none, or several areas are called so.
        """
        found = self._layer(layer)
        if code is not None:
            if code not in found.codes:
                raise ValueError(f"of_code: {layer} has no {code!r}.")
            return code
        if name is None:
            raise ValueError("Neither of_code nor of_name is given.")
        codes = found.by_name.get(name, [])
        if not codes:
            raise ValueError(f"of_name: {layer} has nothing called {name!r}.")
        if len(codes) > 1 and layer in _AREAS:
            shown = ", ".join(codes[:_SHOWN]) + (", ..." if len(codes) > _SHOWN else "")
            raise ValueError(f"of_name: {len(codes)} of {layer} are called {name!r} ({shown}); say which by of_code.")
        return codes[0]

    def _layer(self, layer: str) -> _Layer:
        if layer not in self._layers:
            by_name: dict[str, list[str]] = {}
            pairs = sorted(self._read(layer), key=lambda pair: pair[0])
            for code, name in pairs:
                if name:
                    by_name.setdefault(name, []).append(code)
            self._layers[layer] = _Layer(frozenset(code for code, _ in pairs), by_name)
        return self._layers[layer]


def resolve(mapped: Mapped, things: ThingsNamed) -> None:
    """Fill ``of_code`` from ``of_name``, and a blank ``code`` as ``roads/r12/old name``; reject rows whose thing is not there."""
    fields, findings = mapped.fields, mapped.findings
    _periods(mapped)
    rejected = findings.rejected
    layers, given, names = (fields[name].to_pylist() for name in ("of_layer", "of_code", "of_name"))
    codes: list[str | None] = [None] * findings.size
    wrong: dict[int, str] = {}
    for row in np.flatnonzero(~rejected).tolist():
        try:
            codes[row] = things.find(layers[row], given[row], names[row])
        except ValueError as error:
            wrong[row] = str(error)
    bad = np.zeros(findings.size, dtype=bool)
    bad[list(wrong)] = True
    findings.reject(checks.UNKNOWN_FEATURE, bad, "of_code", wrong.__getitem__)
    fields["of_code"] = pa.array(codes, pa.string())
    made = pc.binary_join_element_wise(fields["of_layer"], fields["of_code"], fields["name"], "/")
    fields["code"] = pc.coalesce(fields["code"], made)


def _periods(mapped: Mapped) -> None:
    since, until = mapped.fields["valid_from"], mapped.fields["valid_to"]
    bad = values.mask_of(pc.less_equal(until, since)) & ~mapped.findings.rejected
    mapped.findings.reject(
        checks.BAD_PERIOD, bad, "valid_to", lambda i: f"valid_to, {until[i].as_py()}, is not after valid_from, {since[i].as_py()}."
    )
