"""Exact tags, and purges that race fills."""

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.key import StorageKey, primary_key
from edge.cache.tags import MAX_REMEMBERED_PURGES, Purge, PurgeLog, TagIndex

ONE, TEN = StorageKey("/v/1/open.mp4"), StorageKey("/v/10/open.mp4")


def test_a_tag_never_touches_a_longer_one() -> None:
    index = TagIndex()
    index.put(ONE, ("video:1", "creator:a"))
    index.put(TEN, ("video:10", "creator:a"))

    assert index.keys("video:1") == [ONE]
    assert index.keys("creator:a") == [ONE, TEN]
    assert index.keys("video:") == []


def test_new_tags_replace_the_former_ones() -> None:
    index = TagIndex()
    index.put(ONE, ("old",))

    index.put(ONE, ("new",))

    assert index.keys("old") == [] and index.keys("new") == [ONE]


@given(st.lists(st.tuples(st.integers(0, 5), st.frozensets(st.integers(0, 3), max_size=3)), max_size=30))
def test_the_index_agrees_with_a_plain_dict_and_keeps_nothing_empty(
    steps: list[tuple[int, frozenset[int]]],
) -> None:
    index, plain = TagIndex(), dict[StorageKey, tuple[str, ...]]()
    for number, tags in steps:
        key = StorageKey(f"/{number}")
        plain[key] = tuple(f"t:{tag}" for tag in tags)
        index.put(key, plain[key])
        if not tags:
            index.remove(key)

    for tag in (f"t:{number}" for number in range(4)):
        assert index.keys(tag) == sorted(key for key, tags in plain.items() if tag in tags)
    assert len(index) == len({tag for tags in plain.values() for tag in tags})


def test_a_purge_by_url_covers_all_variants_of_that_url_only() -> None:
    purge = Purge(primary=primary_key("/v/1/open.mp4"))

    assert purge.covers(StorageKey("/v/1/open.mp4\x00abc"), ())
    assert not purge.covers(TEN, ())


def test_a_purge_of_all_covers_all() -> None:
    assert Purge().covers(ONE, ())


def test_a_purge_during_a_fill_covers_it() -> None:
    log = PurgeLog()
    before = log.revision

    log.add(Purge(tag="video:1"))

    assert log.covers_since(before, ONE, ("video:1",))
    assert not log.covers_since(before, TEN, ("video:10",))
    assert not log.covers_since(log.revision, ONE, ("video:1",))


def test_a_purge_before_a_fill_does_not() -> None:
    log = PurgeLog()
    log.add(Purge())

    assert not log.covers_since(log.revision, ONE, ())


def test_a_fill_that_outlives_the_memory_of_purges_is_not_trusted() -> None:
    log = PurgeLog()

    for _ in range(MAX_REMEMBERED_PURGES + 1):
        log.add(Purge(tag="other"))

    assert log.covers_since(0, ONE, ())
    assert not log.covers_since(1, ONE, ())
