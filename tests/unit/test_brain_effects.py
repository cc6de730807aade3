from brain.features.effects import MAX_AGE_MS, Boost, effects_of
from shared.messages.events import EventKind
from tests.builders import NOW_MS, make_batch, make_event


def test_a_finished_watch_boosts_its_category() -> None:
    effects = effects_of([make_batch(make_event(id="e1", completion=0.95, category="space"))])

    assert effects.boosts == {("u1", "space"): [Boost("e1", 10)]}
    assert effects.users["u1"].categories == {"space": NOW_MS}


def test_a_watch_in_the_middle_boosts_nothing() -> None:
    effects = effects_of([make_batch(make_event(completion=0.5, category="space"))])

    assert effects.boosts == {}
    assert effects.users["u1"].history


def test_an_event_twice_counts_once() -> None:
    event = make_event(completion=1.0, category="space")

    effects = effects_of([make_batch(event, event), make_batch(event, id="b2")])

    assert effects.n_events == 1
    assert len(effects.boosts["u1", "space"]) == 1


def test_impressions_and_watches_are_seen_and_likes_are_not() -> None:
    effects = effects_of(
        [
            make_batch(
                make_event(EventKind.IMPRESSION, "v1"),
                make_event(EventKind.WATCH, "v2"),
                make_event(EventKind.LIKE, "v3"),
            )
        ]
    )

    assert set(effects.users["u1"].seen) == {"v1", "v2"}
    assert len(effects.users["u1"].history) == 2


def test_an_impression_counts_in_its_region_without_weight() -> None:
    effects = effects_of([make_batch(make_event(EventKind.IMPRESSION), region="eu")])

    (step,) = effects.regions["eu"]
    assert (step.weight, step.n_shown) == (0.0, 1)


def test_the_later_of_follow_and_unfollow_wins_in_any_order() -> None:
    follow = make_event(EventKind.FOLLOW, id="e1", creator_id="c1", at_ms=NOW_MS - 10)
    unfollow = make_event(EventKind.UNFOLLOW, id="e2", creator_id="c1", at_ms=NOW_MS)

    for order in ([follow, unfollow], [unfollow, follow]):
        effects = effects_of([make_batch(*order)])
        assert effects.users["u1"].follows["c1"] % 2 == 0


def test_not_interested_blocks_the_video() -> None:
    effects = effects_of([make_batch(make_event(EventKind.NOT_INTERESTED, "v9"))])

    assert set(effects.users["u1"].blocked) == {"v9"}


def test_times_outside_of_the_batchs_week_are_moved_to_its_edge() -> None:
    ahead = make_event(id="e1", video="v1", at_ms=NOW_MS * 2)
    ancient = make_event(id="e2", video="v2", at_ms=0)

    seen = effects_of([make_batch(ahead, ancient)]).users["u1"].seen

    assert seen == {"v1": NOW_MS, "v2": NOW_MS - MAX_AGE_MS}


def test_an_event_with_a_hostile_id_has_no_effect() -> None:
    effects = effects_of(
        [
            make_batch(
                make_event(id="e1", user_id="a}:b{c"),
                make_event(id="e2", category="a:b"),
                make_event(id="e|3"),
                make_event(id="e4", completion=float("nan")),
            )
        ]
    )

    assert (effects.n_events, effects.n_refused) == (0, 4)
    assert effects.users == {}
