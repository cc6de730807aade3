"""Metrics, subjects, streams, messages and shared limits are documented."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import shared
import shared.messages
from shared import metrics, subjects
from shared.messages.kinds import ALL
from shared.messages.message import Message

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "shared" / "README.md").read_text("utf-8")
OWNERS = ("edge_", "origin_", "brain_", "shared_", "process_")


def wire_and_plumbing() -> Iterator[ModuleType]:
    """The modules of shared that services import."""
    for package in (shared, shared.messages):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if not info.ispkg:
                yield importlib.import_module(info.name)


def registered() -> dict[str, str]:
    """Names and help of the metrics of every service that can be imported here."""
    for service in ("edge", "origin", "brain", "shared"):
        try:
            importlib.import_module(f"{service}.metrics")
        except ModuleNotFoundError as exc:
            assert exc.name == f"{service}.metrics"  # a service without metrics of its own, not a broken one
    for _ in wire_and_plumbing():
        pass
    return {family.name: family.documentation for family in metrics.REGISTRY.collect()}


def test_every_metric_has_help_and_starts_with_its_service() -> None:
    for name, text in registered().items():
        assert name.startswith(OWNERS), name
        assert len(text.split()) >= 1 and text != name, name


def test_every_message_is_among_those_that_a_reader_knows() -> None:
    modules = {module.__name__ for module in wire_and_plumbing()}

    assert {kind for kind in Message.__subclasses__() if kind.__module__ in modules} == set(ALL)


@pytest.mark.parametrize("kind", ALL)
def test_every_message_is_in_the_readme_and_says_who_sends_it(kind: type[Message]) -> None:
    assert f"`{kind.__name__}`" in README
    assert kind.__doc__ and re.search("→|Answer", kind.__doc__)


def test_every_subject_and_stream_is_in_the_readme() -> None:
    constants = {value for name, value in vars(subjects).items() if name.isupper() and isinstance(value, str)}
    built = {
        build("x").replace("x", "*", 1) if build is not subjects.heartbeat else build("x")
        for build in (subjects.events, subjects.catalog, subjects.queue, subjects.trends, subjects.heartbeat)
    }
    for subject in constants | built:
        assert "`" + re.split(r"[*>x]$", subject)[0] in README, subject
    for stream in subjects.STREAMS:
        assert f"`{stream.name}`" in README


def test_every_public_part_of_shared_has_a_docstring() -> None:
    for module in wire_and_plumbing():
        for name, part in vars(module).items():
            is_ours = getattr(part, "__module__", "") == module.__name__ and not name.startswith("_")
            if is_ours and (inspect.isclass(part) or inspect.isfunction(part)):
                assert part.__doc__, f"{module.__name__}.{name}"


def test_every_module_of_shared_is_in_the_readme() -> None:
    for info in pkgutil.iter_modules(shared.__path__):
        assert f"`{info.name}" in README, info.name


def test_the_readme_of_the_tests_names_every_folder_and_no_file_that_is_gone() -> None:
    tests = ROOT / "tests"
    files = {path.name for path in tests.glob("*.py")}
    folders = {f"{path.parent.name}/" for path in tests.glob("*/*.py")}
    rows = set(re.findall(r"^\| `([^`]+)` \|", (tests / "README.md").read_text("utf-8"), flags=re.MULTILINE))

    assert folders <= rows <= files | folders
