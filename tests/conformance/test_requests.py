"""RFC 9111 section 5.2.1: what a request demands of the cache.

A client may want it younger, fresher, older, from the origin only, or from the cache only.
"""

from dataclasses import replace

import pytest

from tests.conformance.lab import Lab, opened
from tests.conformance.wire import told
from tests.origins import PLAIN

TAG = ("ETag", '"abc"')


async def is_answered(lab: Lab, asked: str, control: str = "max-age=600", after_s: float = 0) -> bool:
    """Whether a request with this Cache-Control is answered without the origin, after so much time."""
    path = lab.tell(told(control))
    await lab.ask(path)
    lab.clock.advance(after_s)
    await lab.ask(path, ("Cache-Control", asked))
    return lab.n_seen(path) == 1


@pytest.mark.parametrize(
    ("asked", "after_s"),
    [("no-cache", 0), ("No-Cache", 0), ("max-age=0", 1), ("max-age=3", 5), ("min-fresh=10", 595)],
)
async def test_the_origin_is_asked_when_the_request_wants_that(lab: Lab, asked: str, after_s: float) -> None:
    assert not await is_answered(lab, asked, after_s=after_s)


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("asked", "after_s"),
    [
        ("max-age=10", 5),
        ("min-fresh=10", 5),
        ("max-stale=10", 605),
        ("max-stale", 9999),
        ("only-if-cached", 5),
        ("nothing-to-see-here", 5),
        ('foo="no-cache"', 5),
    ],
)
async def test_the_cache_answers_when_the_request_allows_that(lab: Lab, asked: str, after_s: float) -> None:
    assert await is_answered(lab, asked, after_s=after_s)


async def test_max_stale_has_an_end(lab: Lab) -> None:
    assert not await is_answered(lab, "max-stale=10", after_s=611)


@pytest.mark.parametrize(
    "control", ["max-age=2, must-revalidate", "max-age=2, proxy-revalidate", "s-maxage=2"]
)
async def test_max_stale_does_not_override_what_the_answer_forbids(lab: Lab, control: str) -> None:
    assert not await is_answered(lab, "max-stale=100", control, after_s=3)


@pytest.mark.parametrize("after_s", [None, 601])
async def test_only_if_cached_without_a_usable_answer_is_504(lab: Lab, after_s: float | None) -> None:
    path = lab.tell(told("max-age=600"))
    if after_s is not None:
        await lab.ask(path)
        lab.clock.advance(after_s)

    answer = await lab.ask(path, ("Cache-Control", "only-if-cached"))

    assert answer.status == 504
    assert lab.n_seen(path) == (0 if after_s is None else 1)


async def test_pragma_counts_only_when_there_is_no_cache_control(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path)
    await lab.ask(path, ("Pragma", "no-cache"), ("Cache-Control", "max-age=600"))
    assert lab.n_seen(path) == 1
    await lab.ask(path, ("Pragma", "no-cache"))
    assert lab.n_seen(path) == 2


async def test_a_reload_replaces_what_is_stored_for_everybody(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", body=b"old"), told("max-age=600", body=b"new"))
    await lab.ask(path)
    await lab.ask(path, ("Cache-Control", "no-cache"))

    assert (await lab.ask(path)).body == b"new"


@pytest.mark.optimal
async def test_an_immutable_answer_is_not_validated_for_max_age_zero(lab: Lab) -> None:
    assert await is_answered(lab, "max-age=0", "max-age=600, immutable", after_s=5)


async def test_an_immutable_answer_is_validated_for_no_cache_and_once_stale(lab: Lab) -> None:
    assert not await is_answered(lab, "no-cache", "max-age=600, immutable", after_s=5)
    assert not await is_answered(lab, "max-age=600", "max-age=2, immutable", after_s=5)


async def test_an_operator_may_overlook_reloads_but_not_only_if_cached_answers() -> None:
    async with opened(replace(PLAIN, obeys_reload=False)) as lab:
        assert await is_answered(lab, "no-cache")
