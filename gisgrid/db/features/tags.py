"""The tag of a feature's state, by which an editor says which state was seen."""

from __future__ import annotations

from gisgrid.layers import Layer


def state_tag(layer: Layer, alias: str = "f") -> str:
    """Return the expression of the tag of a row of the layer's view, 32 characters: another one whenever a field or the place changes.

    It hangs on the id, the fields of the catalogue and the stored geometry alone: the same in every representation.
    """
    values = ", ".join(f'{alias}."{name}"' for name in ("id", *(field.name for field in layer.fields), "geom"))
    return f"md5(ROW({values})::text)"
