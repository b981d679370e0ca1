"""What a sample district is made of: seed, scale, and every count and size that follows from them."""

from __future__ import annotations

import csv
import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gisgrid import paths
from gisgrid.errors import ParameterError
from ingest.sample.arrays import Floats

GENERATOR_VERSION = "1"
"""Raised whenever the same seed and scale would give other files."""

DEFAULT_SEED = 370203
DISTRICT_CODE = "370203"
DISTRICT_AREA_M2 = 65.4e6
GRIDS, BUILDINGS, COVERS, CAMERAS, CASES = 940, 47_000, 17_000, 12_000, 3_600
BLOCKS_PER_GRID = 5.8
CELL_WIDTH_M, CELL_HEIGHT_M = 100.0, 120.0
SCALE_RANGE = (0.02, 20.0)
STAGES = (
    *("lattice", "blocks", "areas", "roads", "names", "buildings", "addresses", "covers", "cameras", "people", "cases", "defects"),
    "gazetteer",
)


class Division(NamedTuple):
    """A street or community of the division list; a street has a centroid (WGS 84 degrees) and an area."""

    level: str
    code: str
    name: str
    parent_code: str
    lon: float
    lat: float
    area_m2: float


def read_divisions() -> list[Division]:
    """Return the rows of data/codes/divisions_370203.csv in their order; what a row does not say is NaN."""
    with (paths.data_dir() / "codes" / f"divisions_{DISTRICT_CODE}.csv").open(encoding="utf-8", newline="") as file:
        return [
            Division(
                row["level"],
                row["code"],
                row["name"],
                row["parent_code"],
                float(row["centroid_lon"] or "nan"),
                float(row["centroid_lat"] or "nan"),
                float(row["area_km2"] or "nan") * 1e6,
            )
            for row in csv.DictReader(file)
        ]


class Plan:
    """The numbers of one sample district.

    Densities do not depend on ``scale``: the district grows about its centre. Below scale 0.15 or so there is still one
    grid for every community, so the blocks shrink (``shrink`` < 1) with everything that has to fit into them.
    """

    def __init__(self, seed: int = DEFAULT_SEED, scale: float = 1.0) -> None:
        if not (math.isfinite(scale) and SCALE_RANGE[0] <= scale <= SCALE_RANGE[1]):
            raise ParameterError("scale", f"{scale:g} is not possible", "a number from {:g} to {:g}".format(*SCALE_RANGE))
        if not 0 <= seed < 2**63:
            raise ParameterError("seed", f"{seed} is not possible", "a whole number from 0 to 2^63 - 1")
        self.seed = int(seed)
        self.scale = float(scale)

    def rng(self, stage: str) -> np.random.Generator:
        """Return the random generator of a stage; stages do not disturb one another."""
        return np.random.default_rng([self.seed, STAGES.index(stage), round(self.scale * 1_000_000)])

    @cached_property
    def divisions(self) -> list[Division]:
        """Streets and communities, real names and codes."""
        return read_divisions()

    @cached_property
    def streets(self) -> list[Division]:
        """The streets in the order of their codes."""
        return [row for row in self.divisions if row.level == "street"]

    @cached_property
    def communities(self) -> list[Division]:
        """The communities in the order of their codes."""
        return [row for row in self.divisions if row.level == "community"]

    @property
    def growth(self) -> float:
        """Factor on distances from the centre of the district."""
        return math.sqrt(self.scale)

    @property
    def area_m2(self) -> float:
        """Area of the district."""
        return DISTRICT_AREA_M2 * self.scale

    @property
    def street_areas_m2(self) -> Floats:
        """Area that each street should have."""
        areas = np.array([row.area_m2 for row in self.streets])
        return np.asarray(areas / areas.sum() * self.area_m2)

    @property
    def grids(self) -> int:
        """Number of responsibility grids, at least one for each community."""
        return max(round(GRIDS * self.scale), len(self.communities))

    @property
    def shrink(self) -> float:
        """Factor on the size of blocks, road widths and lengths: 1 unless the scale is very small."""
        cell_area = self.area_m2 / (self.grids * BLOCKS_PER_GRID)
        return min(1.0, math.sqrt(cell_area / (CELL_WIDTH_M * CELL_HEIGHT_M)))

    def count(self, at_scale_one: int) -> int:
        """Return how many things there are of which there are ``at_scale_one`` at scale 1."""
        return max(1, round(at_scale_one * self.scale))
