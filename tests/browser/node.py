"""The npm packages of package-lock.json: checkers, the bundler, the players of others."""

import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
needs_npm = pytest.mark.skipif(
    not (MODULES / ".package-lock.json").exists() or shutil.which("npm") is None,
    reason="tests with npm packages left out: run `make npm` (needs node and npm)",
)
