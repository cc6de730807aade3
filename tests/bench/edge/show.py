"""The bench's figures as tables to read, and what was asked beside what was reached."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.edge.rounds import FORMER, LEAST, MOST
from tests.bench.edge.targets import Target

Group = Mapping[str, Mapping[str, float]]
NAME_CHARS, FIGURE_CHARS = 20, 7
"""Of the table, at the least: a terminal that is narrower wraps its lines, but no figure is cut."""


def show(
    groups: Mapping[str, Group], judged: Sequence[tuple[Target, float]], left_out: Sequence[str]
) -> None:
    """Print all of it."""
    console = Console()
    for label, group in groups.items():
        table = _table(label, group)
        n_chars = NAME_CHARS + len(table.columns) * (FIGURE_CHARS + len("│  "))
        console.print(table, width=max(console.width, n_chars), crop=False)
    for target, value in judged:
        sign, verdict = ("≥", "≤")[target.is_most], ("MISSED", "reached")[target.holds(value)]
        row = groups[target.group]["edge"]
        console.print(
            f"{verdict}: {target.group}, {target.figure}: {value:.2f}{_spread(row, target.figure)}, "
            f"asked {sign} {target.bound:g}",
            soft_wrap=True,
        )
    for label, group in groups.items():
        for name, row in group.items():
            if found := _beside_former(row):
                console.print(f"÷ former: {label}, {name}: {found}", soft_wrap=True)
    for sentence in left_out:
        console.print(f"left out: {sentence}", markup=False)


def _beside_former(row: Mapping[str, float]) -> str:
    """`req/s 1.02 (0.99 to 1.04), …`; empty for a row without a counterpart in a former build."""
    figures = {"req/s": f"÷ {FORMER}", "p99": f"p99 ÷ {FORMER}", "cpu us/req": f"cpu ÷ {FORMER}"}
    found = {name: figure for name, figure in figures.items() if figure in row}
    return ", ".join(f"{name} {row[figure]:.3f}{_spread(row, figure)}" for name, figure in found.items())


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
        table.add_column(column, justify="right", min_width=FIGURE_CHARS)
    for name, row in group.items():
        table.add_row(name, *(_shown(row.get(column)) for column in columns))
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
