"""Who leaves: S3-FIFO and LRU, step by step beside naive twins made of plain lists."""

from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cache.eviction.lru import Lru
from edge.cache.eviction.policy import Eviction
from edge.cache.eviction.s3fifo import S3Fifo

CAPACITY = 100
Step = tuple[str, int, int]


class Twin(Protocol):
    """What a twin must do; O(n) and obvious."""

    def admit(self, key: int, size: int) -> list[int]: ...
    def touch(self, key: int) -> None: ...
    def remove(self, key: int) -> None: ...
    def held(self) -> dict[int, int]: ...


class NaiveLru:
    """A list from the longest unused to the latest used."""

    def __init__(self) -> None:
        self.order: list[tuple[int, int]] = []

    def held(self) -> dict[int, int]:
        return dict(self.order)

    def remove(self, key: int) -> None:
        self.order = [item for item in self.order if item[0] != key]

    def touch(self, key: int) -> None:
        if key in self.held():
            size = self.held()[key]
            self.remove(key)
            self.order.append((key, size))

    def admit(self, key: int, size: int) -> list[int]:
        self.remove(key)
        if size > CAPACITY:
            return [key]
        self.order.append((key, size))
        victims = []
        while sum(self.held().values()) > CAPACITY:
            victims.append(self.order.pop(0)[0])
        return victims


class NaiveS3Fifo:
    """Two queues of [key, size, frequency] and a list of ghosts."""

    def __init__(self) -> None:
        self.small: list[list[int]] = []
        self.main: list[list[int]] = []
        self.ghosts: list[tuple[int, int]] = []

    def held(self) -> dict[int, int]:
        return {key: size for key, size, _ in self.small + self.main}

    def touch(self, key: int) -> None:
        for node in self.small + self.main:
            if node[0] == key:
                node[2] = min(3, node[2] + 1)

    def remove(self, key: int) -> None:
        self.small = [node for node in self.small if node[0] != key]
        self.main = [node for node in self.main if node[0] != key]
        self.ghosts = [ghost for ghost in self.ghosts if ghost[0] != key]

    def admit(self, key: int, size: int) -> list[int]:
        held = [node for node in self.small + self.main if node[0] == key]
        goes_to_main = key in dict(self.ghosts) or any(node[0] == key for node in self.main)
        self.small = [node for node in self.small if node[0] != key]
        self.main = [node for node in self.main if node[0] != key]
        if size > CAPACITY:
            return [key]
        self.ghosts = [ghost for ghost in self.ghosts if ghost[0] != key]
        victims: list[int] = []
        while sum(self.held().values()) + size > CAPACITY:
            self.evict(victims)
        (self.main if goes_to_main else self.small).append([key, size, held[0][2] if held else 0])
        return victims

    def evict(self, victims: list[int]) -> None:
        small_bytes = sum(size for _, size, _ in self.small)
        if self.small and (small_bytes >= CAPACITY // 10 or not self.main):
            key, size, frequency = self.small.pop(0)
            if frequency:
                self.main.append([key, size, 0])
                return
            self.ghosts.append((key, size))
            while sum(size for _, size in self.ghosts) > CAPACITY:
                self.ghosts.pop(0)
        else:
            key, size, frequency = self.main.pop(0)
            if frequency:
                self.main.append([key, size, frequency - 1])
                return
        victims.append(key)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["admit", "admit", "touch", "remove"]), st.integers(0, 12), st.integers(0, 110)
    ),
    max_size=80,
)


@pytest.mark.parametrize(("make", "make_twin"), [(Lru, NaiveLru), (S3Fifo, NaiveS3Fifo)])
@given(steps=STEPS)
@settings(max_examples=150, deadline=None)
def test_every_step_agrees_with_the_naive_twin(
    make: type[Lru[int] | S3Fifo[int]], make_twin: type[NaiveLru | NaiveS3Fifo], steps: list[Step]
) -> None:
    policy: Eviction[int] = make(CAPACITY)
    twin: Twin = make_twin()
    for action, key, size in steps:
        if action == "admit":
            assert policy.admit(key, size) == twin.admit(key, size)
        else:
            getattr(policy, action)(key)
            getattr(twin, action)(key)
        assert set(policy.keys()) == set(twin.held())
        assert len(policy) == len(twin.held())
        assert policy.used_bytes == sum(twin.held().values()) <= CAPACITY


def test_one_scan_does_not_wash_out_what_is_read_often() -> None:
    policy: S3Fifo[str] = S3Fifo(CAPACITY)
    for name in "abcd":
        policy.admit(name, 20)
        policy.touch(name)
        policy.touch(name)

    for number in range(40):
        policy.admit(f"scan-{number}", 10)

    assert all(name in policy for name in "abcd")


def test_the_same_scan_washes_an_lru_out() -> None:
    policy: Lru[str] = Lru(CAPACITY)
    policy.admit("a", 20)
    policy.touch("a")

    for number in range(40):
        policy.admit(f"scan-{number}", 10)

    assert "a" not in policy


def test_a_newcomer_is_never_its_own_victim() -> None:
    policy: S3Fifo[str] = S3Fifo(CAPACITY)
    policy.admit("held", 90)
    policy.touch("held")

    policy.admit("new", 50)

    assert "new" in policy


def test_a_ghost_that_returns_is_trusted() -> None:
    policy: S3Fifo[str] = S3Fifo(CAPACITY)
    policy.admit("back", 30)
    for number in range(4):
        policy.admit(f"other-{number}", 30)
    assert "back" not in policy

    policy.admit("back", 30)
    for number in range(2):
        policy.admit(f"more-{number}", 30)

    assert "back" in policy


def test_an_object_over_the_capacity_is_refused() -> None:
    policy: S3Fifo[str] = S3Fifo(CAPACITY)
    policy.admit("held", 10)

    assert policy.admit("huge", CAPACITY + 1) == ["huge"]
    assert policy.keys() == ["held"]
