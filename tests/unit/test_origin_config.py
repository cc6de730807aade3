"""What the origin's settings mean."""

from dataclasses import replace
from pathlib import Path

import pytest

from origin.config import OriginConfig, obstore_url, sqlalchemy_url
from shared.config import load, render
from shared.errors import ConfigError

DULL = OriginConfig(data_dir=Path("/data"))


def test_without_urls_everything_is_in_the_data_folder() -> None:
    assert sqlalchemy_url(DULL) == "sqlite+aiosqlite:////data/origin.sqlite"
    assert obstore_url(DULL) == "file:///data/media"


@pytest.mark.parametrize(
    ("plain", "url"),
    [
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("sqlite:////x.db", "sqlite+aiosqlite:////x.db"),
    ],
)
def test_a_database_url_gets_its_asynchronous_driver(plain: str, url: str) -> None:
    assert sqlalchemy_url(replace(DULL, database_url=plain)) == url


def test_a_rung_that_nobody_makes_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"'480p', which is none of 360p, 540p, 720p, 1080p"):
        load(OriginConfig, prefix="origin", file=None, environ={"HEADSTART_ORIGIN_VIDEO_RUNGS": "360p,480p"})


def test_the_delivered_file_holds_every_key_with_its_default() -> None:
    file = Path(__file__).parents[2] / "configs" / "origin.toml"
    assert file.read_text() == render(OriginConfig())
    assert load(OriginConfig, prefix="origin", file=file, environ={}) == OriginConfig()
