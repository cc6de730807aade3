"""Retrieval -> ranking -> re-ranking: one viewer's queue, within a time budget.

Pure but for the clock and the generator that it is given. Nothing is awaited: what a queue needs is in memory
or in the profile. Past the budget the remaining sources are skipped and MMR gives way to order by value; a
queue still comes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from brain.config import FeatureLimits, PipelineLimits, RerankLimits, RetrievalLimits
from brain.features import interest
from brain.features.store import Profile
from brain.items import BoolArray, FloatArray, ItemTable
from brain.ranking.objective import value
from brain.ranking.scorer import Tastes, features, probabilities
from brain.rerank import diversity, rules
from brain.rerank.explore import Explorer
from brain.retrieval.following import FollowingRetriever
from brain.retrieval.fresh import FreshRetriever
from brain.retrieval.merge import Offer, Pool, merge
from brain.retrieval.popular import PopularRetriever
from brain.retrieval.retriever import Query, RegionTrends, Retriever
from brain.retrieval.tags import TagRetriever
from brain.retrieval.vectors import VectorRetriever
from brain.space import VectorSpace, best
from brain.training.foldin import fold_in
from shared.messages.queues import Candidate, Source

MAX_LIKED_TAGS = 200
_PRECEDENCE = (Source.FOLLOWING, Source.TAGS, Source.VECTORS, Source.TRENDING, Source.FRESH)
"""Which source a video counts for when several bring it: the one that says most about the viewer."""


@dataclass(frozen=True)
class World:
    """What all viewers have in common at one moment."""

    table: ItemTable
    space: VectorSpace
    trends: RegionTrends = field(default_factory=RegionTrends)


@dataclass(frozen=True)
class Built:
    """A queue, the vector it was made for, and where the time went."""

    items: list[Candidate]
    user: FloatArray
    took_ms: dict[str, float]
    n_candidates: int
    is_cut_short: bool


class _Stopwatch:
    """Milliseconds by stage."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = self._last = monotonic()
        self.took_ms: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = self._monotonic()
        self.took_ms[stage] = (now - self._last) * 1000
        self._last = now

    def total_ms(self) -> float:
        return (self._monotonic() - self._began) * 1000


@dataclass(frozen=True)
class PipelineConfig:
    """The limits of the four stages."""

    features: FeatureLimits = field(default_factory=FeatureLimits)
    retrieval: RetrievalLimits = field(default_factory=RetrievalLimits)
    rerank: RerankLimits = field(default_factory=RerankLimits)
    pipeline: PipelineLimits = field(default_factory=PipelineLimits)


