"""How many warmings share the path to the origin."""

from edge.prefetch.window import Window


def after(n: int, took_s: float, window: Window, now_s: float = 0.0) -> int:
    for _ in range(n):
        window.came(took_s, now_s)
    return window.size


def test_answers_as_fast_as_the_fastest_open_the_window() -> None:
    assert after(200, 0.06, Window(8, 32)) == 32


def test_answers_that_queue_close_it_to_its_least() -> None:
    window = Window(8, 32)
    window.came(0.06, 0.0)
    assert after(200, 0.3, window) == 8


def test_a_late_turn_of_this_process_is_no_queue() -> None:
    window = Window(8, 32)
    window.came(0.001, 0.0)
    assert after(200, 0.02, window) == 32


def test_a_longer_path_is_the_new_measure_after_a_while() -> None:
    window = Window(8, 32)
    window.came(0.06, 0.0)
    after(200, 0.3, window, now_s=5.0)
    after(1, 0.3, window, now_s=11.0)
    assert after(200, 0.3, window, now_s=22.0) == 32


def test_a_narrow_worker_has_a_narrow_window() -> None:
    assert Window(1, 1).size == 1
