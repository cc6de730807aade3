"""What `headstart up` shows a person."""

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from shared.cli.plan import Address, Layout


def moved(console: Console, what: str, wanted: Address, found: Address) -> None:
    """Say that an address was taken."""
    console.print(f"[yellow]{wanted} is taken; the {what} listens on {found} instead.[/]")


def urls(console: Console, layout: Layout, took_s: float) -> None:
    """The box with everything one may open."""
    table = Table.grid(padding=(0, 2))
    rows = {
        "player": f"{layout.edge.url}/",
        "studio": f"{layout.origin.url}/studio/",
        "metrics": "  ".join(f"{part.url}/metrics" for part in (layout.edge, layout.origin, layout.brain)),
        "admin": f"{layout.admin.url}/admin/sessions",
        "data, logs": f"{layout.data_dir}/logs",
    }
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/]", value)
    title, subtitle = f"Headstart is up: started in {took_s:.1f} s", "Ctrl-C stops everything"
    # No wrapping: a URL that is cut in two cannot be clicked.
    console.print(Panel(table, title=title, subtitle=subtitle, expand=False), soft_wrap=True)


def progress(console: Console) -> Progress:
    """One line for each stage of the demo."""
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
