"""The columns of a batch: which rows of them say nothing is worked out once for columns that are alike in that."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gisgrid.services.batch.answers import Instead, Shared, _Column


def _expected(values: list[str | None], key: np.ndarray, instead: Instead | None) -> list[str | None]:
    found = [values[number] for number in key.tolist()]
    if instead is not None:
        for row, word in zip(instead.row.tolist(), instead.word.tolist(), strict=True):
            found[row] = instead.words[word]
    return found


def test_columns_that_share_what_is_null_are_what_each_would_be_by_itself() -> None:
    rng = np.random.default_rng(2)
    key = rng.integers(0, 7, 1_001)
    columns: list[list[str | None]] = [
        ["a", None, "b", "a", None, "c", "d"],
        ["x", None, "y", "z", None, "x", "x"],
        [None] * 7,
        ["all", "of", "them", "say", "some", "thing", "here"],
        ["e", "f", None, None, "g", None, "h"],
    ]
    other = Instead(np.array([0, 500, 1_000]), ["new", "a"], np.array([0, 1, 0]))
    shared = Shared()
    for values in columns:
        # The last two are behind the standing ones.
        column = _Column(values[:5])
        for instead in (None, other, None):
            made = column.take(key, values[5:], instead, shared)
            made.validate(full=True)
            assert made.to_pylist() == _expected(values, key, instead)
            assert made.null_count == made.to_pylist().count(None)
            assert made.type == pa.dictionary(pa.int32(), pa.string())
