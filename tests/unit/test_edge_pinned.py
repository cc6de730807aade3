"""Pins: what sessions are about to need stays, within a share; beside naive twins."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cache.eviction.adaptive import Adaptive
from edge.cache.eviction.lru import Lru
from edge.cache.eviction.pinned import Pinned
from edge.cache.eviction.policy import Eviction
from edge.cache.eviction.s3fifo import S3Fifo
from edge.cache.memory import MemoryTier, weight_bytes
from edge.prefetch.pins import Pins
from tests.edge_cache_builders import FakeClock, make_entry

CAPACITY, SHARE = 100, 0.5
KEYS = st.integers(0, 9)


class NaivePinnedLru:
    """Two lists: queued (key, size), the longest unused first; pinned (key, size, distance, was used)."""

    def __init__(self) -> None:
        self.queue: list[tuple[int, int]] = []
        self.pinned: list[tuple[int, int, int, bool]] = []
        self.wanted: dict[int, int] = {}
        self.room = CAPACITY

    def held(self) -> dict[int, int]:
        return dict(self.queue) | {key: size for key, size, _, _ in self.pinned}

    def n_pinned_bytes(self) -> int:
        return sum(size for _, size, _, _ in self.pinned)

    def pull(self, key: int) -> bool:
        was_pinned = any(pin[0] == key for pin in self.pinned)
        self.queue = [item for item in self.queue if item[0] != key]
        self.pinned = [pin for pin in self.pinned if pin[0] != key]
        return was_pinned

    def release(self, key: int) -> None:
        size = self.held()[key]
        self.pull(key)
        self.queue.append((key, size))

    def make_room(self, size: int, distance: int) -> bool:
        if size > self.room * SHARE:
            return False
        while self.n_pinned_bytes() + size > self.room * SHARE:
            farthest = max(pin[2] for pin in self.pinned)
            if farthest < distance:
                return False
            self.release(next(pin[0] for pin in self.pinned if pin[2] == farthest))
        return True

    def shrink(self) -> list[int]:
        victims = []
        while sum(self.held().values()) > self.room:
            victims.append(self.queue.pop(0)[0])
        return victims

    def admit(self, key: int, size: int) -> list[int]:
        pins = [pin for pin in self.pinned if pin[0] == key]
        self.pinned = [pin for pin in self.pinned if pin[0] != key]
        if key in self.wanted and size <= self.room and self.make_room(size, self.wanted[key]):
            self.pull(key)
            self.pinned.append((key, size, self.wanted[key], bool(pins)))
            return self.shrink()
        self.pull(key)
        if size > self.room - self.n_pinned_bytes():
            return [key]
        self.queue.append((key, size))
        return self.shrink()

    def touch(self, key: int) -> None:
        if key in dict(self.queue):
            self.release(key)

    def pin(self, key: int, distance: int) -> None:
        self.wanted[key] = distance
        for place, (held, size, _, was_used) in enumerate(self.pinned):
            if held == key:
                del self.pinned[place]
                self.pinned.append((key, size, distance, was_used))
                return
        if key in dict(self.queue) and self.make_room(self.held()[key], distance):
            size = self.held()[key]
            self.pull(key)
            self.pinned.append((key, size, distance, True))

    def unpin(self, key: int) -> None:
        self.wanted.pop(key, None)
        if any(pin[0] == key for pin in self.pinned):
            self.release(key)

    def remove(self, key: int) -> None:
        self.pull(key)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "admit", "pin", "pin", "unpin", "touch", "remove"]),
        KEYS,
        st.integers(1, 70),
        st.integers(0, 4),
    ),
    max_size=80,
)


@given(steps=STEPS)
@settings(max_examples=300, deadline=None)
def test_every_step_agrees_with_the_naive_twin(steps: list[tuple[str, int, int, int]]) -> None:
    policy: Pinned[int] = Pinned(Lru(CAPACITY), CAPACITY, SHARE)
    twin = NaivePinnedLru()
    for action, key, size, distance in steps:
        if action == "admit":
            assert policy.admit(key, size) == twin.admit(key, size)
        elif action == "pin":
            policy.pin(key, distance)
            twin.pin(key, distance)
        else:
            getattr(policy, action)(key)
            getattr(twin, action)(key)
        assert sorted(policy.keys()) == sorted(twin.held())
        assert {pin[0] for pin in twin.pinned} == {key for key in range(10) if policy.is_pinned(key)}
        assert policy.used_bytes == sum(twin.held().values()) <= CAPACITY
        assert policy.pinned_bytes == twin.n_pinned_bytes() <= CAPACITY * SHARE
        assert policy.n_wanted == len(twin.wanted)


@pytest.mark.parametrize("make", [Lru, S3Fifo, Adaptive])
@given(steps=STEPS, sizes=st.lists(st.integers(1, 120), min_size=10, max_size=10))
@settings(max_examples=100, deadline=None)
def test_over_every_policy_the_bytes_are_right_and_what_is_pinned_stays(
    make: Callable[[int], Eviction[int]], steps: list[tuple[str, int, int, int]], sizes: list[int]
) -> None:
    policy: Pinned[int] = Pinned(make(CAPACITY), CAPACITY, SHARE)
    held: dict[int, int] = {}
    for action, key, capacity, distance in steps:
        pinned = {one for one in held if policy.is_pinned(one)}
        victims: list[int] = []
        if action == "admit":
            held[key] = sizes[key]
            victims = policy.admit(key, sizes[key])
            assert policy.is_wanted(key) or pinned.isdisjoint({*victims} - {key})
        elif action == "pin":
            policy.pin(key, distance)
        elif action == "touch":
            victims = policy.resize(capacity)
        else:
            getattr(policy, action)(key)
            if action == "remove":
                held.pop(key, None)
        for victim in victims:
            del held[victim]
        assert sorted(policy.keys()) == sorted(held)
        assert policy.used_bytes == sum(held.values())
        assert {one: policy.size_bytes(one) for one in held} == held


def test_a_flood_does_not_wash_out_what_a_session_needs_next() -> None:
    tier = MemoryTier(20 * weight_bytes(make_entry("/v/flood-000/open.mp4", bytes(1000))), FakeClock())
    entry = make_entry("/v/next/open.mp4", bytes(1000))
    tier.insert(entry)
    tier.pin(entry.key, 1)

    for number in range(500):
        tier.insert(make_entry(f"/v/flood-{number}/open.mp4", bytes(1000)))
    assert entry.key in tier

    tier.unpin(entry.key)
    for number in range(500):
        tier.insert(make_entry(f"/v/more-{number}/open.mp4", bytes(1000)))
    assert entry.key not in tier
    assert tier.used_bytes <= tier.limit_bytes


def test_an_object_is_pinned_when_it_comes_after_the_plan() -> None:
    tier = MemoryTier(20 * weight_bytes(make_entry("/v/flood-000/open.mp4", bytes(1000))), FakeClock())
    entry = make_entry("/v/next/open.mp4", bytes(1000))
    tier.pin(entry.key, 1)

    tier.insert(entry)
    for number in range(500):
        tier.insert(make_entry(f"/v/flood-{number}/open.mp4", bytes(1000)))

    assert entry.key in tier


PLANS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cy"]),
        st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40), max_size=4),
    ),
    max_size=30,
)


@given(plans=PLANS)
@settings(max_examples=200, deadline=None)
def test_a_key_is_pinned_while_a_plan_names_it_and_as_near_as_the_nearest(
    plans: list[tuple[str, dict[str, int]]],
) -> None:
    pinned: dict[str, int] = {}
    latest: dict[str, dict[str, int]] = {}
    pins = Pins(pinned.__setitem__, pinned.__delitem__)
    for session, plan in plans:
        latest[session] = plan
        pins.replace(session, plan)
        expected: dict[str, int] = {}
        for one in latest.values():
            for key, distance in one.items():
                expected[key] = min(expected.get(key, 31), distance, 31)
        assert pinned == expected
        assert {key: pins.distance(key) for key in pinned} == expected
    for session in latest:
        pins.replace(session, {})
    assert not pinned
    assert len(pins) == 0
