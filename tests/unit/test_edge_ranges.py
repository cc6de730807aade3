"""Byte ranges: parsing, coalescing, what a 206 brings, what may be continued; against a naive twin."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.ranges import (
    MAX_PARTS,
    PART_HEAD_BYTES,
    ByteRange,
    ContentRange,
    Spec,
    Unsatisfiable,
    aligned,
    content_range,
    does_continue,
    resolved,
    rest_of,
    specs,
    strong_validator,
)
from tests.edge_cache_builders import DATE, headers

SPECS = st.one_of(
    st.tuples(st.integers(0, 600), st.integers(0, 600)).map(lambda pair: Spec(min(pair), max(pair))),
    st.builds(Spec, st.integers(0, 600), st.none()),
    st.builds(Spec, st.none(), st.integers(0, 600)),
)


def written(spec: Spec) -> str:
    return f"{'' if spec.first is None else spec.first}-{'' if spec.last is None else spec.last}"


def positions(spec: Spec, size: int) -> set[int]:
    """The naive twin: every byte asked for, one by one."""
    if spec.first is None:
        return set(range(size)[-spec.last :]) if spec.last else set()
    return {
        place for place in range(size) if spec.first <= place and (spec.last is None or place <= spec.last)
    }


@given(st.lists(SPECS, min_size=1, max_size=MAX_PARTS))
def test_what_is_written_is_what_is_read(asked: list[Spec]) -> None:
    assert specs("bytes=" + ",".join(map(written, asked))) == tuple(asked)
    assert specs("BYTES= , " + " ,\t".join(map(written, asked)) + ",") == tuple(asked)


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=4-2",
            "bytes=a-b",
            "bytes=1",
            "items=0-1",
        ),
        *("bytes=0-1,x", "bytes=0-1,4-2", "bytes=0 - 1", "bytes =0-1", "bytes=+0-1", "bytes=\u0660-\u0661"),
        "bytes=" + ",".join("0-" for _ in range(MAX_PARTS + 1)),
    ],
)
def test_a_field_that_says_nothing_is_no_range(value: str | None) -> None:
    assert specs(value) is None


def test_a_position_beyond_every_object_is_not_an_error() -> None:
    asked = specs("bytes=1-" + "9" * 5000)

    assert asked is not None
    assert resolved(asked, 10) == (ByteRange(1, 10, 10),)


@given(st.lists(SPECS, min_size=1, max_size=MAX_PARTS), st.integers(0, 500))
def test_the_parts_bring_every_byte_asked_for_once_and_few_others(asked: list[Spec], size: int) -> None:
    wanted = set().union(*(positions(spec, size) for spec in asked))
    parts = resolved(asked, size)

    if isinstance(parts, Unsatisfiable):
        assert not wanted
        return
    sent = [place for part in parts for place in range(part.start, part.stop)]
    assert wanted <= set(sent) and len(sent) == len(set(sent)) <= size
    for place in set(sent) - wanted:
        assert any(place - step in wanted for step in range(1, PART_HEAD_BYTES + 1))
    ordered = sorted(parts, key=lambda part: part.start)
    assert all(b.start - a.stop > PART_HEAD_BYTES for a, b in pairwise(ordered))


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=5-99", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
    ],
)
def test_a_range_is_cut_to_the_representation(value: str, part: tuple[int, int]) -> None:
    asked = specs(value)

    assert asked is not None
    assert resolved(asked, 10) == (ByteRange(*part, 10),)


@pytest.mark.parametrize(
    ("value", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_without_a_byte_is_unsatisfiable(value: str, size: int) -> None:
    asked = specs(value)

    assert asked is not None
    assert resolved(asked, size) is Unsatisfiable.RANGE


@given(st.permutations([Spec(0, 9), Spec(1000, 1009), Spec(None, 10)]))
def test_parts_come_in_the_order_asked(asked: list[Spec]) -> None:
    parts = resolved(asked, 9000)

    assert not isinstance(parts, Unsatisfiable)
    assert [part.start for part in parts] == [spec.within(9000)[0] for spec in asked]


@pytest.mark.parametrize(
    ("value", "came"),
    [
        ("bytes 0-4/10", ContentRange(0, 5, 10)),
        ("bytes 5-9/*", ContentRange(5, 10, None)),
        *(
            (value, None)
            for value in ("", "bytes */10", "bytes 4-2/10", "bytes 0-10/10", "items 0-4/10", "0-4/10")
        ),
    ],
)
def test_a_content_range_is_read_or_not_believed(value: str, came: ContentRange | None) -> None:
    assert content_range(headers(Content_Range=value)) == came


@pytest.mark.parametrize(
    ("fields", "validator"),
    [
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": 'W/"a"'}, None),
        ({"ETag": "a"}, None),
        ({"ETag": 'W/"a"', "Last_Modified": "Fri, 15 Jan 2027 07:00:00 GMT", "Date": DATE}, None),
        ({"Last_Modified": "Fri, 15 Jan 2027 07:00:00 GMT", "Date": DATE}, "Fri, 15 Jan 2027 07:00:00 GMT"),
        ({"Last_Modified": DATE, "Date": DATE}, None),
        ({"Last_Modified": DATE}, None),
        ({}, None),
    ],
)
def test_only_a_strong_validator_tells_versions_apart(fields: dict[str, str], validator: str | None) -> None:
    assert strong_validator(headers(**fields)) == validator


@pytest.mark.parametrize(
    ("status", "fields", "asked"),
    [
        (200, {"ETag": '"a"'}, "bytes=100-"),
        (206, {"ETag": '"a"', "Content_Range": "bytes 50-299/900"}, "bytes=150-299"),
        (200, {"ETag": 'W/"a"'}, None),
        (206, {"ETag": '"a"'}, None),
        (404, {"ETag": '"a"'}, None),
    ],
)
def test_a_broken_answer_is_asked_to_go_on_where_it_broke(
    status: int, fields: dict[str, str], asked: str | None
) -> None:
    rest = rest_of(status, headers(**fields), 100)

    assert rest == (None if asked is None else {"Range": asked, "If-Range": '"a"'})


@pytest.mark.parametrize(
    ("status", "came", "tag", "does"),
    [
        (206, "bytes 100-899/900", '"a"', True),
        (206, "bytes 100-299/900", '"a"', False),
        (206, "bytes 100-899/*", '"a"', False),
        (206, "bytes 0-899/900", '"a"', False),
        (206, "bytes 100-899/900", '"b"', False),
        (200, "bytes 100-899/900", '"a"', False),
        (206, "", '"a"', False),
    ],
)
def test_only_the_same_version_from_that_byte_goes_on(status: int, came: str, tag: str, does: bool) -> None:
    asked = headers(Range="bytes=100-", If_Range='"a"')

    assert does_continue(asked, status, headers(Content_Range=came, ETag=tag)) is does


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**4))
def test_whole_blocks_surround_a_range(first: int, n_more: int, block_bytes: int) -> None:
    start, stop = aligned(first, first + n_more, block_bytes)

    assert start <= first and first + n_more < stop
    assert start % block_bytes == stop % block_bytes == 0
    assert first - start < block_bytes and stop - (first + n_more) <= block_bytes
