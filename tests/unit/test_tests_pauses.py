"""Tests share one process: what one of them leaves must not hold up the others."""

import gc


def test_the_collector_does_not_walk_over_modules_and_tests() -> None:
    assert gc.get_freeze_count() > 10_000
