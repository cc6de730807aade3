"""What is asked of the edge in this bench, and whether a run reached it. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Target:
    """A bound on one figure of the edge."""

    group: str
    figure: str
    bound: float
    is_most: bool = False
    """The figure may be at most the bound; else it must be at least that."""

    def holds(self, value: float) -> bool:
        """Whether the value is on the right side."""
        return value <= self.bound if self.is_most else value >= self.bound


SIZES = ("1 KiB", "64 KiB", "256 KiB", "1 MiB")
_HITS = {
    "÷ nginx tuned": (1.9, 1.25, 1.1, 0.95),
    "÷ varnish": (2.3, 1.7, 1.7, 1.4),
    "÷ C": (0.75, 0.83, 0.88, 0.9),
}
TARGETS: Sequence[Target] = (
    *(Target(s, name, b) for name, row in _HITS.items() for s, b in zip(SIZES, row, strict=True)),
    *(Target(size, "p99 ÷ nginx tuned", 1.1, is_most=True) for size in SIZES),
    Target("TLS 256 KiB", "÷ nginx tuned", 1.5),
    Target("miss 256 KiB", "÷ nginx tuned", 1.3),
    Target("miss 256 KiB", "added ÷ nginx tuned", 1.0, is_most=True),
    Target("range of 256 KiB", "÷ nginx tuned", 0.5),
    Target("304 of 256 KiB", "÷ nginx tuned", 0.5),
    Target("idle", "MB per 10,000", 15.0, is_most=True),
)


def judged(groups: Mapping[str, Mapping[str, Figures]]) -> list[tuple[Target, float]]:
    """Each target whose figure was measured, with the value; nan counts as not measured."""
    found = [
        (target, groups.get(target.group, {}).get("edge", {}).get(target.figure, math.nan))
        for target in TARGETS
    ]
    return [(target, value) for target, value in found if not math.isnan(value)]
