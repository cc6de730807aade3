from dataclasses import replace

import numpy as np
import pytest

from brain.config import TrainLimits
from brain.errors import NothingToLearn
from brain.training.dataset import EventLog, Interaction, item_features, matrix, split_by_time
from brain.training.evaluate import evaluate, ndcg_at, recall_at, top_k
from brain.training.fit import compare, fit
from brain.training.run import lesson
from shared.messages.catalog import CatalogKind
from shared.messages.events import EventKind, ViewEvent
from tests.brain_builders import CATEGORIES, catalogue, said, table_of
from tests.builders import NOW_MS, make_catalog_event, make_event

SMALL = TrainLimits(dim=16, epochs=12, threads=1)


def synthetic_log(
    n_viewers: int = 200, n_videos: int = 120, n_swipes: int = 60, seed: int = 3
) -> list[ViewEvent]:
    """Viewers with two tastes each over eight categories, who finish what they like and skip the rest."""
    rng = np.random.default_rng(seed)
    events = []
    for viewer in range(n_viewers):
        tastes = {CATEGORIES[kind] for kind in rng.choice(len(CATEGORIES), 2, replace=False)}
        for swipe, number in enumerate(rng.choice(n_videos, n_swipes, replace=False).tolist()):
            likes = CATEGORIES[number % len(CATEGORIES)] in tastes
            completion = float(rng.uniform(0.8, 1.0) if likes or rng.random() < 0.1 else rng.uniform(0, 0.3))
            events.append(
                said(f"viewer{viewer}", f"v{number}", completion, at_ms=NOW_MS + swipe * 1000 + viewer)
            )
    return events


def test_recall_and_ndcg_are_those_of_the_textbook() -> None:
    assert recall_at([1, 2, 3], {1, 9}, 3) == 0.5
    assert recall_at([1], {1, 2, 3, 4}, 1) == 1.0
    assert ndcg_at([1, 2], {1}, 2) == 1.0
    assert ndcg_at([2, 1], {1}, 2) == pytest.approx(1 / np.log2(3))
    assert ndcg_at([3, 4], {1}, 2) == 0.0


def test_what_was_met_in_the_training_is_not_ranked() -> None:
    assert top_k(np.asarray([9, 8, 7], np.float32), [0], 5).tolist() == [1, 2]


def test_an_oracle_is_perfect_and_covers_what_it_shows() -> None:
    quality = evaluate(lambda user: np.eye(4, dtype=np.float32)[user], {}, {0: {0}, 1: {1}}, 4, 1)

    assert (quality.recall, quality.ndcg, quality.coverage, quality.n_users) == (1.0, 1.0, 0.5, 2)


def test_nobody_to_test_gives_zeros() -> None:
    assert evaluate(lambda _: np.zeros(1, np.float32), {}, {}, 1, 1).n_users == 0


def test_an_event_counts_once_and_an_old_one_not() -> None:
    log = EventLog(100, oldest_ms=NOW_MS)
    event = make_event(completion=1.0)

    log.add([event, event, make_event(id="old", video="v2", at_ms=NOW_MS - 1, completion=1.0)])

    assert [(one.weight, log.videos.names[one.item]) for one in log.interactions()] == [(1.0, "v1")]


def test_a_skip_is_no_interaction_and_a_refusal_undoes_a_finish() -> None:
    log = EventLog(100)
    log.add(
        [
            make_event(id="e1", video="v1", completion=0.1),
            make_event(id="e2", video="v2", completion=1.0),
            make_event(EventKind.NOT_INTERESTED, "v2"),
            make_event(id="e4", video="v3", completion=1.0),
            make_event(EventKind.LIKE, "v3"),
        ]
    )

    assert [(log.videos.names[one.item], one.weight) for one in log.interactions()] == [("v3", 3.0)]


def test_a_log_drops_its_oldest_pairs_above_its_limit() -> None:
    log = EventLog(100)
    log.add([said("u", f"v{number}", at_ms=number) for number in range(101)])

    assert len(log.interactions()) == 90
    assert log.interactions()[0].at_ms == 11


def test_the_test_is_later_than_the_training() -> None:
    interactions = [Interaction(0, number, 1.0, number) for number in range(10)]

    train, test = split_by_time(interactions, 0.2)

    assert len(test) == 2
    assert max(one.at_ms for one in train) < min(one.at_ms for one in test)


def test_matrices_have_weights_and_rows_that_sum_to_one() -> None:
    table, names = item_features(table_of(catalogue(3)).items)

    assert np.allclose(table.sum(axis=1), 1.0)
    assert {"video:v1", "category:space", "creator:creator0", "tag:space1"} <= set(names)
    assert matrix([Interaction(1, 2, 0.5, 0)], 2, 3).toarray()[1, 2] == 0.5


def test_withdrawn_videos_are_not_learnt() -> None:
    table = table_of([*catalogue(3), make_catalog_event("v1", CatalogKind.WITHDRAWN, seq=9)])
    log = EventLog(100)
    log.add([said("u", "v0"), said("u", "v1"), said("u", "v2")])

    what = lesson(log, table)

    assert [what.items[one.item].id for one in what.interactions] == ["v0", "v2"]


def test_lightfm_beats_popularity_on_viewers_with_tastes() -> None:
    log = EventLog(100_000)
    log.add(synthetic_log())
    what = lesson(log, table_of(catalogue(120)))
    split = split_by_time(what.interactions, 0.2)

    quality = compare(
        fit(split.train, what.users, what.items, SMALL), split.train, split.test, what.items, 10
    )

    assert quality["lightfm"].recall > 1.3 * quality["popularity"].recall
    assert quality["lightfm"].ndcg > 1.3 * quality["popularity"].ndcg


def test_the_same_seed_fits_the_same_model() -> None:
    log = EventLog(100_000)
    log.add(synthetic_log(20))
    what = lesson(log, table_of(catalogue(120)))

    one, other = (fit(what.interactions, what.users, what.items, replace(SMALL, epochs=1)) for _ in range(2))

    assert np.array_equal(one.user_vectors, other.user_vectors)


def test_too_little_to_learn_from_names_the_limit() -> None:
    error = NothingToLearn("few", limit=50, actual=1)

    assert error.facts == {"limit": 50, "actual": 1}
