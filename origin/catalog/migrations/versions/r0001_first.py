"""The first schema: catalogue, social graph, uploads, outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "comments",
        sa.Column("id", sa.String(length=64), nullable=False, comment="Of the event that carried it"),
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
    )
    op.create_index(
        op.f("ix_comments_video_id_at_ms_id"), "comments", ["video_id", "at_ms", "id"], unique=False
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
        comment="Raised inside the writing transaction: a reader that has seen n never misses a smaller one",
    )
    op.create_table(
        "follows",
        sa.Column("follower_id", sa.String(length=64), nullable=False),
        sa.Column("followee_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("follower_id", "followee_id", name=op.f("pk_follows")),
    )
    op.create_index(op.f("ix_follows_followee_id"), "follows", ["followee_id"], unique=False)
    op.create_table(
        "likes",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "video_id", name=op.f("pk_likes")),
    )
    op.create_index(op.f("ix_likes_video_id"), "likes", ["video_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("msg_id", sa.String(length=200), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "processed_events",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processed_events")),
    )
    op.create_index(op.f("ix_processed_events_at_ms"), "processed_events", ["at_ms"], unique=False)
    op.create_table(
        "shares",
        sa.Column("id", sa.String(length=64), nullable=False, comment="Of the event that carried it"),
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
    )
    op.create_index(op.f("ix_shares_video_id"), "shares", ["video_id"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False, comment="-1 while a plain upload streams in"),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_resumable", sa.Boolean(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_expires_ms"), "uploads", ["expires_ms"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("followers", sa.Integer(), nullable=False),
        sa.Column("following", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "videos",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("creator_id", sa.String(length=64), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("hashtags", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("source_bytes", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column(
            "planned",
            sa.JSON(),
            nullable=False,
            comment="Names of the ladder's rungs; complete when all are published",
        ),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "changed_ms",
            sa.BigInteger(),
            nullable=False,
            comment="Of the status; its stillness tells a lost job",
        ),
        sa.Column("poster", sa.String(length=200), nullable=False),
        sa.Column("poster_jpeg", sa.String(length=200), nullable=False),
        sa.Column("blurhash", sa.String(length=100), nullable=False),
        sa.Column("stills", sa.JSON(), nullable=False, comment="StoredObject of each poster"),
        sa.Column("likes", sa.Integer(), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("shares", sa.Integer(), nullable=False),
        sa.Column(
            "counted_ms",
            sa.BigInteger(),
            nullable=True,
            comment="Since when the counts differ from the last announced card",
        ),
        sa.Column("first_seq", sa.BigInteger(), nullable=True, comment="When it became playable"),
        sa.Column("seq", sa.BigInteger(), nullable=True, comment="Of its latest announced change"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name=op.f("fk_videos_creator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_videos")),
        sa.UniqueConstraint("seq"),
    )
    op.create_index(op.f("ix_videos_counted_ms"), "videos", ["counted_ms"], unique=False)
    op.create_index(
        op.f("ix_videos_creator_id_created_ms"), "videos", ["creator_id", "created_ms"], unique=False
    )
    op.create_index(op.f("ix_videos_status_changed_ms"), "videos", ["status", "changed_ms"], unique=False)
    op.create_table(
        "renditions",
        sa.Column("video_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=100), nullable=False, comment="Its folder below /v/{video}/"),
        sa.Column("short_side", sa.Integer(), nullable=False, comment="Orders the ladder"),
        sa.Column("rung", sa.JSON(), nullable=False, comment="messages.Rung"),
        sa.Column("objects", sa.JSON(), nullable=False, comment="StoredObject of each file"),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name=op.f("fk_renditions_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("video_id", "name", name=op.f("pk_renditions")),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('catalog', 0)")


def downgrade() -> None:
    """Drop every table."""
    op.drop_table("renditions")
    op.drop_index(op.f("ix_videos_status_changed_ms"), table_name="videos")
    op.drop_index(op.f("ix_videos_creator_id_created_ms"), table_name="videos")
    op.drop_index(op.f("ix_videos_counted_ms"), table_name="videos")
    op.drop_table("videos")
    op.drop_table("users")
    op.drop_index(op.f("ix_uploads_expires_ms"), table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_shares_video_id"), table_name="shares")
    op.drop_table("shares")
    op.drop_index(op.f("ix_processed_events_at_ms"), table_name="processed_events")
    op.drop_table("processed_events")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_likes_video_id"), table_name="likes")
    op.drop_table("likes")
    op.drop_index(op.f("ix_follows_followee_id"), table_name="follows")
    op.drop_table("follows")
    op.drop_table("counters")
    op.drop_index(op.f("ix_comments_video_id_at_ms_id"), table_name="comments")
    op.drop_table("comments")
