"""Assets as they were at an instant: where their history is looked up, and since when a change counts in it.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The default comes apart from the column: of the changes that are there nobody knows when their transactions began.
_BEGINNINGS = """
ALTER TABLE gisgrid.changes ADD COLUMN began_at timestamptz;
ALTER TABLE gisgrid.changes ALTER COLUMN began_at SET DEFAULT now();
COMMENT ON COLUMN gisgrid.changes.began_at IS
    'When the transaction of the change began, which is since when its rows are valid; null: not known.';
"""

_INDEXES = """
CREATE INDEX asset_versions_valid_from ON gisgrid.asset_versions (layer, valid_from);
COMMENT ON INDEX gisgrid.asset_versions_valid_from IS 'Since when anything is known of a layer; its last change before an instant.';
CREATE INDEX asset_versions_valid_to ON gisgrid.asset_versions (layer, valid_to);
COMMENT ON INDEX gisgrid.asset_versions_valid_to IS 'What a layer was at an instant of late; its first change after an instant.';
"""


def upgrade() -> None:
    """Note when transactions began, and index the periods of versions."""
    op.execute(_BEGINNINGS)
    op.execute(_INDEXES)


def downgrade() -> None:
    """There is no way back beyond the revisions before."""
    raise NotImplementedError("when changes began would be lost")
