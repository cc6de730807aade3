"""S3-FIFO, wide or narrow, or LRU, whichever suits: the books are right, the choice follows the requests."""

import subprocess
import sys
from collections.abc import Callable, Hashable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cache.eviction.adaptive import Adaptive
from edge.cache.eviction.ghosts import digest
from edge.cache.eviction.lru import Lru
from edge.cache.eviction.miniature import FifoMiniature, LruMiniature, Miniature
from edge.cache.eviction.policy import Eviction
from edge.cache.eviction.s3fifo import Order, S3Fifo
from edge.cache.eviction.siblings import Siblings
from edge.cache.key import video_of
from tests.bench.eviction import traces
from tests.bench.eviction.simulate import footprint_bytes, simulate

CAPACITY = 100
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "admit", "touch", "remove", "resize", "lru", "s3fifo", "wide", "siblings"]),
        st.integers(0, 12),
        st.integers(0, 110),
    ),
    max_size=80,
)


@pytest.mark.parametrize("siblings", [None, Siblings[int](lambda key: key // 4, CAPACITY)])
@given(steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_the_books_are_right_whatever_the_order(
    siblings: Siblings[int] | None, steps: list[tuple[str, int, int]]
) -> None:
    policy: S3Fifo[int] = S3Fifo(CAPACITY, siblings=siblings)
    held: dict[int, int] = {}
    capacity = CAPACITY
    for action, key, size in steps:
        victims: list[int] = []
        if action == "admit":
            held[key] = size
            victims = policy.admit(key, size)
        elif action == "resize":
            capacity = size
            victims = policy.resize(size)
        elif action in ("lru", "s3fifo", "wide", "siblings"):
            policy.order_by(Order(action))
        else:
            getattr(policy, action)(key)
            if action == "remove":
                held.pop(key, None)
        for victim in victims:
            del held[victim]
        assert sorted(policy.keys()) == sorted(held)
        assert {known: policy.size_bytes(known) for known in held} == held
        assert policy.used_bytes == sum(held.values()) <= capacity


def test_a_change_of_the_order_drops_nothing_and_then_recency_decides() -> None:
    policy: S3Fifo[str] = S3Fifo(CAPACITY)
    for name in "abcde":
        policy.admit(name, 20)

    policy.order_by(Order.LRU)
    assert sorted(policy.keys()) == list("abcde")
    policy.touch("a")
    victims = [victim for name in "fghij" for victim in policy.admit(name, 20)]

    assert victims == list("bcdea")
    policy.touch("f")
    assert policy.admit("k", 20) == ["g"]


@pytest.mark.parametrize("order", [Order.S3FIFO, Order.WIDE, Order.LRU])
@given(
    asked=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 70)), max_size=300),
    n_batch=st.integers(1, 70),
)
@settings(max_examples=60, deadline=None)
def test_a_miniature_misses_what_the_order_would_miss(
    order: Order, asked: list[tuple[int, int]], n_batch: int
) -> None:
    capacity = 60  # so small that no slack is left
    whole: Eviction[int] = Lru(capacity) if order is Order.LRU else S3Fifo(capacity, order)
    small: Miniature[int] = LruMiniature(capacity) if order is Order.LRU else FifoMiniature(capacity, order)
    sizes = dict(asked)
    expected, missed = [], []
    for place, (key, _) in enumerate(asked):
        if key in whole:
            whole.touch(key)
        else:
            whole.admit(key, sizes[key])
            expected.append(place)
    for start in range(0, len(asked), n_batch):
        keys = [key for key, _ in asked[start : start + n_batch]]
        missed += [start + place for place in sorted(small.serve(keys, [sizes[key] for key in keys]))]

    assert missed == expected
    assert small.missed_bytes == sum(sizes[asked[place][0]] for place in expected)


def loss(trace: traces.Trace, share: float, grouped: Callable[[int], Hashable] | None = None) -> float:
    """Byte miss ratio of ours, relative to the better of the two."""
    capacity = int(footprint_bytes(trace) * share)
    rivals: list[Eviction[int]] = [Lru(capacity), S3Fifo(capacity)]
    better = min(simulate(rival, trace).byte_miss for rival in rivals)
    return simulate(Adaptive(capacity, grouped), trace).byte_miss / better - 1


@pytest.mark.parametrize("share", [0.02, 0.1])
@pytest.mark.parametrize("make", [traces.short_video, traces.zipf, traces.scan, traces.loop, traces.recency])
def test_it_is_at_most_a_hundredth_worse_than_the_better_one(make: object, share: float) -> None:
    assert callable(make)

    assert loss(make(20_000, 99), share) <= 0.01


def test_it_follows_the_requests_from_one_order_to_the_other_and_back() -> None:
    trace = traces.shift(80_000, 7)
    policy: Adaptive[int] = Adaptive(footprint_bytes(trace) // 100)
    orders = []
    for place, (key, size) in enumerate(trace):
        if key in policy:
            policy.touch(key)
        else:
            policy.admit(key, size)
        if place % 20_000 == 19_999:
            orders.append(policy.order)

    assert orders == [Order.LRU, Order.S3FIFO, Order.LRU, Order.S3FIFO]
    assert policy.n_switches <= 12


def test_two_processes_choose_alike() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from edge.cache.eviction.ghosts import digest; print(digest('/v/one'))"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ".", "PYTHONHASHSEED": "77"},
    )

    assert int(told.stdout) == digest("/v/one")


def test_a_key_that_is_no_text_has_a_digest() -> None:
    assert digest("/v/\udcff") != digest("/v/\udcfe")


def test_where_audiences_fade_quickly_newcomers_get_a_longer_probation() -> None:
    trace = traces.short_video(40_000, 99, traces.ShortVideo(births_per_view=0.1, half_life_views=3_000.0))
    capacity = footprint_bytes(trace) // 8
    policy: Adaptive[int] = Adaptive(capacity)

    ours = simulate(policy, trace).byte_miss

    assert policy.order is Order.WIDE
    assert ours < simulate(S3Fifo(capacity), trace).byte_miss
    assert ours < simulate(Lru(capacity), trace).byte_miss


def test_phases_that_are_too_short_to_follow_cost_little() -> None:
    assert loss(traces.shift(60_000, 5), 0.2) <= 0.01


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2])
def test_siblings_save_misses_where_segments_of_a_video_are_asked_for_alike(share: float) -> None:
    trace, paths = traces.short_video(40_000, 99), traces.paths(40_000, 99)
    capacity = int(footprint_bytes(trace) * share)
    policy: Adaptive[str] = Adaptive(capacity, video_of)

    ours = simulate(policy, [(paths[key], size) for key, size in trace]).byte_miss

    assert policy.order is Order.SIBLINGS
    assert ours < simulate(Adaptive(capacity), trace).byte_miss


