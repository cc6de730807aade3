from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.items import IntArray
from brain.retrieval.following import FollowingRetriever
from brain.retrieval.fresh import FreshRetriever, newest
from brain.retrieval.merge import Offer, merge
from brain.retrieval.popular import PopularRetriever
from brain.retrieval.retriever import Candidates, Query, RegionTrends, Retriever
from brain.retrieval.tags import TagRetriever
from brain.retrieval.vectors import VectorRetriever
from shared.messages.queues import Source
from tests.brain_builders import world_of

ALL: list[Retriever] = [
    VectorRetriever(),
    PopularRetriever(),
    FreshRetriever(50),
    FollowingRetriever(),
    TagRetriever(),
]


def query_of(n: int = 80, **fields: object) -> Query:
    world = world_of(n)
    query = Query(
        table=world.table,
        space=world.space,
        user=world.space.vectors(np.asarray([1]))[0],
        may_show=np.ones(n, np.bool_),
        now_s=0.0,
        freshness=np.linspace(1.0, 0.1, n).astype(np.float32),
        trends=RegionTrends(now={"v7": 1.0, "v9": 0.5}, lasting={"v9": 0.9, "gone": 1.0}),
        likes={"space": 1.0},
        tags={"cats0": 1.0},
        followed=frozenset({"creator2"}),
    )
    return replace(query, **fields)  # type: ignore[arg-type]


def ids(query: Query, found: Candidates) -> list[str]:
    return [query.table.items[row].id for row in found.rows.tolist()]


@pytest.mark.parametrize("retriever", ALL, ids=lambda one: str(one.source))
def test_every_source_keeps_to_k_and_to_what_may_be_shown(retriever: Retriever) -> None:
    query = query_of()
    query.may_show[::2] = False

    found = retriever.retrieve(query, 5)

    assert 0 < len(found.rows) <= 5
    assert query.may_show[found.rows].all()
    assert len(set(found.rows.tolist())) == len(found.rows)
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("retriever", ALL, ids=lambda one: str(one.source))
def test_every_source_copes_with_an_empty_catalogue(retriever: Retriever) -> None:
    world = world_of(0)
    query = Query(
        world.table,
        world.space,
        np.ones(64, np.float32),
        np.zeros(0, np.bool_),
        0.0,
        np.zeros(0, np.float32),
        likes={"space": 1.0},
        followed=frozenset({"creator2"}),
    )

    assert len(retriever.retrieve(query, 5).rows) == 0


def test_vectors_say_nothing_of_an_unknown_viewer() -> None:
    assert len(VectorRetriever().retrieve(query_of(user=np.zeros(64, np.float32)), 5).rows) == 0


def test_vectors_bring_only_what_is_nearer_than_an_average_item() -> None:
    query = query_of()

    found = VectorRetriever().retrieve(query, 80)

    assert 0 < len(found.rows) < 80
    assert found.scores.min() > query.space.scores(query.user, np.arange(80)).mean()


def test_popular_takes_the_higher_share_and_leaves_out_what_is_gone() -> None:
    query = query_of()

    assert ids(query, PopularRetriever().retrieve(query, 5)) == ["v7", "v9"]


def test_fresh_leaves_out_what_used_up_its_budget() -> None:
    query = query_of(trends=RegionTrends(shown={"v0": 50, "v1": 49}))

    assert ids(query, FreshRetriever(50).retrieve(query, 2)) == ["v1", "v2"]


def test_the_newest_are_those_that_live() -> None:
    created_s = np.asarray([5.0, 9.0, 7.0, 8.0])

    assert set(newest(created_s, np.asarray([True, False, True, True]), 2)) == {2, 3}


def test_following_brings_only_followed_creators() -> None:
    query = query_of()

    found = FollowingRetriever().retrieve(query, 100)

    assert {query.table.items[row].creator for row in found.rows.tolist()} == {"creator2"}


def test_tags_bring_liked_categories_and_hashtags_and_nothing_else() -> None:
    query = query_of()

    found = TagRetriever().retrieve(query, 100)

    items = [query.table.items[row] for row in found.rows.tolist()]
    assert {item.category for item in items} == {"space", "cats"}
    assert all(item.category == "space" or "cats0" in item.hashtags for item in items)


def test_a_disliked_category_is_not_brought() -> None:
    query = query_of(likes={"space": -1.0}, tags={})

    assert len(TagRetriever().retrieve(query, 100).rows) == 0


def offer(source: Source, rows: list[int], quota: int) -> Offer:
    return Offer(source, Candidates(np.asarray(rows, np.int64), np.zeros(len(rows), np.float32)), quota)


def test_a_video_of_two_sources_counts_for_the_first() -> None:
    pool = merge([offer(Source.FOLLOWING, [1, 2], 2), offer(Source.VECTORS, [2, 3, 4], 2)], 10)

    assert pool.rows.tolist() == [1, 2, 3, 4]
    assert pool.sources == [Source.FOLLOWING, Source.FOLLOWING, Source.VECTORS, Source.VECTORS]


def test_what_a_source_leaves_goes_to_the_others() -> None:
    pool = merge([offer(Source.FOLLOWING, [], 5), offer(Source.VECTORS, [1, 2, 3, 4], 2)], 4)

    assert pool.rows.tolist() == [1, 2, 3, 4]


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 20), unique=True), st.integers(0, 8)), max_size=4),
    st.integers(0, 12),
)
def test_a_pool_has_each_video_once_and_keeps_to_its_limit(
    sources: list[tuple[list[int], int]], limit: int
) -> None:
    pool = merge([offer(Source.TAGS, rows, quota) for rows, quota in sources], limit)

    rows: IntArray = pool.rows
    assert len(rows) == len(set(rows.tolist())) == len(pool.sources) <= limit
    assert set(rows.tolist()) <= {row for some, _ in sources for row in some}
