"""Features as they are asked for and given: which of a layer, in which order and coordinate system, in which file format."""

from gisgrid.features.query import Box, FeatureQuery, Period, Sort

__all__ = ["Box", "FeatureQuery", "Period", "Sort"]
