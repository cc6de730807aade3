"""Where figures go: `bench-results/<name>.json` with machine, commit and date, and a table to read."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench-results"

Figures = Mapping[str, Mapping[str, Any] | float | int | str]
"""A row of named figures by its label, or one figure by its name."""


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_1m": os.getloadavg()[0],
    }


def write(name: str, figures: Figures) -> Path:
    """Keep figures in bench-results/<name>.json and print them beside the last ones; returns the file."""
    former = _former(RESULTS / f"{name}.json")
    path = keep(name, figures)
    Console().print(_table(name, figures, former))
    return path


def keep(name: str, figures: Figures) -> Path:
    """Keep figures in bench-results/<name>.json; returns the file."""
    document = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(ROOT),
        "machine": machine(),
        "figures": figures,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return path


def _table(name: str, figures: Figures, former: Mapping[str, Any]) -> Table:
    rows = {label: row for label, row in figures.items() if isinstance(row, Mapping)}
    plain = {label: value for label, value in figures.items() if not isinstance(value, Mapping)}
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    columns += ["value"] if plain else []
    table = Table(title=name, caption="in brackets: the figure of the last run here" if former else None)
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for label, row in {**rows, **{label: {"value": value} for label, value in plain.items()}}.items():
        last = former.get(label, {})
        last = last if isinstance(last, Mapping) else {"value": last}
        table.add_row(label, *(_cell(row.get(column), last.get(column)) for column in columns))
    return table


def _cell(value: Any, last: Any) -> str:
    return _shown(value) if last is None else f"{_shown(value)} ({_shown(last)})"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _former(path: Path) -> Mapping[str, Any]:
    try:
        figures = json.loads(path.read_text("utf-8"))["figures"]
    except (OSError, ValueError, KeyError):
        return {}
    return figures if isinstance(figures, dict) else {}


def commit(checkout: Path) -> str:
    """What is checked out there; `-dirty` behind it when files differ from it."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
