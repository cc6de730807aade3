"""The Dockerfiles, compose.yaml and its environment file agree with each other and with the house rules."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from brain.config import BrainConfig
from edge.config import EdgeConfig
from origin.config import OriginConfig
from shared.config import load
from tests.dockerfile import parse

ROOT = Path(__file__).parents[2]
SERVICES = ("edge", "origin", "brain")
BUILD_ONLY = {"pyproject.toml", "requirements.lock", "docker/requirements.py"}


def compose() -> dict[str, Any]:
    text = (ROOT / "docker/compose.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_its_own_folder_and_shared_only(service: str) -> None:
    build, final = parse(ROOT / f"docker/{service}.Dockerfile")
    copied = [step.words[:-1] for step in final.of("COPY") if "from" not in step.options]
    assert copied == [["shared"], [service]]
    assert set(build.of("COPY")[0].words[:-1]) == BUILD_ONLY


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_as_nobody_special_and_answers_for_its_health(service: str) -> None:
    final = parse(ROOT / f"docker/{service}.Dockerfile")[-1]
    assert final.of("USER")[-1].argument == "headstart"
    (check,) = final.of("HEALTHCHECK")
    assert f":{final.of('EXPOSE')[0].argument}/healthz" in check.argument
    assert final.of("CMD")[-1].words == ["python", "-m", service]


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_what_the_lock_says_and_nothing_else(service: str) -> None:
    build, final = parse(ROOT / f"docker/{service}.Dockerfile")
    installs = [step.argument for step in build.of("RUN") + final.of("RUN") if "pip install" in step.argument]
    assert installs == [f".venv/bin/pip install --no-cache-dir --require-hashes -r {service}.lock"]
    assert build.base == final.base == "python:3.11-slim"


def test_everything_that_is_copied_exists_and_passes_the_ignore_file() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    for service in SERVICES:
        for stage in parse(ROOT / f"docker/{service}.Dockerfile"):
            for step in stage.of("COPY"):
                sources = [] if "from" in step.options else step.words[:-1]
                assert all(source in allowed and (ROOT / source).exists() for source in sources)


def test_compose_starts_every_part_and_waits_only_for_parts_it_has() -> None:
    services = compose()["services"]
    assert set(services) == {
        "nats",
        "valkey",
        "postgres",
        "s3",
        "bucket",
        "origin",
        "worker",
        "brain",
        "edge",
    }
    waited = {name for service in services.values() for name in service.get("depends_on", {})}
    assert waited <= set(services)
    assert services["worker"]["deploy"]["replicas"] == 2
    assert services["worker"]["command"] == ["python", "-m", "origin", "worker"]


def test_compose_waits_for_health_only_where_health_is_checked() -> None:
    services = compose()["services"]
    images = {name for name in services if "build" in services[name]}
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            is_checked = "healthcheck" in services[name] or name in images
            assert wait["condition"] == "service_completed_successfully" or is_checked


def test_compose_names_volumes_that_it_declares_and_files_that_exist() -> None:
    loaded = compose()
    for service in loaded["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in loaded["volumes"] or (ROOT / "docker" / source).exists()
        if "build" in service:
            assert (ROOT / service["build"]["dockerfile"]).exists()


def test_compose_has_no_secret_of_its_own_and_the_example_names_them_all() -> None:
    text = (ROOT / "docker/compose.yaml").read_text("utf-8")
    used = set(re.findall(r"\$\{(\w+)[^}]*\}", text))
    assert set(re.findall(r"\$\{\w+(?!:\?)\W", text)) == set()
    offered = dict(
        line.split("=") for line in (ROOT / "docker/env.example").read_text().split() if "=" in line
    )
    assert set(offered) == used
    assert set(offered.values()) == {""}


@pytest.mark.parametrize(
    ("name", "prefix", "kind"),
    [
        ("origin", "origin", OriginConfig),
        ("worker", "origin", OriginConfig),
        ("brain", "brain", BrainConfig),
        ("edge", "edge", EdgeConfig),
    ],
)
def test_a_service_understands_every_variable_that_it_is_given(
    name: str, prefix: str, kind: type[Any]
) -> None:
    given = compose()["services"][name]["environment"]
    image = parse(ROOT / f"docker/{prefix}.Dockerfile")[-1]
    baked = dict(word.split("=", 1) for step in image.of("ENV") for word in step.argument.split())
    environ = {k: re.sub(r"\$\{.*?\}", "s" * 32, v) for k, v in (baked | given).items()}
    loaded = load(kind, prefix=prefix, file=None, environ=environ)
    assert loaded.nats_url == given["HEADSTART_NATS_URL"]
    assert (str(loaded.data_dir), loaded.listen.split(":")[0]) == ("/data", "0.0.0.0")


def test_compose_publishes_to_this_machine_only() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
