"""Rows inside the deployment's bounds but outside the district are warned of, with the distance."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gisgrid.db.evidence import Known
from ingest.findings import Findings
from ingest.positions import District, district_of
from ingest.targets import target
from tests.ingest.positions.gridiron import CELLS, DISTRICT


@pytest.mark.parametrize("areas", [[DISTRICT], CELLS], ids=["one", "many"])
def test_points_and_buildings_outside_are_found(areas: list[shapely.Geometry]) -> None:
    geom = np.array(
        [
            shapely.Point(120.35, 36.10),
            shapely.Point(120.40, 36.10),  # on the border
            shapely.Point(120.41, 36.10),
            None,
            shapely.box(120.399, 36.10, 120.402, 36.101),  # its middle is outside, its west end is not
            shapely.box(120.41, 36.10, 120.42, 36.11),
        ],
        dtype=object,
    )
    district = District(areas)
    assert district.outside(geom).tolist() == [False, False, True, False, False, True]
    findings = Findings(6)
    district.check(geom, findings)
    warnings = list(findings.warnings())
    assert [(row, reason.code) for row, reason in warnings] == [(2, "outside_district"), (5, "outside_district")]
    assert "but 899 m outside the district" in warnings[0][1].message


def test_rejected_rows_get_no_warning_and_sound_ones_cost_none() -> None:
    findings = Findings(1)
    District(CELLS).check(np.array([shapely.Point(120.35, 36.1)], dtype=object), findings)
    assert not findings.warned.any()


def test_areas_are_not_held_against_themselves(known: Known, bare: Known) -> None:
    assert district_of(known, target("grids")) is None
    assert district_of(known, target("organizations")) is None
    assert district_of(known, target("cameras")) is not None
    assert district_of(bare, target("cameras")) is not None
