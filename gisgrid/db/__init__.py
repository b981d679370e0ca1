"""The store: PostGIS, the private cluster that runs it, its tables and migrations, its change feed."""

from gisgrid.db.database import Database, open_database

__all__ = ["Database", "open_database"]
