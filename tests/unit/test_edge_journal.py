"""The journal of the disk tier: what is recorded is replayed; torn and flipped blocks are left out."""

from hypothesis import given
from hypothesis import strategies as st

from edge.cache import journal
from edge.cache.journal import BLOCK_RECORDS, HEAD_BYTES, MARKER, Found, Listed, Replayed
from edge.cache.key import PrimaryKey

TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.just("/caf\udce9")
RECORDS = st.lists(
    st.builds(
        Listed,
        st.integers(1, 2**47),
        TEXT.map(PrimaryKey),
        st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
        st.lists(TEXT, max_size=2).map(tuple),
        st.integers(0, 2**40),
        TEXT,
    ),
    max_size=6,
    unique_by=lambda record: record.number,
)


def listed(number: int, key: str = "/a") -> Listed:
    return Listed(number, PrimaryKey(key), (), (f"video:{number}",), 100 + number)


def journal_of(n_blocks: int) -> tuple[bytes, list[int]]:
    """A journal of blocks with one record each, and where each block ends."""
    data, ends = b"", []
    for number in range(n_blocks):
        data += journal.stored([listed(number)])
        ends.append(len(data))
    return data, ends


@given(RECORDS, st.sets(st.integers(1, 2**47), max_size=5))
def test_what_is_recorded_is_replayed(records: list[Listed], dropped: set[int]) -> None:
    replayed = journal.replay(journal.stored(records) + journal.dropped(dropped))

    assert replayed == Replayed({record.number: record for record in records}, dropped, 0)


def test_many_records_make_many_blocks() -> None:
    records = [listed(number) for number in range(3 * BLOCK_RECORDS + 1)]

    data = journal.stored(records)

    assert data.count(MARKER) == 4
    assert list(journal.replay(data).listed.values()) == records


def test_a_tail_torn_at_any_place_costs_only_the_torn_block() -> None:
    data, ends = journal_of(4)

    for length in range(len(data) + 1):
        replayed = journal.replay(data[:length])
        n_whole = sum(end <= length for end in ends)
        assert list(replayed.listed) == list(range(n_whole))
        assert replayed.n_damaged == (length not in (0, *ends))


def test_what_is_appended_after_a_torn_tail_is_replayed() -> None:
    data, _ = journal_of(2)

    for length in range(1, len(data)):
        replayed = journal.replay(data[:length] + journal.stored([listed(9)]))
        assert 9 in replayed.listed


def test_any_flipped_bit_costs_only_its_own_block() -> None:
    data, ends = journal_of(3)

    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            replayed = journal.replay(bytes(flipped))
            hit = sum(end <= place for end in ends)
            assert replayed.n_damaged == 1
            assert replayed.listed == {n: listed(n) for n in range(3) if n != hit}


@given(st.binary(max_size=200))
def test_foreign_bytes_say_nothing(data: bytes) -> None:
    replayed = journal.replay(data)

    assert not replayed.listed and not replayed.dropped
    assert bool(replayed.n_damaged) == bool(data)


@given(RECORDS, st.binary(max_size=40), st.data())
def test_zeroed_pages_never_make_a_record_that_was_not_written(
    records: list[Listed], noise: bytes, data: st.DataObject
) -> None:
    written = bytearray(journal.stored(records))
    start = data.draw(st.integers(0, len(written)))
    written[start : start + len(noise)] = bytes(len(written[start : start + len(noise)]))

    replayed = journal.replay(bytes(written))

    assert set(replayed.listed.values()) <= set(records)


def test_a_marker_inside_a_key_does_not_begin_a_block() -> None:
    inner = journal.stored([listed(7)]).decode("latin-1")
    data = bytearray(journal.stored([listed(1, inner), listed(2)]))
    data[HEAD_BYTES] ^= 1

    assert not journal.replay(bytes(data)).listed


def test_the_folder_decides_what_is_there() -> None:
    replayed = Replayed({1: listed(1), 2: listed(2), 3: listed(3)}, {3})

    assert journal.beside(replayed, [3, 4, 2]) == Found([listed(2)], [4], [3])


def test_of_two_files_of_a_key_the_later_one_counts() -> None:
    held, replaced = journal.latest([listed(5), listed(4, "/b"), listed(2)])

    assert list(held.values()) == [listed(4, "/b"), listed(5)] and replaced == [2]


def test_equal_tags_are_held_once() -> None:
    twins = [Listed(n, PrimaryKey(f"/{n}"), (), ("video:1",), 1) for n in (1, 2)]

    one, two = journal.replay(journal.stored(twins)).listed.values()

    assert one.tags is two.tags
