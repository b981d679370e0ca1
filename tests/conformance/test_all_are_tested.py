"""No requirement and no abstract test is left out."""

from __future__ import annotations

from tests.conformance import test_features_core, test_features_crs, test_tiles
from tests.conformance.requirements import ALL, TESTED


def test_each_requirement_and_each_abstract_test_has_a_test() -> None:
    assert all(module.__doc__ for module in (test_features_core, test_features_crs, test_tiles))
    assert sorted(ALL - set(TESTED)) == []
