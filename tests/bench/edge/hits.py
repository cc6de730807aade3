"""Hot hits by body size, plain and by TLS: every peer in turn, in one run."""

from collections.abc import Sequence

from tests.bench.edge.bench import Bench, Group, label_of
from tests.bench.edge.load import Ask
from tests.bench.edge.peers import EdgeKind
from tests.bench.edge.process import Peer

BESIDE = ("nginx tuned", "varnish", "C")
TLS_BYTES = 256 * 1024
TLS_EDGE = EdgeKind("TLS", is_tls=True)


def hits(bench: Bench, peers: Sequence[Peer]) -> dict[str, Group]:
    """A group for each size."""
    groups = {}
    for size in bench.sizes:
        ask = Ask(f"/{size}", size, bench.body(size))
        label = label_of(size)
        groups[label] = bench.beside(label, peers, ask, BESIDE)
    return groups


def tls_hits(bench: Bench, peers: Sequence[Peer]) -> dict[str, Group]:
    """TLS 1.3 with one cipher for all, among the peers that have such a listener."""
    if not bench.place.programs.has_tls or bench.place.certificate is None:
        bench.left_out.append(
            "TLS: no OpenSSL to build with or no certificate (apt-get install libssl-dev openssl)"
        )
        return {}
    ask = Ask(f"/{TLS_BYTES}", TLS_BYTES, bench.body(TLS_BYTES), is_tls=True)
    label = f"TLS {label_of(TLS_BYTES)}"
    with bench.edges(TLS_EDGE) as edges:
        with_tls = [*edges, *(peer for peer in peers if peer.tls_port)]
        return {label: bench.beside(label, with_tls, ask, ("nginx tuned",))}
