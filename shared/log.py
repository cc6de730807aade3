"""Logs as JSON lines on stderr: a time, a level, an event's name, and the event's fields."""

import json
import logging
import sys
from datetime import UTC, datetime

from shared.errors import ConfigError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_FIELD_CHARS = 4096
"""Of one text in a line; a longer one is cut."""

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
}
_CHATTY = ("asyncio", "aiohttp.access", "nats", "sqlalchemy.engine")


class JsonLines(logging.Formatter):
    """One record, one line of JSON; what is not JSON is shown by its `str`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        fields: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "msg": record.getMessage()[:MAX_FIELD_CHARS],
        }
        for name, value in vars(record).items():
            if name not in _STANDARD:
                fields[name] = value[:MAX_FIELD_CHARS] if isinstance(value, str) else value
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)[-MAX_FIELD_CHARS:]
        return json.dumps(fields, default=lambda value: str(value)[:MAX_FIELD_CHARS], ensure_ascii=False)


def configure(service: str, level: str = "INFO") -> None:
    """Send every log record of this process to stderr as JSON lines. Raises ConfigError."""
    if level.upper() not in LEVELS:
        raise ConfigError(f"log_level is {level[:40]!r}, must be one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
