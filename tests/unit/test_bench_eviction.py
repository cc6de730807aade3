"""The eviction bench's own parts: reference policies on traces worked out by hand, the reader of traces."""

import gzip
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from edge.cache.eviction.lru import Lru
from tests.bench.eviction import csvtrace, plot, traces
from tests.bench.eviction.arc import Arc
from tests.bench.eviction.belady import Belady, BeladySize, next_uses
from tests.bench.eviction.insight import Insight
from tests.bench.eviction.lfu import Lfu
from tests.bench.eviction.sieve import Sieve
from tests.bench.eviction.simulate import Policy, compare, simulate

ROOM_FOR_THREE = 3
A, B, C, D, E = range(5)


def hits(policy: Policy[int], keys: list[int], size: int = 1) -> str:
    """`x` for a hit and `.` for a miss, a sign a request."""
    signs = []
    for key in keys:
        signs.append("x" if key in policy else ".")
        policy.touch(key) if key in policy else policy.admit(key, size)
        assert policy.used_bytes <= ROOM_FOR_THREE
    return "".join(signs)


def test_lru_by_hand() -> None:
    assert hits(Lru(3), [A, B, C, A, D, B, A]) == "...x..x"


def test_lfu_keeps_what_was_used_most() -> None:
    assert hits(Lfu(3), [A, A, B, B, C, D, A, B, C]) == ".x.x..xx."


def test_lfu_evicts_the_longest_unused_of_equals() -> None:
    assert hits(Lfu(3), [A, B, C, D, B, C, A]) == "....xx."


def test_sieve_passes_over_what_was_visited_and_its_hand_stays() -> None:
    # For D the hand clears A's bit, B leaves, and the hand rests at C, which leaves for E.
    assert hits(Sieve(3), [A, B, C, A, D, E, A, D]) == "...x..xx"


def test_sieve_goes_round_when_all_were_visited() -> None:
    assert hits(Sieve(3), [A, B, C, A, B, C, D, B, C, A]) == "...xxx.xx."


def test_arc_protects_what_was_used_twice_from_a_scan() -> None:
    assert hits(Arc(3), [A, A, B, C, D, E, A]) == ".x....x"


def test_arc_learns_from_the_ghosts_of_the_recent() -> None:
    # B's ghost raises the aim to one: for E the frequent A gives way, and the recent D stays.
    assert hits(Arc(3), [A, A, B, C, D, B, E, D, A]) == ".x.....x."


def test_belady_evicts_what_is_needed_last() -> None:
    keys = [A, B, C, D, A, B, D, C]
    uses = next_uses([(key, 1) for key in keys])

    assert hits(Belady(3, uses), keys) == "....xxx."


def test_insight_keeps_what_is_popular_and_lets_the_least_of_all_go_even_if_it_just_came() -> None:
    popularity = {A: 5.0, B: 1.0, C: 4.0, D: 3.0, E: 0.5}

    assert hits(Insight(3, popularity), [A, B, C, D, E, A, C, D, B, E]) == ".....xxx.."


