"""Topology of areas: what is wrong between the areas of a generation, and between them and what stands on them."""

from ingest.topology.checks import TOPOLOGY_CHECKS, TopologyCheck
from ingest.topology.cuts import Features
from ingest.topology.levels import Levels
from ingest.topology.run import check_areas

__all__ = ["TOPOLOGY_CHECKS", "Features", "Levels", "TopologyCheck", "check_areas"]
