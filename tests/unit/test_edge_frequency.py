"""The sketch of how often keys were added: never too low, rarely too high, and it forgets."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cache.frequency import HIGHEST, Sketch


@given(keys=st.lists(st.sampled_from("abcdefghij"), max_size=120))
@settings(max_examples=100, deadline=None)
def test_a_count_is_never_too_low_before_it_ages(keys: list[str]) -> None:
    sketch = Sketch(width_bits=8)
    counts: Counter[str] = Counter()
    for key in keys:
        assert min(counts[key], HIGHEST) <= sketch.add(key) <= HIGHEST
        counts[key] += 1
    assert all(sketch.estimate(key) >= min(count, HIGHEST) for key, count in counts.items())


def test_what_was_never_added_is_rarely_counted() -> None:
    sketch = Sketch(width_bits=12)
    for number in range(2_000):
        sketch.add(f"/v/{number}")

    n_wrong = sum(sketch.estimate(f"/other/{number}") > 0 for number in range(1_000))

    assert n_wrong < 50


def test_a_full_counter_does_not_run_over_into_its_neighbour() -> None:
    sketch = Sketch(width_bits=10)

    for _ in range(40):
        sketch.add("often")

    assert sketch.estimate("often") == HIGHEST
    assert sum((byte & HIGHEST) + (byte >> 4) for row in sketch._rows for byte in row) == 4 * HIGHEST


def test_it_forgets_by_halves_and_costs_the_same_for_ever() -> None:
    sketch = Sketch(width_bits=4)
    n_bytes = sketch.n_bytes
    for _ in range(12):
        sketch.add("often")
    before = sketch.estimate("often")

    for number in range(140):
        sketch.add(f"/{number}")

    assert before == 12
    assert sketch.estimate("often") < before
    assert sketch.n_bytes == n_bytes == 32
