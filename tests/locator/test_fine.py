"""The parts of divided cells, as bits of one number, and an index that is built in pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import ndimage

from gisgrid.locator import Locator, chunks, fine, near, raster
from tests.locator.test_files import differences
from tests.locator.towns import Town, towns

_NEIGHBOURS = np.array([[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_parts_that_hang_together_are_those_that_scipy_labels(share: float) -> None:
    plain = np.random.default_rng(4).random((500, 8, 8)) < share
    masks = np.packbits(plain.reshape(-1), bitorder="little").view("<u8")
    member, pieces = fine._connected(masks)
    labels, count = ndimage.label(plain, structure=_NEIGHBOURS)
    assert len(pieces) == count
    labels = labels.reshape(500, 64)
    for number, piece, lowest in zip(member.tolist(), pieces.tolist(), fine._lowest(pieces).tolist(), strict=True):
        parts = [part for part in range(64) if piece >> part & 1]
        assert parts[0] == lowest
        assert np.flatnonzero(labels[number] == labels[number, lowest]).tolist() == parts


@given(towns())
@settings(max_examples=12, deadline=None)
def test_an_index_is_the_same_to_the_bit_in_whatever_pieces_it_is_built(town: Town) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "_processors", lambda: 1)
        whole = Locator.from_areas(town.tables, town.roles)
        patch.setattr(chunks, "_processors", lambda: 3)
        patch.setattr(fine, "_LISTS_AT_ONCE", 97)
        patch.setattr(fine, "EDGES_AT_ONCE", 10)
        patch.setattr(raster, "EDGES_AT_ONCE", 5)
        patch.setattr(raster, "_AREAS_AT_ONCE", 1)
        patch.setattr(near, "_PAIRS", 500)
        assert not differences(Locator.from_areas(town.tables, town.roles), whole)
