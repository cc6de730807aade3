"""Which node of a region owns an object: rendezvous hashing with bounded load.

Pure. Every node ranks the nodes of the region alike for a key (Thaler and Ravishankar, "A name-based mapping
scheme for rendezvous", 1996), so that a region fetches an object once; when a node joins or leaves, only its
own objects move. A node above its share of the requests under way is passed over (Mirrokni, Thorup and
Zadimoghaddam, "Consistent hashing with bounded loads", 2016), so that one hot object cannot drown its owner.
"""

import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b


def ranked(key: str, nodes: Iterable[str]) -> list[str]:
    """The nodes in the order in which they own key; the same on every node. Cost O(nodes log nodes)."""
    name = key.encode("utf-8", "surrogateescape")
    return sorted(nodes, key=lambda node: (_weight(name, node), node), reverse=True)


def _weight(key: bytes, node: str) -> bytes:
    return blake2b(key, digest_size=8, key=blake2b(node.encode(), digest_size=32).digest()).digest()


def capacity(n_under_way: int, n_nodes: int, load_factor: float, least: int) -> int:
    """How many requests a node may have under way before it is passed over: its share, and some more."""
    return max(least, math.ceil(load_factor * (n_under_way + 1) / n_nodes))


def owner(key: str, loads: Mapping[str, int], load_factor: float, least: int) -> str:
    """The first node in the key's order with room; the very first when none has. `loads` is not empty."""
    order = ranked(key, loads)
    room = capacity(sum(loads.values()), len(loads), load_factor, least)
    return next((node for node in order if loads[node] < room), order[0])
