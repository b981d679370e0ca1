"""The rasters that are served: what is known of each; the cells lie in files.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_RASTERS = """
CREATE TABLE gisgrid.rasters (
    id text COLLATE "C" CONSTRAINT rasters_pkey PRIMARY KEY CONSTRAINT rasters_id_check CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    kind text NOT NULL CONSTRAINT rasters_kind_check CHECK (kind IN ('orthophoto', 'elevation', 'coverage', 'other')),
    title text NOT NULL DEFAULT '',
    attribution text NOT NULL DEFAULT '',
    captured_on date,
    data_version bigint,
    file text NOT NULL,
    file_hash text NOT NULL,
    size bigint NOT NULL,
    crs text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    dtype text NOT NULL,
    nodata double precision,
    bands jsonb NOT NULL,
    cell_m double precision NOT NULL,
    min_zoom smallint NOT NULL,
    max_zoom smallint NOT NULL,
    run_id bigint REFERENCES gisgrid.ingest_runs ON DELETE SET NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    geom geometry(Polygon, 4326) NOT NULL
);
COMMENT ON TABLE gisgrid.rasters IS
    'The rasters that are served: orthophotos, heights, where cameras see. Their cells lie in files in the folder of rasters.';
COMMENT ON COLUMN gisgrid.rasters.file IS 'A cloud-optimised GeoTIFF in the folder of rasters; never changed, only replaced by another.';
COMMENT ON COLUMN gisgrid.rasters.data_version IS 'The version of the data that it was made from; null for those that came as files.';
COMMENT ON COLUMN gisgrid.rasters.bands IS 'For each band its name, and the least and largest of all and of 96 % of its values.';
COMMENT ON COLUMN gisgrid.rasters.cell_m IS 'How large a cell is on the ground, metres.';
COMMENT ON COLUMN gisgrid.rasters.geom IS 'What the file covers.';
COMMENT ON INDEX gisgrid.rasters_pkey IS 'A raster by its id.';
CREATE INDEX rasters_run_id ON gisgrid.rasters (run_id);
COMMENT ON INDEX gisgrid.rasters_run_id IS 'The raster that a load brought; removing a load.';
"""


def upgrade() -> None:
    """Make room for what is known of rasters."""
    op.execute(_RASTERS)


def downgrade() -> None:
    """Forget the rasters; their files stay."""
    op.execute("DROP TABLE gisgrid.rasters")
