"""Sounds: which video's sound each video plays, and how many videos play it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_PLAYS = "Id of the video whose sound it plays, often its own"
_COUNTED = "Playable videos that play this one's sound, itself included"


def upgrade() -> None:
    """Every video that is there plays its own sound; whether it has any was not kept, so it is presumed."""
    for column in (
        sa.Column("sound_id", sa.String(length=64), nullable=False, server_default="", comment=_PLAYS),
        sa.Column("sound_title", sa.String(length=100), nullable=False, server_default=""),
        sa.Column("sound_volume", sa.Float(), nullable=False, server_default="1"),
        sa.Column("original_volume", sa.Float(), nullable=False, server_default="0"),
        sa.Column("has_audio", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("n_sound_videos", sa.Integer(), nullable=False, server_default="0", comment=_COUNTED),
    ):
        op.add_column("videos", column)
    op.execute("UPDATE videos SET sound_id = id")
    op.execute("UPDATE videos SET n_sound_videos = 1 WHERE status IN ('playable', 'complete')")
    op.create_index("ix_videos_sound_id_created_ms", "videos", ["sound_id", "created_ms"])
    op.create_index("ix_videos_n_sound_videos_created_ms", "videos", ["n_sound_videos", "created_ms"])


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_videos_n_sound_videos_created_ms", "videos")
    op.drop_index("ix_videos_sound_id_created_ms", "videos")
    added = ("n_sound_videos", "has_audio", "original_volume", "sound_volume", "sound_title", "sound_id")
    for name in added:
        op.drop_column("videos", name)