class Pipeline:
    """Builds queues. Keeps nothing between two of them but its generator."""

    def __init__(
        self, config: PipelineConfig, rng: np.random.Generator, monotonic: Callable[[], float]
    ) -> None:
        self._config, self._rng, self._monotonic = config, rng, monotonic
        limits = config.retrieval
        self._sources: list[tuple[Retriever, int]] = [
            (FollowingRetriever(), limits.following),
            (PopularRetriever(), limits.trending),
            (FreshRetriever(limits.fresh_impressions), limits.fresh),
            (TagRetriever(), limits.tags),
            (VectorRetriever(), limits.vectors),
        ]

    def build(self, world: World, profile: Profile, n: int, now_ms: int) -> Built:
        """At most n candidates for the viewer, best first; empty only when the catalogue is."""
        watch = _Stopwatch(self._monotonic)
        n = min(n, self._config.rerank.queue_items)
        rows = min(len(world.table), len(world.space))
        user = user_vector(world, profile)
        shown = rules.may_show(world.table, rows, {*profile.seen, *profile.blocked})
        query, tastes = self._question(world, profile, shown, user, now_ms)
        watch.lap("user")
        pool = self._retrieve(query, watch)
        watch.lap("retrieve")
        values = value(probabilities(features(query, pool.rows, tastes)))
        watch.lap("rank")
        is_late = watch.total_ms() > self._config.pipeline.budget_ms
        items = self._arranged(query, pool, values, n, is_late)
        if len(items) < n:
            items += self._again(query, profile, tastes, n - len(items))
        watch.lap("rerank")
        return Built(items, user, watch.took_ms, len(pool.rows), is_late)

    def _question(
        self, world: World, profile: Profile, shown: BoolArray, user: FloatArray, now_ms: int
    ) -> tuple[Query, Tastes]:
        limits, now_s = self._config.features, now_ms / 1000
        recent = interest.window(profile.history, now_ms, limits.window_s)
        tastes = Tastes(
            interest={name: interest.squash(count) for name, count in profile.counters.items()},
            watch_rate=interest.category_rates(recent),
            creator=interest.creator_rates(recent),
        )
        likes = {
            name: tastes.interest.get(name, 0.0) + tastes.watch_rate.get(name, 0.0)
            for name in {*tastes.interest, *tastes.watch_rate}
        }
        age_s = np.maximum(0.0, now_s - world.table.column("created_s")[: len(shown)])
        query = Query(
            table=world.table,
            space=world.space,
            user=user,
            may_show=shown,
            now_s=now_s,
            freshness=np.exp2(-age_s / limits.fresh_half_life_s).astype(np.float32),
            trends=world.trends,
            likes=likes,
            tags=liked_tags(world.table, profile),
            followed=profile.follows,
        )
        return query, tastes

    def _retrieve(self, query: Query, watch: _Stopwatch) -> Pool:
        offers: list[Offer] = []
        limit = self._config.retrieval.pool
        for retriever, quota in self._sources:
            if offers and watch.total_ms() > self._config.pipeline.budget_ms:
                break
            offers.append(Offer(retriever.source, retriever.retrieve(query, 2 * quota), quota))
        offers.sort(key=lambda offer: _PRECEDENCE.index(offer.source))
        pool = merge(offers, limit)
        return pool if len(pool.rows) >= limit else _filled_up(pool, query, limit)

    def _arranged(
        self, query: Query, pool: Pool, values: FloatArray, n: int, is_late: bool
    ) -> list[Candidate]:
        limits = self._config.rerank
        table = query.table
        candidates = diversity.Field(
            values=values,
            vectors=query.space.vectors(pool.rows),
            creators=table.column("creator")[pool.rows],
            categories=table.column("category")[pool.rows],
        )
        explorer = Explorer(limits.explore_every, limits.explore_pool, self._rng)
        return [
            Candidate(
                video_id=table.items[int(pool.rows[one.row])].id,
                score=round(float(values[one.row]), 5),
                source=Source.EXPLORE if one.is_explored else pool.sources[one.row],
                propensity=one.propensity,
            )
            for one in diversity.arrange(candidates, n, limits, explorer, is_diverse=not is_late)
        ]

    def _again(self, query: Query, profile: Profile, tastes: Tastes, n: int) -> list[Candidate]:
        """Seen videos, the one seen longest ago first, below every unseen one."""
        rows = rules.again(query.table, len(query.may_show), profile.seen, profile.blocked)[:n]
        values = value(probabilities(features(query, np.asarray(rows, np.int64), tastes)))
        ids = [query.table.items[row].id for row in rows]
        scores = np.minimum.accumulate(values) - 5.0 if rows else values
        return [
            Candidate(video, round(float(score), 5), Source.TRENDING)
            for video, score in zip(ids, scores, strict=True)
        ]


def user_vector(world: World, profile: Profile) -> FloatArray:
    """`(dim,)`: the model's vector of a known user, moved by what came since; else folded in."""
    model = world.space.model
    known = model.user(profile.user_id)
    since_ms = model.trained_at_ms if known is not None else 0
    base = known if known is not None else model.default_user()
    rows, weights = [], []
    for signal in profile.history:
        row = world.table.row_of.get(signal.video_id)
        said = interest.weight(signal)
        if signal.at_ms > since_ms and said != 0.0 and row is not None and row < len(world.space):
            rows.append(row)
            weights.append(said)
    vectors = world.space.vectors(np.asarray(rows, np.int64)) - world.space.mean
    return fold_in(base, model.user_norm, vectors, weights)


def liked_tags(table: ItemTable, profile: Profile) -> dict[str, float]:
    """Hashtags of what the history speaks for, with shrunk mean weights above 0."""
    pairs = []
    for signal in profile.history:
        row = table.row_of.get(signal.video_id)
        if row is not None:
            said = interest.weight(signal)
            pairs += [(tag, said) for tag in table.items[row].hashtags]
    return {tag: taste for tag, taste in interest.rates(pairs[-MAX_LIKED_TAGS:]).items() if taste > 0}


def _filled_up(pool: Pool, query: Query, limit: int) -> Pool:
    """The pool and, as the sources know too little to fill it, the newest of what else may be shown."""
    is_free = query.may_show.copy()
    is_free[pool.rows] = False
    rows = np.flatnonzero(is_free)
    order, _ = best(rows, query.freshness[rows], limit - len(pool.rows))
    sources = pool.sources + [Source.FRESH] * len(order)
    return Pool(np.concatenate([pool.rows, order]), sources)
