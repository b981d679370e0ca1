"""Characters that are written one for the other."""

from __future__ import annotations

import pytest

from gisgrid.addresses.alike import are_alike
from ingest.sample import phrases


def test_each_slip_of_the_sample_is_between_characters_that_are_alike() -> None:
    for right, wrong in phrases._SLIPS:
        for one, other in zip(right, wrong, strict=True):
            assert one == other or are_alike(one, other)
            assert are_alike(one, other) == are_alike(other, one)


@pytest.mark.parametrize(("one", "other"), [("一", "二"), ("东", "西"), ("南", "北"), ("高", "延"), ("1", "7"), ("", "延")])
def test_what_tells_names_apart_is_not_alike(one: str, other: str) -> None:
    assert not are_alike(one, other)
