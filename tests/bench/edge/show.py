"""The bench's figures as tables to read, and what was asked beside what was reached."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.edge.targets import Target

Group = Mapping[str, Mapping[str, float]]
WIDTH = 126
"""Of the table, where the output is no terminal."""


def show(
    groups: Mapping[str, Group], judged: Sequence[tuple[Target, float]], left_out: Sequence[str]
) -> None:
    """Print all of it."""
    console = Console()
    console.width = max(console.width, WIDTH)
    for label, group in groups.items():
        console.print(_table(label, group))
    for target, value in judged:
        sign, verdict = ("≥", "≤")[target.is_most], ("MISSED", "reached")[target.holds(value)]
        console.print(
            f"{verdict}: {target.group}, {target.figure}: {value:.2f}, asked {sign} {target.bound:g}"
        )
    for sentence in left_out:
        console.print(f"left out: {sentence}", markup=False)


def _table(label: str, group: Group) -> Table:
    columns = list(dict.fromkeys(column for row in group.values() for column in row))
    table = Table(title=label, title_justify="left")
    table.add_column("", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in group.items():
        table.add_row(name, *(_shown(row.get(column)) for column in columns))
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
