"""`make bench-eviction`: miss ratios of all policies over generated traces, or over a trace of yours.

make bench-eviction                                     the generated traces
make bench-eviction TRACE=web.csv                       a trace in the public CSV form instead
make bench-eviction TRACE=io.csv COLUMNS=id=5,size=4    with its columns told
"""

import argparse
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tests.bench import report
from tests.bench.eviction import csvtrace, plot, traces
from tests.bench.eviction.simulate import OURS, SHARES, Result, compare, first_share

N_REQUESTS = 100_000
MAX_CSV_REQUESTS = 5_000_000
SEED = 2026
"""The traces that the policy was tuned on have other seeds (tests/bench/eviction/README.md)."""

Results = dict[str, dict[float, dict[str, Result]]]


CHURN = {
    "churn": traces.ShortVideo(),
    "churn, calm": traces.ShortVideo(births_per_view=0.02, half_life_views=30_000.0),
    "churn, rapid": traces.ShortVideo(births_per_view=0.1, half_life_views=4_000.0),
}


def generated(n_requests: int, seed: int) -> dict[str, traces.Trace]:
    """The traces of the bench by name."""
    churn = {name: traces.short_video(n_requests, seed, shape) for name, shape in CHURN.items()}
    return churn | {
        "zipf": traces.zipf(n_requests, seed),
        "scan": traces.scan(n_requests, seed),
        "loop": traces.loop(n_requests, seed),
        "recency": traces.recency(n_requests, seed),
        "shift": traces.shift(n_requests, seed),
    }


class Told(NamedTuple):
    """What the generator knows of the objects of a trace, by name of the trace."""

    popularity: Mapping[str, Mapping[int, float]]
    paths: Mapping[str, Mapping[int, str]]


def measure(all_traces: Mapping[str, traces.Trace], told: Told) -> Results:
    """Every policy over every trace at every cache size."""
    results: Results = {}
    for name, trace in all_traces.items():
        results[name] = {}
        for share in SHARES:
            print(f"{name}, {share:.0%} of {len(trace):,} requests' footprint …", file=sys.stderr)
            results[name][share] = compare(trace, share, told.popularity.get(name), told.paths.get(name))
    return results


def tell(results: Results, first: Mapping[str, float]) -> None:
    """Write tables and plot into bench-results/."""
    by_bytes, by_objects, speed = {}, {}, {}
    for name, sizes in results.items():
        for share, row in sizes.items():
            label = f"{name} {share:.0%}"
            ours, lru, s3fifo = (row[which].byte_miss for which in (OURS, "LRU", "S3-FIFO"))
            by_bytes[label] = {policy: round(result.byte_miss, 4) for policy, result in row.items()} | {
                "first requests": round(first[name], 4),
                "ours to LRU": f"{ours / lru - 1:+.1%}",
                "ours to better": f"{ours / min(lru, s3fifo) - 1:+.2%}",
            }
            by_objects[label] = {policy: round(result.object_miss, 4) for policy, result in row.items()}
            speed[label] = {policy: int(result.decisions_s) for policy, result in row.items()}
    report.write("eviction-byte-miss", by_bytes)
    report.write("eviction-object-miss", by_objects)
    report.write("eviction-decisions-s", speed)
    curves = {
        name: {
            policy: [(share, sizes[share][policy].byte_miss) for share in sizes]
            for policy in next(iter(sizes.values()))
        }
        for name, sizes in results.items()
    }
    picture = report.RESULTS / "eviction.svg"
    picture.write_text(
        plot.svg("Byte miss ratio by cache size (share of all objects' bytes)", curves), "utf-8"
    )
    print(f"plot: {picture}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-eviction", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("trace", nargs="?", type=Path, help="a trace in the public CSV form")
    parser.add_argument("--columns", default="", help="id=2,size=3 where the header does not tell; from 1")
    parser.add_argument("--requests", type=int, default=N_REQUESTS, help="length of a generated trace")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    told = Told({}, {})
    if asked.trace is not None:
        try:
            columns = csvtrace.columns_of(asked.columns) if asked.columns else None
            rows = list(islice(csvtrace.read(asked.trace, columns), MAX_CSV_REQUESTS))
        except (csvtrace.TraceError, OSError) as exc:
            sys.exit(str(exc))
        all_traces = {asked.trace.name: rows}
    else:
        all_traces = generated(asked.requests, asked.seed)
        told = Told(
            {name: traces.popularity(asked.requests, asked.seed, shape) for name, shape in CHURN.items()},
            {name: traces.paths(asked.requests, asked.seed, shape) for name, shape in CHURN.items()},
        )
    tell(measure(all_traces, told), {name: first_share(trace) for name, trace in all_traces.items()})


if __name__ == "__main__":
    main()
