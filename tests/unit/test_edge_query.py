"""Which query parameters make another object of a URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.query import ALL, QueryPolicy

NAMES = st.sampled_from(["a", "b", "utm_source", "c"])


@pytest.mark.parametrize(
    ("kept", "ignored", "target", "expected"),
    [
        ({ALL}, set(), "/a?b=1&c", "/a?b=1&c"),
        ({ALL}, set(), "/a?", "/a?"),
        (set(), set(), "/a?b=1&c", "/a"),
        (set(), set(), "/a?", "/a"),
        (set(), set(), "/a", "/a"),
        ({"b"}, set(), "/a?x=1&b=2&b=3&B=4", "/a?b=2&b=3"),
        ({ALL}, {"utm_source"}, "/a?utm_source=x&b=2", "/a?b=2"),
        ({ALL}, {"utm_source"}, "/a?utm_source=x", "/a"),
        ({"b"}, {"b"}, "/a?b=1", "/a"),
        ({"b"}, set(), "/a?b=1?x=2", "/a?b=1?x=2"),
    ],
)
def test_a_target_keeps_what_belongs_to_it(
    kept: set[str], ignored: set[str], target: str, expected: str
) -> None:
    assert QueryPolicy(frozenset(kept), frozenset(ignored)).applied(target) == expected


@given(st.lists(st.tuples(NAMES, st.integers(0, 9))), st.sets(NAMES), st.sets(NAMES))
def test_dropping_is_the_same_twice_and_leaves_only_what_is_kept(
    pairs: list[tuple[str, int]], kept: set[str], ignored: set[str]
) -> None:
    policy = QueryPolicy(frozenset(kept), frozenset(ignored))
    told = "&".join(f"{name}={value}" for name, value in pairs)
    target = f"/a?{told}" if told else "/a"

    applied = policy.applied(target)

    assert policy.applied(applied) == applied
    wanted = [f"{name}={value}" for name, value in pairs if name in kept - ignored]
    assert applied == ("/a?" + "&".join(wanted) if wanted else "/a")
