"""PostGIS to vector tiles."""