def test_the_generator_tells_who_is_popular() -> None:
    trace = traces.short_video(20_000, 5)
    popularity = traces.popularity(20_000, 5)

    asked = Counter(key for key, _ in trace)
    often = [popularity[key] for key, n in asked.items() if n > 20]
    once = [popularity[key] for key, n in asked.items() if n == 1]
    assert set(popularity) == set(asked)
    assert min(often) > sorted(once)[len(once) // 2]


def test_belady_is_never_worse_than_a_policy_without_foresight() -> None:
    trace = [(key, 1) for key, _ in traces.zipf(3_000, 1, n_objects=200)]

    results = compare(trace, 0.1)

    bound = results.pop("Belady").object_miss
    assert all(result.object_miss >= bound for name, result in results.items() if name != "Belady-size")


def test_with_foresight_of_sizes_fewer_objects_are_missed() -> None:
    trace = traces.zipf(5_000, 1, n_objects=500)
    capacity = 20_000_000

    by_use = simulate(Belady(capacity, next_uses(trace)), trace)
    by_size = simulate(BeladySize(capacity, next_uses(trace)), trace)

    assert by_size.object_miss < by_use.object_miss


@pytest.mark.parametrize(
    "make", [traces.short_video, traces.zipf, traces.scan, traces.loop, traces.recency, traces.shift]
)
def test_a_seed_gives_the_same_trace_and_a_key_one_size(make: object) -> None:
    assert callable(make)
    trace = make(4_000, 5)

    assert trace == make(4_000, 5) != make(4_000, 6)
    assert len(trace) == 4_000
    assert len(set(trace)) == len(dict(trace))
    assert all(50_000 <= size <= 2_000_000 for _, size in trace)


@pytest.mark.parametrize(
    "text",
    [
        "time,object,size\n1,x,10\n2,y,20\n3,x,10\n",
        "1,x,10\n2,y,20\n3,x,10\n",
        "# timestamp obj_id obj_size\n1 x 10\n2 y 20\n3 x 10\n",
        "ts;size;url\n1;10;x\n2;20;y\n\n3;10;x\n",
        "Timestamp\tObject ID\tSize\n1\t'x'\t10.0\n2\ty\t2e1\n3\tx\t10\n",
        "\ufefftime, key, op, value-size\n1, x, get, 10\n2, y, get, 20\n3, x, get, 10\n",
    ],
)
def test_the_usual_forms_of_a_trace_are_read(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text, "utf-8")

    assert [size for _, size in csvtrace.read(tmp_path / "t.csv")] == [10, 20, 10]
    assert [key for key, _ in csvtrace.read(tmp_path / "t.csv")] == [0, 1, 0]


def test_a_quoted_id_may_hold_the_separator(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('time,url,size\n1,"/a,b",10\n2,"/a,c",20\n', "utf-8")

    assert list(csvtrace.read(tmp_path / "t.csv")) == [(0, 10), (1, 20)]


def test_packed_traces_are_read(tmp_path: Path) -> None:
    text = b"time,id,size\n1,x,10\n"
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "t.csv.zst").write_bytes(zstandard.compress(text))

    assert (
        list(csvtrace.read(tmp_path / "t.csv.gz")) == list(csvtrace.read(tmp_path / "t.csv.zst")) == [(0, 10)]
    )


def test_told_columns_win(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,1,b,512,42\n", "utf-8")

    assert list(csvtrace.read(tmp_path / "t.csv", csvtrace.columns_of("id=5,size=4"))) == [(0, 512)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,id,size\n1,x,10\n2,x\n", "t.csv:3: 2 columns, expected at least 3"),
        ("time,id,size\n1,x,big\n", "t.csv:2: the size 'big' is not a number"),
        ("1,x,10\n1,y,-5\n", "t.csv:2: the size '-5' is below 0"),
        ("1,,10\n", "t.csv:1: the object id is empty"),
        ("1,x,nan\n2,y,3\n", "t.csv:1: neither"),
        ("", "no request"),
    ],
)
def test_a_bad_row_is_named(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text, "utf-8")

    with pytest.raises(csvtrace.TraceError, match=told):
        list(csvtrace.read(tmp_path / "t.csv"))


def test_columns_that_make_no_sense_are_refused() -> None:
    with pytest.raises(csvtrace.TraceError, match="id=2,size=3"):
        csvtrace.columns_of("key=1")


def test_the_plot_has_a_panel_a_trace_and_a_line_a_policy() -> None:
    lines = {name: [(0.01, 0.9), (0.1, 0.5)] for name in plot.COLOURS}

    picture = plot.svg("misses", {"one": lines, "two & a half": lines})

    assert picture.count("<polyline") == 2 * len(plot.COLOURS)
    assert "two &amp; a half" in picture
