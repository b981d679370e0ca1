"""What was decided of a case is packed by LZ4: as it came in, PostgreSQL spent a quarter of its time for a case on packing.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Cases that are there stay as they are packed; both are read alike.
_PACKED = """
DO $$
BEGIN
    ALTER TABLE gisgrid.cases_all ALTER COLUMN decided SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'This PostgreSQL was built without LZ4: cases take a little longer to be written.';
END $$
"""


def upgrade() -> None:
    """Pack new cases by LZ4, where the server can."""
    op.execute(_PACKED)


def downgrade() -> None:
    """Pack new cases as everything else."""
    op.execute("ALTER TABLE gisgrid.cases_all ALTER COLUMN decided SET COMPRESSION default")
