"""Source files to PostGIS: readers, checks, load, report, and the sample district."""
