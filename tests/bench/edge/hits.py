"""Hot hits by body size, plain and by TLS: every peer in turn, in one run."""

from collections.abc import Sequence

from tests.bench.edge.bench import Bench, Group, label_of
from tests.bench.edge.load import Ask
from tests.bench.edge.process import Peer

BESIDE = ("nginx tuned", "varnish", "C")
TLS_BYTES = 256 * 1024


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
    with_tls = [peer for peer in peers if peer.tls_port]
    if not bench.place.programs.has_tls:
        bench.left_out.append(
            "TLS: the load generator was built without OpenSSL (apt-get install libssl-dev)"
        )
        return {}
    if "edge" not in [peer.name for peer in with_tls]:
        bench.left_out.append("TLS: the edge has no setting for a certificate")
        return {}
    ask = Ask(f"/{TLS_BYTES}", TLS_BYTES, bench.body(TLS_BYTES), is_tls=True)
    label = f"TLS {label_of(TLS_BYTES)}"
    return {label: bench.beside(label, with_tls, ask, ("nginx tuned",))}
