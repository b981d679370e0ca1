"""The variable parts of paths below ``/ogc``, in the words of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from api.params import Parameter
from tiles.matrix import MATRIX_SETS
from tiles.styles import style_list
from tiles.tile import MAX_ZOOM

_LAST = (1 << MAX_ZOOM) - 1


def _number(name: str, description: str, maximum: int, example: int) -> Parameter:
    return Parameter(name, description, {"type": "integer", "minimum": 0, "maximum": maximum}, example)


def _words(name: str, description: str, words: list[str]) -> Parameter:
    return Parameter(name, description, {"type": "string", "enum": words}, words[0])


_DECLARED = (
    Parameter("id", "The feature: the `id` that pages and tiles have.", {"type": "integer", "minimum": 1, "format": "int64"}, 1),
    _words("tileMatrixSetId", "The tile matrix set.", list(MATRIX_SETS)),
    _number("tileMatrix", "The tile matrix: the zoom.", MAX_ZOOM, 14),
    _number("tileRow", "Row from the north.", _LAST, 6429),
    _number("tileCol", "Column from the west.", _LAST, 13670),
    _words("styleId", "The style.", [style.id for style in style_list()]),
)
VARIABLES: Mapping[str, Parameter] = {parameter.name: parameter for parameter in _DECLARED}
"""What stands for a part of a path, by name; ``collection`` is not among them, since each collection has its own paths."""
