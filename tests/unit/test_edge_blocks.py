"""Stored parts: what is held and missing of a version, against a naive twin; what a 206 brings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.blocks import Part, PartIndex, came, part_meta, split_part, with_part
from edge.cache.entry import Meta, Times, make_meta
from edge.cache.freshness import StorageRules
from edge.cache.key import PrimaryKey, VaryValues, primary_key, primary_of, storage_key, vary_values
from edge.cache.ranges import ContentRange
from tests.edge_cache_builders import DATE, NOW_MS, headers

URL = primary_key("/v/one/large.mp4")
TOTAL = 300


def meta_of(fields: dict[str, str], vary: VaryValues = (), at_ms: int = NOW_MS) -> Meta:
    told = headers(**{"Cache_Control": "max-age=60", "Date": DATE} | fields)
    return make_meta((URL, vary), 200, told, Times(at_ms, at_ms), StorageRules())


def part(start: int, stop: int, total: int = TOTAL, validator: str = '"one"') -> VaryValues:
    return with_part((), Part(start, stop, total, validator))


def spoken(language: str) -> VaryValues:
    return vary_values(("accept-language",), headers(Accept_Language=language))


def test_a_part_has_a_key_of_its_own_below_its_url() -> None:
    vary = (("accept-encoding", "gzip"),)
    placed = with_part(vary, Part(0, 100, 300, 'W/ "odd / tag"'))

    assert split_part(placed) == (vary, Part(0, 100, 300, 'W/ "odd / tag"'))
    assert split_part(vary) == (vary, None)
    keys = {storage_key(URL, values) for values in ((), vary, placed, part(0, 100), part(100, 200))}
    assert len(keys) == 5
    assert {primary_of(key) for key in keys} == {URL}


SPANS = st.tuples(st.integers(0, TOTAL - 1), st.integers(1, 120)).map(
    lambda pair: (pair[0], min(TOTAL, sum(pair)))
)


@given(st.lists(SPANS, max_size=12), st.lists(st.integers(0, 11), max_size=5), SPANS, st.integers(1, 64))
def test_what_is_held_and_missing_agrees_with_a_naive_twin(
    added: list[tuple[int, int]], removed: list[int], asked: tuple[int, int], block_bytes: int
) -> None:
    index, twin = PartIndex(4), dict[str, set[int]]()
    for start, stop in added:
        for victim in index.add(URL, part(start, stop)):
            twin.pop(victim, None)
        twin[storage_key(URL, part(start, stop))] = set(range(start, stop))
    for number in removed:
        if number < len(twin):
            key = list(twin)[number]
            index.remove(storage_key(URL, part(min(twin[key]), max(twin[key]) + 1)))
            del twin[key]
    held = set().union(*twin.values())

    parts = index.find(URL, headers())

    assert set(index.keys(URL)) == set(twin) and len(index) == len(twin)
    assert (parts is None) == (not twin)
    if parts is None:
        return
    assert parts.covers(*asked) == (set(range(*asked)) <= held)
    for place in range(*asked):
        one = parts.at(place)
        assert (one is not None) == (place in held)
        if one is None:
            start, stop = parts.hole(place, block_bytes)
            assert start <= place < stop and not held & set(range(start, stop))
            block = place // block_bytes * block_bytes
            assert block <= start and stop <= min(block + block_bytes, TOTAL)
            assert start == block or start - 1 in held
            assert stop in {block + block_bytes, TOTAL} or stop in held


@pytest.mark.parametrize(
    "other", [part(50, 90, 400), part(50, 90, validator='"two"'), part(50, 90, validator="")]
)
def test_parts_of_another_version_drop_the_older_ones(other: VaryValues) -> None:
    index = PartIndex(4)
    index.add(URL, part(0, 50))

    assert index.add(URL, other) == [storage_key(URL, part(0, 50))]

    parts = index.find(URL, headers())
    assert parts is not None and [one.start for one in parts.held] == [50]


def test_without_a_validator_only_one_part_answers() -> None:
    index = PartIndex(4)
    index.add(URL, part(0, 50, validator=""))

    parts = index.find(URL, headers())

    assert parts is not None and parts.covers(10, 50) and not parts.covers(10, 51)
    assert index.add(URL, part(50, 100, validator="")) == [storage_key(URL, part(0, 50, validator=""))]


def test_a_variants_parts_answer_only_its_requests_and_their_number_is_bounded() -> None:
    index = PartIndex(2)
    for language in ("de", "en", "fr"):
        index.add(URL, with_part(spoken(language), Part(0, 10, TOTAL, '"one"')))

    assert index.find(URL, headers(Accept_Language="de")) is None
    found = index.find(URL, headers(Accept_Language="fr"))
    assert found is not None and found.vary == spoken("fr")
    assert len(index) == 2
    assert len(index.replaced_by(URL, spoken("en"))) == 1
    assert len(index.replaced_by(URL, ())) == 2
    assert index.replaced_by(PrimaryKey("/other"), ()) == []


def test_the_head_that_came_last_is_true_of_all_parts() -> None:
    index = PartIndex(4)
    for number, start in enumerate((0, 100)):
        fields = {"ETag": '"one"', "Content_Range": f"bytes {start}-{start + 99}/300", "X_Seen": str(number)}
        meta = part_meta(meta_of(fields, at_ms=NOW_MS + number), headers(**fields), 100)
        assert meta is not None
        index.add(URL, meta.vary)
        index.told(meta)

    parts = index.find(URL, headers())

    assert parts is not None
    whole = parts.whole_meta()
    assert (whole.status, whole.vary, dict(whole.fields)["X-Seen"]) == (200, (), "1")
    assert dict(whole.fields)["Content-Length"] == "300" and "Content-Range" not in dict(whole.fields)


@pytest.mark.parametrize(
    ("told", "length", "brings"),
    [
        ("bytes 0-99/300", 100, ContentRange(0, 100, 300)),
        ("bytes 0-99/300", None, ContentRange(0, 100, 300)),
        ("bytes 0-99/300", 101, None),
        ("bytes 0-99/*", 100, None),
        ("bytes 4-9/10", 5, ContentRange(4, 9, 9)),
        ("bytes 4-8/10", 4, ContentRange(4, 8, 10)),
    ],
)
def test_the_framing_says_how_many_bytes_a_206_brings(
    told: str, length: int | None, brings: ContentRange | None
) -> None:
    assert came(headers(Content_Range=told), length) == brings


def test_a_206_that_brings_everything_is_the_whole() -> None:
    fields = {"ETag": '"one"', "Content_Range": "bytes 0-99/100", "Content_Length": "100"}

    meta = part_meta(meta_of(fields), headers(**fields), 100)

    assert meta is not None and (meta.status, meta.vary) == (200, ())
    assert "Content-Range" not in dict(meta.fields)


def test_an_origin_that_counts_wrongly_is_not_combined() -> None:
    fields = {"ETag": '"one"', "Content_Range": "bytes 4-9/10"}

    meta = part_meta(meta_of(fields), headers(**fields), 5)

    assert meta is not None and meta.status == 206
    assert split_part(meta.vary)[1] == Part(4, 9, 9, "")
