"""configs/*.toml are what `--print-config` prints: every key, commented, at its default."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.config import EdgeConfig
from shared import config

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("service", ["edge", "origin", "brain"])
def test_the_commented_configuration_file_is_what_the_service_prints(service: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}

    printed = subprocess.run(
        [sys.executable, "-m", service, "--print-config"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert printed.stdout == (ROOT / "configs" / f"{service}.toml").read_text()


@pytest.mark.parametrize("file", sorted((ROOT / "configs" / "regions").glob("*.toml")), ids=lambda f: f.stem)
def test_a_regions_configuration_is_one_that_the_edge_takes(file: Path) -> None:
    settings = config.load(EdgeConfig, prefix="edge", file=file, environ={})

    assert settings.peers.checked().own_url == settings.public_url
