"""Keys, columns, metrics and settings are documented, and the sample configuration is what the code says."""

from pathlib import Path

import pytest
from redis.crc import key_slot

from brain import metrics as brain_metrics
from brain.config import BrainConfig
from brain.features import schema
from shared import config, metrics

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "brain" / "README.md").read_text("utf-8")


def test_the_counters_key_is_the_specifications() -> None:
    assert schema.stats_key("u1", "space") == "stats:u1:space"
    assert schema.stats_marker("u1", "space", "e1") == "dedupe:{stats:u1:space}:e1"


@pytest.mark.parametrize(
    "keys",
    [
        (schema.stats_key("u", "c"), schema.stats_marker("u", "c", "e")),
        tuple(schema.user_key("u", part) for part in ("history", "seen", "follows", "blocked", "categories")),
        (
            *(schema.trend_key("r", part) for part in ("now", "lasting", "shown")),
            schema.trend_marker("r", "e"),
        ),
        (schema.watch_key("c"), schema.watch_key("c", "v"), schema.watch_marker("c", "e")),
    ],
)
def test_what_one_script_touches_is_in_one_cluster_slot(keys: tuple[str, ...]) -> None:
    assert len({key_slot(key.encode()) for key in keys}) == 1


def test_markers_outlive_any_redelivery() -> None:
    assert schema.DEDUPE_TTL_S > 7 * 86_400


@pytest.mark.parametrize("spec", schema.KEYS, ids=lambda spec: spec.pattern)
def test_every_key_is_in_the_readme(spec: schema.KeySpec) -> None:
    assert f"`{spec.pattern}`" in README


@pytest.mark.parametrize("column", schema.Column)
def test_every_ranking_feature_is_in_the_readme(column: schema.Column) -> None:
    assert f"`{column.name.lower()}`" in README


def test_every_metric_is_in_the_readme() -> None:
    names = {family.name for family in metrics.REGISTRY.collect() if family.name.startswith("brain_")}

    assert brain_metrics.EVENTS
    assert [name for name in sorted(names) if name not in README] == []


def test_the_sample_configuration_is_the_codes() -> None:
    assert (ROOT / "configs" / "brain.toml").read_text("utf-8") == config.render(BrainConfig())


def test_the_environment_sets_a_nested_key() -> None:
    loaded = config.load(
        BrainConfig, prefix="brain", file=None, environ={"HEADSTART_BRAIN_RERANK_EXPLORE_EVERY": "5"}
    )

    assert loaded.rerank.explore_every == 5
