from hypothesis import given
from hypothesis import strategies as st

from brain.items import Change, ItemTable
from shared.messages.catalog import CatalogKind
from tests.brain_builders import catalogue, table_of
from tests.builders import make_card, make_catalog_event


def test_a_published_video_gets_a_row_with_its_facts() -> None:
    table = table_of(catalogue(3))

    row = table.row_of["v1"]
    assert table.items[row].category == "space"
    assert table.categories.names[table.column("category")[row]] == "space"
    assert table.n_alive == 3


def test_an_older_change_is_ignored() -> None:
    table = ItemTable()
    table.apply(make_catalog_event("v1", CatalogKind.WITHDRAWN, seq=2))

    assert table.apply(make_catalog_event("v1", seq=1)) is Change.STALE
    assert table.n_alive == 0


def test_a_withdrawn_video_leaves_the_tags_and_its_row_is_dead() -> None:
    table = ItemTable()
    table.apply(make_catalog_event("v1", seq=1))

    assert table.apply(make_catalog_event("v1", CatalogKind.WITHDRAWN, seq=2)) is Change.REMOVED
    assert not table.column("is_alive").any()
    assert table.rows_of_tag == {"stars": []}


def test_a_new_rung_keeps_the_row() -> None:
    table = ItemTable()
    table.apply(make_catalog_event("v1", seq=1))

    change = table.apply(
        make_catalog_event("v1", CatalogKind.UPDATED, seq=2, card=make_card("v1", is_complete=True))
    )

    assert change is Change.SAME
    assert len(table) == 1


def test_another_category_takes_a_new_row() -> None:
    table = ItemTable()
    table.apply(make_catalog_event("v1", seq=1))

    table.apply(make_catalog_event("v1", CatalogKind.UPDATED, seq=2, card=make_card("v1", category="cats")))

    assert table.row_of["v1"] == 1
    assert table.column("is_alive").tolist() == [False, True]


def test_the_table_grows_past_its_first_capacity() -> None:
    table = table_of(catalogue(3000))

    assert table.n_alive == 3000
    assert table.column("is_alive").sum() == 3000
    assert table.items[table.row_of["v2999"]].id == "v2999"


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(list(CatalogKind))), max_size=30), st.randoms())
def test_the_order_of_arrival_does_not_matter(changes: list[tuple[int, CatalogKind]], rng: object) -> None:
    events = [
        make_catalog_event(f"v{video}", kind, seq=seq) for seq, (video, kind) in enumerate(changes, start=1)
    ]
    shuffled = list(events)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]

    assert set(table_of(events).row_of) == set(table_of(shuffled).row_of)
