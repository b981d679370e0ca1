"""Filters in CQL2, the filter language of OGC APIs: read, checked, and brought into one canonical form."""

from __future__ import annotations

from gisgrid.cql2.filter import Filter

__all__ = ["Filter"]
