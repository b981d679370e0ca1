"""Generations of areas: checked before they are activated, and compared with the one that is served."""

from ingest.generations.check import Diff, check_generation, compare, find_issues

__all__ = ["Diff", "check_generation", "compare", "find_issues"]
