"""Filters in CQL2, the filter language of OGC APIs: read, checked, and brought into one canonical form.

What is here knows no layer: ``gisgrid.db.filter_sql`` says whether a filter fits the fields of one, and makes SQL of it.
"""

from __future__ import annotations

from gisgrid.cql2.filter import Filter, Json, Lang
from gisgrid.cql2.reading import parse

__all__ = ["Filter", "Json", "Lang", "parse"]