@pytest.mark.parametrize("share", [0.02, 0.1])
@pytest.mark.parametrize("n_folders", [1, 30, 300, 3_000])
def test_folders_that_say_nothing_cost_at_most_a_hundredth(n_folders: int, share: float) -> None:
    trace = traces.short_video(20_000, 99)

    assert loss(trace, share, lambda key: (key * 2_654_435_761 >> 8) % n_folders) <= 0.01


def test_a_newcomer_is_kept_for_a_siblings_hit_and_not_for_a_strangers() -> None:
    siblings: Siblings[str] = Siblings(video_of, CAPACITY)
    for number in range(5):
        siblings.promote(f"/v/other/{number}.m4s", 10, 0)

    assert siblings.promote("/v/loved/360/open.mp4", 10, 1)
    assert siblings.promote("/v/loved/720/1.m4s", 10, 0)
    assert not siblings.promote("/v/other/9.m4s", 10, 0)


def test_siblings_speak_for_two_periods() -> None:
    siblings: Siblings[str] = Siblings(video_of, CAPACITY)
    siblings.promote("/v/loved/0", 10, 1)

    for number in range(12):
        siblings.promote(f"/v/{number}/0", 10, 0)
    assert siblings.promote("/v/loved/1", 10, 0)
    for number in range(10):
        siblings.promote(f"/v/{number}/1", 10, 0)
    assert not siblings.promote("/v/loved/2", 10, 0)


def test_nobody_vouches_where_everything_is_a_sibling() -> None:
    siblings: Siblings[str] = Siblings(lambda _: "all", CAPACITY)
    siblings.promote("hit", 1, 1)

    kept = [siblings.promote(f"{number}", 1, 0) for number in range(1_000)]

    assert sum(kept) <= 30


@pytest.mark.parametrize(
    ("key", "video"),
    [
        ("/v/abc/720/1.m4s", "/v/abc"),
        ("/v/abc/master.m3u8", "/v/abc"),
        ("/images/2026/x.jpg", "/images"),
    ],
)
def test_a_videos_objects_share_the_start_of_their_path(key: str, video: str) -> None:
    assert video_of(key) == video
