"""The catalogue's tables (SQLAlchemy Core), the same in SQLite and PostgreSQL.

Pure. `migrations/` builds them; a test compares the two. Times are Unix milliseconds. A like or follow is a
row, and its count a column beside what it counts, changed in the same transaction.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    true,
)

from shared.ids import MAX_ID_CHARS

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

_Id = String(MAX_ID_CHARS)
_Serial = BigInteger().with_variant(Integer, "sqlite")

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
    comment="Raised inside the writing transaction: a reader that has seen n never misses a smaller one",
)

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("followers", Integer, nullable=False, default=0),
    Column("following", Integer, nullable=False, default=0),
)

videos = Table(
    "videos",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("creator_id", _Id, ForeignKey("users.id"), nullable=False),
    Column("caption", Text, nullable=False),
    Column("category", String(32), nullable=False),
    Column("hashtags", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", Text, nullable=False, default=""),
    Column("source_bytes", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column(
        "planned",
        JSON,
        nullable=False,
        comment="Names of the ladder's rungs; complete when all are published",
    ),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False, comment="Of the status; its stillness tells a lost job"),
    Column("poster", String(200), nullable=False, default=""),
    Column("poster_jpeg", String(200), nullable=False, default=""),
    Column("blurhash", String(100), nullable=False, default=""),
    Column("stills", JSON, nullable=False, default=list, comment="StoredObject of each poster"),
    Column("text_tracks", JSON, nullable=False, default=list, server_default="[]", comment="StoredTrack"),
    Column(
        "sound_id",
        _Id,
        nullable=False,
        server_default="",
        comment="Id of the video whose sound it plays, often its own",
    ),
    Column("sound_title", String(100), nullable=False, default="", server_default=""),
    Column("sound_volume", Float, nullable=False, default=1.0, server_default="1"),
    Column("original_volume", Float, nullable=False, default=0.0, server_default="0"),
    Column("has_audio", Boolean, nullable=False, default=True, server_default=true()),
    Column(
        "n_sound_videos",
        Integer,
        nullable=False,
        default=0,
        server_default="0",
        comment="Playable videos that play this one's sound, itself included",
    ),
    Column("likes", Integer, nullable=False, default=0),
    Column("comments", Integer, nullable=False, default=0),
    Column("shares", Integer, nullable=False, default=0),
    Column("counted_ms", BigInteger, comment="Since when the counts differ from the last announced card"),
    Column("first_seq", BigInteger, comment="When it became playable"),
    Column("seq", BigInteger, unique=True, comment="Of its latest announced change"),
    Index(None, "creator_id", "created_ms"),
    Index(None, "status", "changed_ms"),
    Index(None, "counted_ms"),
    Index(None, "sound_id", "created_ms"),
    Index(None, "n_sound_videos", "created_ms"),
)

renditions = Table(
    "renditions",
    metadata,
    Column("video_id", _Id, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(16), primary_key=True),
    Column("path", String(100), nullable=False, comment="Its folder below /v/{video}/"),
    Column("short_side", Integer, nullable=False, comment="Orders the ladder"),
    Column("rung", JSON, nullable=False, comment="messages.Rung"),
    Column("objects", JSON, nullable=False, comment="StoredObject of each file"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("video_id", _Id, nullable=False),
    Column("length", BigInteger, nullable=False, comment="-1 while a plain upload streams in"),
    Column("metadata", JSON, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
    Column("is_resumable", Boolean, nullable=False),
    Column("is_done", Boolean, nullable=False, default=False),
)

follows = Table(
    "follows",
    metadata,
    Column("follower_id", _Id, primary_key=True),
    Column("followee_id", _Id, primary_key=True, index=True),
    Column("at_ms", BigInteger, nullable=False),
)

likes = Table(
    "likes",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("video_id", _Id, primary_key=True, index=True),
    Column("at_ms", BigInteger, nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("id", _Id, primary_key=True, comment="Of the event that carried it"),
    Column("video_id", _Id, nullable=False),
    Column("user_id", _Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "video_id", "at_ms", "id"),
)

shares = Table(
    "shares",
    metadata,
    Column("id", _Id, primary_key=True, comment="Of the event that carried it"),
    Column("video_id", _Id, nullable=False, index=True),
    Column("user_id", _Id, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

processed_events = Table(
    "processed_events",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at_ms", BigInteger, nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("subject", String(200), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("msg_id", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
