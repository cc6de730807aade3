"""The bench's figures as tables to read, and what was asked beside what was reached."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.edge.rounds import LEAST, MOST
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
        row = groups[target.group]["edge"]
        console.print(
            f"{verdict}: {target.group}, {target.figure}: {value:.2f}{_spread(row, target.figure)}, "
            f"asked {sign} {target.bound:g}"
        )
    for sentence in left_out:
        console.print(f"left out: {sentence}", markup=False)


def _spread(row: Mapping[str, float], figure: str) -> str:
    """How far the rounds were apart."""
    least, most = row.get(figure + LEAST), row.get(figure + MOST)
    return "" if least is None or most is None else f" ({least:.2f} to {most:.2f})"


def _table(label: str, group: Group) -> Table:
    named = dict.fromkeys(column for row in group.values() for column in row)
    columns = [column for column in named if not column.endswith((LEAST, MOST))]
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
