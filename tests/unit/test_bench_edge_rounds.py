"""The arithmetic of the edge's bench: order of the rounds, ratios within a round, what counts as reached."""

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.edge.bench import Bench
from tests.bench.edge.build import Programs
from tests.bench.edge.load import Ask, Loader, figures
from tests.bench.edge.peers import Place
from tests.bench.edge.plot import svg
from tests.bench.edge.process import Peer
from tests.bench.edge.rounds import LEAST, MOST, compared, interleaved, ratios
from tests.bench.edge.targets import TARGETS, Target, judged


def test_every_round_measures_each_peer_once_and_every_other_round_backwards() -> None:
    order: list[str] = []

    def measure(peer: str) -> dict[str, float]:
        order.append(peer)
        return {"req/s": float(ord(peer))}

    rounds = interleaved(["A", "B", "C"], 3, measure)

    assert order == ["A", "B", "C", "C", "B", "A", "A", "B", "C"]
    assert [[one["req/s"] for one in row] for row in rounds] == [[65.0, 66.0, 67.0]] * 3


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9), st.floats(0.1, 10))
def test_a_disturbance_that_hits_a_whole_round_leaves_the_ratio_alone(slow: list[float], true: float) -> None:
    rounds = [[{"req/s": 1000 * true * by}, {"req/s": 1000 * by}] for by in slow]

    assert all(math.isclose(one, true, rel_tol=1e-9) for one in ratios(rounds, "req/s", 0, 1))


def test_hits_are_measured_in_turns_of_a_quarter_of_a_round() -> None:
    turns: list[tuple[str, float]] = []

    class Told(Loader):
        def check(self, peer: Peer, ask: Ask) -> None:
            turns.append((peer.name, 0.0))

        def measure(self, peer: Peer, ask: Ask, n_requests: int = 0) -> dict[str, float]:
            turns.append((peer.name, self.seconds))
            return {"req/s": 2.0 if peer.name == "edge" else 1.0, "p99 us": 1.0, "cpu us/req": 1.0}

    here, peers = Path(), [Peer("edge", 1, 1), Peer("C", 2, 2)]
    place = Place(here, Programs(here, here, has_tls=False), frozenset(), ())
    bench = Bench(place, peers[1], Told(here, 0, seconds=1.0), 2, (1024,), say=lambda _: None)

    rows = bench.beside("1 KiB", peers, Ask("/1024", 1024), ("C",))

    assert turns == [("edge", 0.0), ("C", 0.0)] + 4 * [(name, 0.25) for name in ("edge", "C", "C", "edge")]
    assert rows["edge"]["÷ C"] == 2.0


def test_a_ratio_is_the_median_of_those_within_the_rounds_and_tells_their_spread() -> None:
    rounds = [
        [{"req/s": ours}, {"req/s": theirs}] for ours, theirs in ((10.0, 10.0), (30.0, 10.0), (8.0, 4.0))
    ]

    row = compared(["edge", "C"], rounds, ("C",))["edge"]

    assert row["req/s"] / 10.0 == 1.0
    assert (row["÷ C"], row["÷ C" + LEAST], row["÷ C" + MOST]) == (2.0, 1.0, 3.0)


def test_a_row_is_compared_with_those_that_are_there_only() -> None:
    rounds = [
        [
            {"req/s": 30.0, "p99 us": 8.0, "cpu us/req": 5.0},
            {"req/s": 10.0, "p99 us": 4.0, "cpu us/req": 10.0},
        ]
    ]

    rows = compared(["edge", "nginx tuned"], rounds, ("nginx tuned", "varnish"))

    assert rows["edge"]["÷ nginx tuned"] == 3.0
    assert rows["edge"]["p99 ÷ nginx tuned"] == 2.0
    assert rows["edge"]["cpu ÷ nginx tuned"] == 0.5
    assert "÷ varnish" not in rows["edge"]


def test_a_row_of_the_edge_is_compared_with_the_same_of_the_former_build() -> None:
    names = ("edge", "former", "edge, and disk", "former, and disk", "nginx")
    figures = ((30.0, 8.0, 5.0), (20.0, 4.0, 10.0), (12.0, 9.0, 8.0), (10.0, 9.0, 8.0), (5.0, 1.0, 1.0))
    rounds = [[{"req/s": rate, "p99 us": p99, "cpu us/req": cpu} for rate, p99, cpu in figures]]

    rows = compared(names, rounds, ("nginx tuned",))

    assert [rows["edge"][f"{of}÷ former"] for of in ("", "p99 ", "cpu ")] == [1.5, 2.0, 0.5]
    assert rows["edge, and disk"]["÷ former"] == 1.2
    assert all("÷ former" not in rows[name] for name in ("former", "former, and disk", "nginx"))


def test_processor_time_is_that_of_all_requests_with_those_of_the_warm_up() -> None:
    told = {"requests": 900, "seconds": 1.0, "bytes": 0, "all_requests": 1000, "all_bytes": 1_000_000}
    told |= {"p50_us": 1, "p99_us": 2, "p999_us": 3, "load_cpu_s": 0.25}

    row = figures(told, cpu_s=0.01, took_s=1.25)

    assert row["req/s"] == 900
    assert math.isclose(row["cpu us/req"], 10.0)
    assert math.isclose(row["cpu s/GB"], 10.0)
    assert math.isclose(row["load busy %"], 20.0)


def test_only_what_was_measured_is_judged() -> None:
    groups = {"1 KiB": {"edge": {"÷ nginx tuned": 2.0, "p99 ÷ nginx tuned": 1.2, "÷ C": math.nan}}}

    found = {target.figure: target.holds(value) for target, value in judged(groups)}

    assert found == {"÷ nginx tuned": True, "p99 ÷ nginx tuned": False}


def test_every_target_names_one_figure_of_one_group() -> None:
    assert len({(target.group, target.figure) for target in TARGETS}) == len(TARGETS)
    assert Target("a", "b", 1.0).holds(1.0) and Target("a", "b", 1.0, is_most=True).holds(1.0)


def test_the_picture_is_well_formed_and_has_a_bar_for_every_figure() -> None:
    groups: dict[str, dict[str, dict[str, float]]] = {
        "1 <KiB>": {"edge": {"÷ nginx tuned": 2.0}, "nginx tuned": {"÷ nginx tuned": 1.0}},
        "idle": {"edge": {}},
    }

    texts = [
        node.text for node in ElementTree.fromstring(svg(groups, ("edge", "varnish", "nginx tuned"))).iter()
    ]

    assert "1 <KiB>" in texts and "idle" not in texts
    assert {"2.00", "1.00"} <= set(texts)
