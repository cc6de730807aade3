"""Features of the candidates, and the four probabilities that they give.

Pure. The weights are priors set by hand, to be replaced by a logistic fit once logged propensities are there:
taste (vector and counters) leads, the window corrects it within a session, freshness and trend break ties.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from brain.features.schema import Column
from brain.items import FloatArray, IntArray
from brain.retrieval.retriever import Query

HEADS = ("finish", "like", "share", "skip")

_PRIORS: dict[str, tuple[float, dict[Column, float]]] = {
    "finish": (
        -0.4,
        {
            Column.AFFINITY: 0.7,
            Column.INTEREST: 0.9,
            Column.WATCH_RATE: 1.0,
            Column.CREATOR: 0.5,
            Column.FOLLOWED: 0.4,
            Column.FRESH: 0.2,
            Column.TREND_NOW: 0.35,
            Column.TREND_LASTING: 0.35,
            Column.LONG: -0.25,
        },
    ),
    "like": (
        -2.5,
        {
            Column.AFFINITY: 0.6,
            Column.INTEREST: 0.6,
            Column.WATCH_RATE: 0.7,
            Column.CREATOR: 0.9,
            Column.FOLLOWED: 0.9,
            Column.FRESH: 0.1,
            Column.TREND_NOW: 0.4,
            Column.TREND_LASTING: 0.5,
        },
    ),
    "share": (
        -3.8,
        {
            Column.AFFINITY: 0.4,
            Column.INTEREST: 0.4,
            Column.WATCH_RATE: 0.4,
            Column.CREATOR: 0.5,
            Column.TREND_NOW: 0.9,
            Column.TREND_LASTING: 0.5,
        },
    ),
    "skip": (
        -0.9,
        {
            Column.AFFINITY: -0.6,
            Column.INTEREST: -0.9,
            Column.WATCH_RATE: -1.2,
            Column.CREATOR: -0.7,
            Column.FOLLOWED: -0.4,
            Column.TREND_LASTING: -0.2,
            Column.LONG: 0.1,
        },
    ),
}


def _matrix() -> tuple[FloatArray, FloatArray]:
    weights = np.zeros((len(Column), len(HEADS)), np.float32)
    biases = np.zeros(len(HEADS), np.float32)
    for head, (bias, by_column) in enumerate(_PRIORS[name] for name in HEADS):
        biases[head] = bias
        for column, weight in by_column.items():
            weights[column, head] = weight
    return weights, biases


WEIGHTS, BIASES = _matrix()


@dataclass(frozen=True)
class Tastes:
    """A viewer's tastes by name, each -1 to 1; what is not there is 0."""

    interest: Mapping[str, float]
    """By category, from the counter."""
    watch_rate: Mapping[str, float]
    """By category, in the window."""
    creator: Mapping[str, float]
    """By creator, in the window."""


def features(query: Query, rows: IntArray, tastes: Tastes) -> FloatArray:
    """`(len(rows), len(Column)) float32`"""
    table = query.table
    matrix = np.zeros((len(rows), len(Column)), np.float32)
    if len(rows) == 0:
        return matrix
    category, creator = table.column("category")[rows], table.column("creator")[rows]
    matrix[:, Column.AFFINITY] = standardised(query.space.scores(query.user, rows))
    matrix[:, Column.INTEREST] = by_code(tastes.interest, table.categories.code_of)[category]
    matrix[:, Column.WATCH_RATE] = by_code(tastes.watch_rate, table.categories.code_of)[category]
    matrix[:, Column.CREATOR] = by_code(tastes.creator, table.creators.code_of)[creator]
    followed = dict.fromkeys(query.followed, 1.0)
    matrix[:, Column.FOLLOWED] = by_code(followed, table.creators.code_of)[creator]
    matrix[:, Column.FRESH] = query.freshness[rows]
    videos = [table.items[row].id for row in rows.tolist()]
    matrix[:, Column.TREND_NOW] = [query.trends.now.get(video, 0.0) for video in videos]
    matrix[:, Column.TREND_LASTING] = [query.trends.lasting.get(video, 0.0) for video in videos]
    seconds = np.maximum(table.column("duration_s")[rows], 1.0)
    matrix[:, Column.LONG] = np.clip(np.log2(seconds / 15.0), -2.0, 2.0)
    return matrix


def probabilities(matrix: FloatArray) -> FloatArray:
    """`(n, len(Column))` features -> `(n, len(HEADS))` probabilities."""
    logits = np.clip(matrix @ WEIGHTS + BIASES, -30.0, 30.0)
    return np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float32)


def standardised(values: FloatArray) -> FloatArray:
    """Zero mean, unit spread, within ±3; zeros when all are the same."""
    spread = float(values.std())
    if spread < 1e-9:
        return np.zeros_like(values)
    return np.asarray(np.clip((values - values.mean()) / spread, -3.0, 3.0), np.float32)


def by_code(tastes: Mapping[str, float], code_of: Mapping[str, int]) -> FloatArray:
    """`(len(code_of),)`: the tastes at their codes, 0 elsewhere."""
    values = np.zeros(max(1, len(code_of)), np.float32)
    for name, taste in tastes.items():
        code = code_of.get(name)
        if code is not None:
            values[code] = taste
    return values
