"""A record becomes one line of JSON, whatever its fields are."""

import json
import logging
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shared.log import MAX_FIELD_CHARS, JsonLines


def line(message: str = "fill_failed", **fields: object) -> str:
    record = logging.LogRecord("edge.app", logging.WARNING, "f", 1, message, (), None)
    vars(record).update(fields)
    return JsonLines("edge").format(record)


def test_a_line_has_the_event_and_its_fields() -> None:
    told = json.loads(line(key="k", took_ms=1.5, path=Path("x")))

    assert told.pop("ts").endswith("+00:00")
    assert told == {
        "level": "WARNING",
        "service": "edge",
        "logger": "edge.app",
        "msg": "fill_failed",
        "key": "k",
        "took_ms": 1.5,
        "path": "x",
    }


@given(st.text(), st.text())
def test_any_text_stays_on_one_line(message: str, value: str) -> None:
    assert "\n" not in line(message, value=value)
    assert json.loads(line(message, value=value))["value"] == value[:MAX_FIELD_CHARS]


def test_a_long_text_is_cut() -> None:
    assert len(json.loads(line(value="x" * 99_999))["value"]) == MAX_FIELD_CHARS


def test_an_exception_is_told_with_its_trace() -> None:
    try:
        raise KeyError("bug")
    except KeyError:
        told = json.loads(line(exc_info=sys.exc_info()))

    assert "KeyError: 'bug'" in told["trace"]
