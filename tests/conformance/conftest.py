"""Fixtures, and the table that `make conformance` prints: one line a section, required and optimal apart."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from rich.console import Console
from rich.table import Table

from tests.conformance.lab import Lab, opened

SECTIONS = pytest.StashKey[dict[str, str]]()


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    """With the standalone proxy's own settings."""
    async with opened() as made:
        yield made


def pytest_addoption(parser: pytest.Parser) -> None:
    """The table is for people; a machine reads pytest's own report."""
    parser.addoption("--section-table", action="store_true", help="print conformance section by section")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember each test's section, which is the first line of its module, and its level."""
    found = config.stash.setdefault(SECTIONS, {})
    for item in items:
        module = item.getparent(pytest.Module)
        if module is not None and "conformance" in module.nodeid:
            title = (module.obj.__doc__ or module.nodeid).partition("\n")[0].rstrip(".")
            level = "optimal" if item.get_closest_marker("optimal") else "required"
            found[item.nodeid] = f"{title}|{level}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    if not config.getoption("--section-table", default=False):
        return
    sections, passed, total = config.stash.get(SECTIONS, {}), Counter[str](), Counter[str]()
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            section = sections.get(report.nodeid)
            if section is not None:
                total[section] += 1
                passed[section] += outcome == "passed"
    Console().print(_table(passed, total))


def _table(passed: Counter[str], total: Counter[str]) -> Table:
    table = Table("section", "required", "optimal", title="HTTP cache conformance", show_footer=True)
    titles = sorted({section.partition("|")[0] for section in total})
    for title in titles:
        table.add_row(title, *(_of(passed, total, f"{title}|{level}") for level in ("required", "optimal")))
    for column, level in zip(table.columns[1:], ("required", "optimal"), strict=True):
        keys = [key for key in total if key.endswith(level)]
        column.footer = f"{sum(passed[key] for key in keys)} of {sum(total[key] for key in keys)}"
    table.columns[0].footer = "all"
    return table


def _of(passed: Counter[str], total: Counter[str], key: str) -> str:
    return f"{passed[key]} of {total[key]}" if total[key] else ""
