"""Metrics: help is obligatory, and what is counted is exposed."""

import pytest

from shared import metrics


def test_a_metric_without_help_is_refused() -> None:
    with pytest.raises(ValueError, match="no help"):
        metrics.counter("shared_test_silent_total", " ")


def test_what_is_counted_is_exposed() -> None:
    metrics.counter("shared_test_swipes_total", "Swipes", ("result",)).labels("hit").inc(3)
    metrics.gauge("shared_test_sessions", "Sessions").set(2)
    metrics.histogram("shared_test_seconds", "Time", buckets=(0.1, 1)).observe(0.5)

    body, content_type = metrics.render()

    assert b'shared_test_swipes_total{result="hit"} 3.0' in body
    assert b"shared_test_sessions 2.0" in body
    assert b'shared_test_seconds_bucket{le="1.0"} 1.0' in body
    assert content_type.startswith("text/plain")
