"""Two serving processes beside one: what a second core gives, with one port, disk tier and purge view."""

import os
from dataclasses import fields, replace

from edge.config import EdgeConfig
from tests.bench.edge import peers as servers
from tests.bench.edge.bench import Bench, Group, label_of
from tests.bench.edge.load import Ask

SIZES = (1024, 256 * 1024)
ONE, TWO = "one process", "two"


def workers(bench: Bench) -> dict[str, Group]:
    """A group for each size; one process has one core, two have two."""
    cores = sorted(os.sched_getaffinity(0))
    if "workers" not in {field.name for field in fields(EdgeConfig)}:
        bench.left_out.append("two processes: the edge has no setting `workers`")
        return {}
    if len(cores) < 2:
        bench.left_out.append("two processes: there is one core")
        return {}
    if len(cores) == 2:
        bench.left_out.append(
            "a third core: two processes share theirs with the load generator; a lower bound"
        )
    wide = replace(bench.place, cores=frozenset(cores[:2]))
    with (
        servers.edge(bench.place, bench.origin, servers.EdgeKind("edge-1")) as one,
        servers.edge(wide, bench.origin, servers.EdgeKind("edge-2", n_workers=2)) as two,
    ):
        named = [replace(one, name=ONE), replace(two, name=TWO)]
        asks = {label_of(size): Ask(f"/{size}", size, bench.body(size)) for size in SIZES}
        return {
            f"processes, {label}": bench.beside(f"processes, {label}", named, ask, (ONE,))
            for label, ask in asks.items()
        }
