"""`make bench-swipe-sim`: the planner beside other rules on simulated sessions, a table and a plot.

make bench-swipe-sim                        generated links and videos, and the data folder's if it is there
make bench-swipe-sim ARGS="--users 50"      so many viewers a trace (the default: 10)
make bench-swipe-sim ARGS="--seed 7"        other viewers, other generated videos and links
make bench-swipe-sim ARGS="--kinds link: viewers: videos:"   harder ones, which the planner was not made for
make bench-swipe-sim ARGS="--rules planner floor"            fewer rules
make bench-swipe-sim ARGS="--links FOLDER --watch FILE"      your own links and viewers
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge.prefetch.planner import PlanRules
from tests.bench import report
from tests.bench.swipe import plot
from tests.bench.swipe.figures import Figures, figures
from tests.bench.swipe.pdas import Pdas
from tests.bench.swipe.planned import Planned
from tests.bench.swipe.policies import FirstSecond, Floor, NoPrefetch, Vendor
from tests.bench.swipe.session import Outcome, Policy, run
from tests.bench.swipe.told import Told
from tests.bench.swipe.worlds import Made, picked, worlds

DATA = Path(os.environ.get("HEADSTART_DATA", report.ROOT.parent / "shared" / "data"))
SEED = 2026
"""The constants of the planner were chosen on other viewers and other starts (README.md)."""
POLICIES: dict[str, Callable[[], Policy]] = {
    "no prefetch": NoPrefetch,
    "first second of 3": FirstSecond,
    "vendor's rule": Vendor,
    "PDAS, as described": Pdas,
    "planner": lambda: Planned(PlanRules(n_steps=1)),
    "planner, over the wire": lambda: Told(PlanRules()),
    "knows watch times": lambda: Planned(PlanRules(n_steps=1), knows_watch=True),
    "floor of waits": Floor,
}


def measure(
    all_worlds: Mapping[str, Made], names: Sequence[str] = tuple(POLICIES)
) -> dict[str, dict[str, list[Outcome]]]:
    """Every policy of these names over every session."""
    results: dict[str, dict[str, list[Outcome]]] = {}
    for world, made in all_worlds.items():
        results[world], setups = {}, made()
        for name in names:
            print(f"{world}, {len(setups)} sessions, {name} …", file=sys.stderr)
            results[world][name] = [run(setup, POLICIES[name]()) for setup in setups]
    return results


def together(results: dict[str, dict[str, list[Outcome]]]) -> dict[str, dict[str, Figures]]:
    """Figures by world and policy; the challenge's high, medium and low also as one."""
    rows = {
        world: {name: figures(outcomes) for name, outcomes in by.items()} for world, by in results.items()
    }
    parts = [
        results[f"challenge {kind}"] for kind in ("high", "medium", "low") if f"challenge {kind}" in results
    ]
    if parts:
        joined = {name: figures([one for part in parts for one in part[name]]) for name in parts[0]}
        rows = {"challenge high, medium, low": joined} | rows
    return rows


def table(rows: dict[str, dict[str, Figures]]) -> str:
    """The figures as Markdown."""
    lines = [
        "| link | rule | score | no wait % | start p50 / p95 / p99 ms | stall % | waste % | Mbit/s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for world, by in rows.items():
        for name, row in by.items():
            starts = f"{row.start_p50_ms:g} / {row.start_p95_ms:g} / {row.start_p99_ms:g}"
            lines.append(
                f"| {world} | {name} | {row.score} | {row.no_wait_pct} | {starts} | {row.stall_pct} "
                f"| {row.waste_pct} | {row.mbit_s} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure, write bench-results/swipe-sim.json and .png, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--traces", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--links", type=Path, help="a folder of your own traces: lines of seconds, Mbit/s")
    parser.add_argument("--watch", type=Path, help="your own watch times: a viewer a line, seconds")
    parser.add_argument("--kinds", nargs="+", default=[], help="parts of their names")
    parser.add_argument("--rules", nargs="+", default=[""], help="parts of their names")
    asked = parser.parse_args()
    known = worlds(asked)
    shown, rules = picked(list(known), asked.kinds), picked(list(POLICIES), asked.rules)
    if not shown or not rules:
        parser.error(f"no such kinds or rules; there are: {', '.join([*known, *POLICIES])}")
    rows = together(measure({name: known[name] for name in shown}, rules))
    report.keep("swipe-sim", {w: {name: row._asdict() for name, row in by.items()} for w, by in rows.items()})
    print(table(rows))
    plot.draw(rows, report.RESULTS / "swipe-sim.png")


if __name__ == "__main__":
    main()
