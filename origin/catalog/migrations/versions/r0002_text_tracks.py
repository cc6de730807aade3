"""Captions: text tracks of a video."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Videos that are there have none."""
    column = sa.Column("text_tracks", sa.JSON(), nullable=False, server_default="[]", comment="StoredTrack")
    op.add_column("videos", column)


def downgrade() -> None:
    """Forget them."""
    op.drop_column("videos", "text_tracks")
