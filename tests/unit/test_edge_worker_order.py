"""A worker never serves what its main process has purged: gaps, other epochs, and orders that overtake."""

from hypothesis import given
from hypothesis import strategies as st

from edge.workers.order import Place, PurgeView


def test_the_first_purge_that_a_worker_sees_empties_it() -> None:
    assert not PurgeView().take(Place("a", 1))


def test_purges_in_order_are_taken_one_by_one() -> None:
    view = PurgeView()
    view.compare(Place("a", 4))

    assert [view.take(Place("a", seq)) for seq in (5, 6, 7)] == [True, True, True]


def test_a_gap_empties_the_worker() -> None:
    view = PurgeView()
    view.compare(Place("a", 4))

    assert not view.take(Place("a", 6))
    assert view.take(Place("a", 5))
    assert view.take(Place("a", 7))


def test_a_new_main_process_empties_the_worker() -> None:
    view = PurgeView()
    view.compare(Place("a", 4))

    assert not view.compare(Place("b", 0))
    assert view.take(Place("b", 1))


def test_a_check_that_purges_have_overtaken_is_no_gap() -> None:
    view = PurgeView()
    view.compare(Place("a", 4))
    view.take(Place("a", 5))

    assert view.compare(Place("a", 4))
    assert view.take(Place("a", 6))


@given(st.lists(st.tuples(st.sampled_from(["take", "check", "restart"]), st.booleans()), max_size=40))
def test_whatever_is_lost_on_the_way_nothing_purged_stays(steps: list[tuple[str, bool]]) -> None:
    view, epoch, seq = PurgeView(), 0, 0
    missed: set[tuple[int, int]] = set()
    view.compare(Place("0", 0))
    for step, arrives in steps:
        if step == "restart":
            epoch, seq = epoch + 1, 0
            missed.add((epoch, 0))
        elif step == "take":
            seq += 1
            missed.add((epoch, seq))
        place = Place(str(epoch), seq)
        if not arrives or step == "restart":
            continue
        in_order = view.take(place) if step == "take" else view.compare(place)
        missed = missed - {(epoch, seq)} if in_order and step == "take" else missed if in_order else set()
        assert not missed, "something that was purged could still be there"
