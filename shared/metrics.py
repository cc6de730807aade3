"""The metric registry of this process, exposed at /metrics in Prometheus' text format.

A name starts with its service and ends with its unit or `_total`; labels are enums, never ids;
help is obligatory.
"""

from collections.abc import Callable, Iterator, Sequence
from weakref import WeakMethod

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_folds: list[WeakMethod[Callable[[], None]]] = []


class _Registry(CollectorRegistry):
    """Has everybody who counts apart fold that in before it is read."""

    def collect(self) -> Iterator[Metric]:
        for fold in [held() for held in _folds]:
            if fold is not None:
                fold()
        yield from super().collect()


REGISTRY = _Registry()
ProcessCollector(registry=REGISTRY)

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def counter(name: str, help: str, labels: Sequence[str] = ()) -> Counter:  # noqa: A002
    """A number that only grows; name it `…_total`."""
    return Counter(name, _checked(help, name), labels, registry=REGISTRY)


def gauge(name: str, help: str, labels: Sequence[str] = ()) -> Gauge:  # noqa: A002
    """A number that goes up and down."""
    return Gauge(name, _checked(help, name), labels, registry=REGISTRY)


def histogram(
    name: str,
    help: str,  # noqa: A002
    labels: Sequence[str] = (),
    buckets: Sequence[float] = LATENCY_BUCKETS_S,
) -> Histogram:
    """A distribution; by default of seconds."""
    return Histogram(name, _checked(help, name), labels, buckets=buckets, registry=REGISTRY)


def before_scrape(fold: Callable[[], None]) -> None:
    """Have a bound method called before the metrics are read, as long as its object lives."""
    _folds[:] = [held for held in _folds if held() is not None]
    _folds.append(WeakMethod(fold))


class Tally:
    """A counter of what happens thousands of times a second: a plain number, told before the metrics are
    read. Make it once, with the counter."""

    __slots__ = ("__weakref__", "_counter", "n")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.n = 0
        """Since it was told last; whoever counts adds to it."""
        before_scrape(self.tell)

    def tell(self) -> None:
        """Add to the counter."""
        n, self.n = self.n, 0
        if n:
            self._counter.inc(n)


def _checked(text: str, name: str) -> str:
    if not text.strip():
        raise ValueError(f"the metric {name} has no help text")
    return text


def render() -> tuple[bytes, str]:
    """What /metrics answers: body and content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
