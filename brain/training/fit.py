"""Fits LightFM: WARP loss, item features, sample weights; progress is reported epoch by epoch.

One thread gives the same model for the same seed; more are faster and not reproducible (Hogwild).
"""

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from brain.config import TrainLimits
from brain.items import FloatArray, Item
from brain.training.dataset import Interaction, by_user, item_features, matrix
from brain.training.evaluate import Quality, evaluate
from brain.training.factors import Factors

with warnings.catch_warnings():
    # An image without OpenMP trains on one thread; LightFM says so at import.
    warnings.filterwarnings("ignore", message="LightFM was compiled without OpenMP support")
    from lightfm import LightFM


def fit(
    interactions: Sequence[Interaction],
    users: Sequence[str],
    items: Sequence[Item],
    limits: TrainLimits,
    tick: Callable[[], None] = lambda: None,
) -> Factors:
    """Factors without a revision; `tick` is called after each epoch. Blocks for the whole training."""
    features, names = item_features(items)
    table = matrix(interactions, len(users), len(items))
    model = LightFM(
        no_components=limits.dim,
        loss="warp",
        learning_rate=limits.learning_rate,
        max_sampled=20,
        random_state=limits.seed,
    )
    ones = table.copy()
    ones.data = np.ones_like(ones.data)
    for _ in range(limits.epochs):
        model.fit_partial(
            ones, item_features=features, sample_weight=table, epochs=1, num_threads=limits.threads
        )
        tick()
    return Factors(
        revision="",
        trained_at_ms=0,
        features=tuple(names),
        feature_vectors=np.asarray(model.item_embeddings, np.float32),
        feature_biases=np.asarray(model.item_biases, np.float32),
        users=tuple(users),
        user_vectors=np.asarray(model.user_embeddings, np.float32),
        n_items=len(items),
    )


def compare(
    factors: Factors, train: Sequence[Interaction], test: Sequence[Interaction], items: Sequence[Item], k: int
) -> dict[str, Quality]:
    """LightFM and popularity on the test's users who were in the training, by recommender."""
    features, _ = item_features(items)
    vectors = np.asarray(features @ factors.feature_vectors, np.float32)
    biases = np.asarray(features @ factors.feature_biases, np.float32)
    popularity: FloatArray = np.zeros(len(items), np.float32)
    for one in train:
        popularity[one.item] += 1
    known = by_user(train)
    wanted = {
        user: new for user, met in by_user(test).items() if user in known and (new := met - known[user])
    }
    known_rows = {user: sorted(rows) for user, rows in known.items()}
    return {
        "lightfm": evaluate(
            lambda user: vectors @ factors.user_vectors[user] + biases, known_rows, wanted, len(items), k
        ),
        "popularity": evaluate(lambda _: popularity, known_rows, wanted, len(items), k),
    }
