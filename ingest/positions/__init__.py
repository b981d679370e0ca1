"""Positions: what coordinate system a file may be in, and whether what is known of the city agrees with the one declared."""

from ingest.positions.district import District, district_of
from ingest.positions.likely import Likely, likely_systems
from ingest.positions.sampler import Sampler
from ingest.positions.surroundings import Delivered, Surroundings
from ingest.positions.unnamed import hint_for_unnamed
from ingest.positions.verdict import Verdict, compare

__all__ = [
    "Delivered",
    "District",
    "Likely",
    "Sampler",
    "Surroundings",
    "Verdict",
    "compare",
    "district_of",
    "hint_for_unnamed",
    "likely_systems",
]
