"""What calls itself pure is pure, and what is imported comes from this checkout."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("edge", "origin", "brain", "shared")
IMPURE = {
    *("aiohttp", "redis", "nats", "asyncio", "socket", "subprocess", "os", "time", "random"),
    *("threading", "tempfile", "shutil", "obstore", "uvloop"),
}
CATCH_ALLS = {"shared/core_nats.py", "shared/lifecycle.py", "shared/web.py"}
"""The subscriber loop, the task supervisor, the request middleware: nothing else says `except Exception`."""
HANDS_ON = {"edge/cache/lane.py"}
"""A thread that gives each error to whoever gave it the work: nobody else keeps a `BaseException`."""
DECLARES = "shared/config.py"
"""Not pure, as it reads a file; pure modules declare their limits with its `setting`."""


def sources() -> list[Path]:
    return sorted(path for name in SERVICES for path in (ROOT / name).rglob("*.py"))


def is_pure(tree: ast.Module) -> bool:
    """Whether the module's docstring has a sentence that starts with the word."""
    words = (ast.get_docstring(tree) or "").replace("\n", " ").split()
    return any(word.strip(".,:;") == "Pure" for word in words)


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


PARSED = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in sources()}
PURE = {name for name, tree in PARSED.items() if is_pure(tree)}


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_pure_module_imports_nothing_that_acts(name: str) -> None:
    roots = {module.split(".")[0] for module in imported(PARSED[name])}

    assert not roots & IMPURE


@pytest.mark.parametrize("name", sorted(PURE))
def test_a_pure_module_uses_only_pure_modules_of_ours(name: str) -> None:
    for module in imported(PARSED[name]):
        path = module.replace(".", "/") + ".py"
        if path in PARSED:
            assert path in PURE | {DECLARES}, f"{name} imports {module}"


def test_the_wire_is_pure() -> None:
    files = {f"shared/{name}.py" for name in ("ids", "errors", "subjects", "codec", "signing")}
    messages = {name for name in PARSED if name.startswith("shared/messages/")}

    assert files | messages - {"shared/messages/__init__.py"} <= PURE


@pytest.mark.parametrize("name", sorted(PARSED))
def test_every_module_tells_what_it_is(name: str) -> None:
    if not name.endswith("__init__.py"):
        assert ast.get_docstring(PARSED[name])


def catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "Exception")


def test_everything_is_caught_in_three_places_only() -> None:
    found = {
        name
        for name, tree in PARSED.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    }

    assert found <= CATCH_ALLS


def caught_by(handler: ast.ExceptHandler) -> set[str]:
    """Names of the classes, without their modules."""
    if handler.type is None:
        return {"BaseException"}
    return {getattr(part, "id", getattr(part, "attr", "")) for part in ast.walk(handler.type)}


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_whoever_catches_cancellation_only_cleans_up_and_raises_it_again() -> None:
    keeping = {
        name
        for name, tree in PARSED.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and caught_by(node) & {"BaseException", "CancelledError"}
        and not raises_again(node)
    }

    assert keeping == HANDS_ON


def test_init_files_are_empty_and_only_where_packages_are() -> None:
    inits = [path for name in SERVICES for path in (ROOT / name).rglob("__init__.py")]

    assert all(not path.read_text().strip() for path in inits)
    for folder in ("tests", "docker", "configs"):
        assert not list((ROOT / folder).rglob("__init__.py"))


@pytest.mark.parametrize("name", SERVICES)
def test_our_packages_resolve_inside_the_checkout(name: str) -> None:
    package = importlib.import_module(name)

    assert [Path(folder).resolve() for folder in package.__path__] == [ROOT / name]


def test_library_names_are_not_hidden_by_our_folders() -> None:
    assert not (ROOT / "docker" / "__init__.py").exists()
    assert "site-packages" in (importlib.import_module("nats").__file__ or "")
