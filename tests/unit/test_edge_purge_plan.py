"""What an order covers, where a log goes on, who has not answered, what marks and tombstones remember."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from edge.cache.freshness import NO_RULES, RequestRules, Verdict, judge, may_serve_on_error
from edge.cache.key import StorageKey
from edge.cache.marks import Marks
from edge.cache.tags import Purge
from edge.cache.tombstones import Tombstone, Tombstones, video_of
from edge.purge.plan import Ledger, checked, collapsed, purge_of
from shared.errors import InvalidId, InvalidRequest
from shared.messages.purge import PurgeOrder, PurgeReceipt, PurgeScope
from shared.resume import LogFacts, Place, Resume, Step, resume, step
from tests.edge_cache_builders import NOW_MS, make_entry

DAY_MS = 86_400_000
TAGS = st.text("ab1:0", min_size=1, max_size=6)


def order(scope: PurgeScope = PurgeScope.ALL, value: str = "", **changes: bool) -> PurgeOrder:
    return structs.replace(PurgeOrder(id="o", scope=scope, value=value, issuer="e", at_ms=1), **changes)


def receipt(node: str, order_id: str = "o") -> PurgeReceipt:
    return PurgeReceipt(id=order_id, node=node, revision=1, n_objects=2, took_ms=0.5, at_ms=1)


@given(TAGS, st.lists(TAGS, max_size=4))
def test_a_tag_covers_exactly_those_that_carry_it_whole(tag: str, carried: list[str]) -> None:
    purge = purge_of(order(PurgeScope.TAG, tag), NOW_MS)

    assert purge.covers(StorageKey("/x"), carried) == (tag in carried)


def test_an_order_names_a_url_with_its_variants_a_creator_or_all() -> None:
    url = purge_of(order(PurgeScope.URL, "http://any.example/v/1/a?b=c"), NOW_MS)
    creator = purge_of(order(PurgeScope.CREATOR, "ann"), NOW_MS)

    assert url.covers(StorageKey("/v/1/a?b=c\x00variant"), ())
    assert not url.covers(StorageKey("/v/1/a"), ())
    assert creator.covers(StorageKey("/"), ("creator:ann",))
    assert not creator.covers(StorageKey("/"), ("creator:anna", "video:ann"))
    assert purge_of(order(), NOW_MS).covers(StorageKey("/"), ())


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        (PurgeScope.TAG, ""),
        (PurgeScope.TAG, "a b"),
        (PurgeScope.TAG, "a" * 257),
        (PurgeScope.URL, "/a\nb"),
        (PurgeScope.CREATOR, "a b"),
    ],
)
def test_an_order_that_can_name_nothing_is_refused(scope: PurgeScope, value: str) -> None:
    with pytest.raises((InvalidRequest, InvalidId)):
        checked(scope, value)


@pytest.mark.parametrize(
    ("place", "facts", "how"),
    [
        (None, LogFacts("c", 1, 9), Resume.UNKNOWN),
        (Place("c", 9), LogFacts("c", 1, 9), Resume.REPLAY),
        (Place("c", 4), LogFacts("c", 5, 9), Resume.REPLAY),
        (Place("c", 3), LogFacts("c", 5, 9), Resume.GAP),
        (Place("c", 9), LogFacts("c", 10, 9), Resume.REPLAY),
        (Place("c", 8), LogFacts("c", 10, 9), Resume.GAP),
        (Place("c", 9), LogFacts("d", 1, 9), Resume.RECREATED),
        (Place("c", 9), LogFacts("c", 1, 8), Resume.WENT_BACK),
        (Place("c", 0), LogFacts("c", 0, 0), Resume.REPLAY),
        (Place("c", 0), LogFacts("c", 1, 3), Resume.REPLAY),
    ],
)
def test_a_log_is_replayed_only_when_nothing_is_missing(
    place: Place | None, facts: LogFacts, how: Resume
) -> None:
    assert resume(place, facts) is how


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_replay_reaches_every_message_after_the_place(seq: int, n_dropped: int, n_kept: int) -> None:
    last = n_dropped + n_kept
    how = resume(Place("c", seq), LogFacts("c", n_dropped + 1, last))

    missed = set(range(seq + 1, last + 1))
    held = set(range(n_dropped + 1, last + 1))
    assert (how is Resume.REPLAY) == (seq <= last and missed <= held)


@given(
    st.lists(st.booleans(), max_size=12),
    st.lists(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2)), max_size=4), max_size=6),
)
def test_whatever_is_lost_repeated_or_overtaken_every_order_is_applied_once_in_order_or_told_as_lost(
    is_held: list[bool], disturbances: list[list[tuple[int, int]]]
) -> None:
    """A stream with holes, read by readers that lose, repeat and swap messages, then by some that do not."""
    held = [seq for seq, is_there in enumerate(is_held, 1) if is_there]
    place, applied, covered = 0, list[int](), set[int]()
    for disturbed in (*disturbances, *[[]] * (len(is_held) + 1)):
        for number, seq in disturbance([seq for seq in held if seq > place], disturbed):
            how = step(place, seq, is_first=number == 1)
            if how is Step.UNHEARD:
                break
            if how is Step.HOLE:
                covered |= set(range(place + 1, seq))
            if how is not Step.AGAIN:
                place = seq
                applied.append(seq)

    assert applied == sorted(set(applied))
    assert set(range(1, (held or [0])[-1] + 1)) == set(applied) | covered
    assert not set(held) - set(applied) - covered


def disturbance(sent: list[int], how: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The consumer's numbers and the stream's, with some lost, repeated or swapped after the first."""
    numbered = list(enumerate(sent, 1))
    for at, kind in how:
        if 0 < at < len(numbered):
            if kind == 0:
                del numbered[at]
            elif kind == 1:
                numbered.insert(at, numbered[at - 1])
            else:
                numbered[at - 1 : at + 1] = reversed(numbered[at - 1 : at + 1])
    return numbered


def test_a_ledger_knows_who_has_not_answered() -> None:
    ledger = Ledger(frozenset({"a", "b"}))

    ledger.note(receipt("b"), 3.0)
    ledger.note(receipt("b"), 9.0)
    ledger.note(receipt("stranger"), 4.0)

    assert not ledger.is_complete
    assert [(row.node, row.receipt is not None, row.after_ms) for row in ledger.rows()] == [
        ("a", False, 0.0),
        ("b", True, 3.0),
        ("stranger", True, 4.0),
    ]
    ledger.note(receipt("a"), 5.0)
    assert ledger.is_complete


def test_too_many_owed_orders_become_one_that_is_as_hard_as_the_hardest() -> None:
    soft, hard = order(PurgeScope.TAG, "a", is_soft=True), order(PurgeScope.TAG, "b")

    assert not collapsed([hard, soft]).is_soft
    assert collapsed([soft, soft]).is_soft
    assert collapsed([hard, soft]).scope is PurgeScope.ALL


# Soft purges and marks.


def marked(*purges: Purge, limit: int = 100) -> Marks:
    marks = Marks(limit)
    for purge in purges:
        marks.add(purge)
    return marks


def test_a_soft_purged_object_is_stale_and_may_stand_in_as_its_policy_says() -> None:
    entry = make_entry(Cache_Control="max-age=60, stale-while-revalidate=10, stale-if-error=30")
    marks = marked(Purge(is_soft=True, at_ms=NOW_MS + 5000))

    shown = marks.shown(entry).meta

    def verdict(after_s: int, rules: RequestRules = NO_RULES) -> Verdict:
        return judge(shown.policy, shown.age_s(NOW_MS + 5000 + after_s * 1000), rules)

    assert verdict(0) is verdict(9) is Verdict.STALE_WHILE_REVALIDATE
    assert verdict(11) is Verdict.STALE
    assert verdict(11, RequestRules(max_stale_s=1000)) is Verdict.STALE
    assert verdict(-4) is not Verdict.FRESH  # the clock went back
    assert may_serve_on_error(shown.policy, shown.age_s(NOW_MS + 30_000), True, 0)


def test_a_mark_covers_what_arrived_before_it_and_not_what_came_after() -> None:
    marks = marked(Purge(tag="video:1", is_soft=True, at_ms=NOW_MS))
    before, after = (make_entry(at_ms=NOW_MS + d, Surrogate_Key="video:1") for d in (0, 1))
    other = make_entry(Surrogate_Key="video:10")

    assert marks.shown(before).meta.policy.is_purged
    assert marks.shown(after) is after
    assert marks.shown(other) is other


def test_a_hard_mark_tells_what_is_gone() -> None:
    entry = make_entry("/v/1/a", Surrogate_Key="video:1")

    for purge in (Purge(primary=entry.meta.primary, at_ms=NOW_MS), Purge(tag="video:1", at_ms=NOW_MS)):
        assert marked(purge).is_gone(entry.meta)
    assert not marked(Purge(tag="video:1", at_ms=NOW_MS - 1)).is_gone(entry.meta)
    assert not marked(Purge(is_soft=True, at_ms=NOW_MS)).is_gone(entry.meta)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50)), max_size=40), st.integers(1, 5))
def test_full_marks_never_forget_an_object_that_a_soft_purge_covers(
    purges: list[tuple[int, int]], limit: int
) -> None:
    made = [
        Purge(tag=f"t{tag}", is_soft=True, at_ms=NOW_MS + at)
        for tag, at in sorted(purges, key=lambda p: p[1])
    ]
    marks = marked(*made, limit=limit)
    again = Marks(limit)
    again.restore(marks.saved())

    for purge in made:
        entry = make_entry(at_ms=purge.at_ms, Surrogate_Key=str(purge.tag))
        assert again.shown(entry).meta.policy.is_purged
    assert len(again) <= limit + 1


# Tombstones.


@pytest.mark.parametrize(
    ("target", "video"),
    [
        ("/v/one/360p/open.mp4", "one"),
        ("/v/one", "one"),
        ("/v/one?x=/v/two/", "one"),
        ("/v/%6Fne/a", "one"),
        ("//v//one/a", "one"),
        ("/v/./one/a", "one"),
        ("/v/two/../one/a", "one"),
        ("/%76/one/a", "one"),
        ("/v/one%2Fa", "one"),
        ("/v1/videos/one", ""),
        ("/w/one/a", ""),
        ("/", ""),
        ("*", ""),
    ],
)
def test_a_video_is_known_by_any_spelling_of_its_path(target: str, video: str) -> None:
    assert video_of(target) == video


def test_a_later_change_of_a_video_wins() -> None:
    stones = Tombstones(10, DAY_MS)

    assert stones.bury(Tombstone("one", 5, NOW_MS))
    assert not stones.bury(Tombstone("one", 5, NOW_MS))
    assert not stones.raise_("one", 4)
    assert stones.is_buried("/v/one/a") and not stones.is_buried("/v/on/a")
    assert stones.raise_("one", 6)
    assert not stones.is_buried("/v/one/a")


def test_tombstones_are_bounded_in_number_and_time() -> None:
    stones = Tombstones(2, DAY_MS)
    for seq, name in enumerate(("a", "b", "c")):
        stones.bury(Tombstone(name, seq, NOW_MS + seq))

    assert [stone.video_id for stone in stones.saved()] == ["b", "c"]
    assert stones.expire(NOW_MS + 1 + DAY_MS) == 1
    assert "c" in stones and "b" not in stones


def test_a_catalogue_that_began_anew_can_publish_again() -> None:
    stones = Tombstones(2, DAY_MS)
    stones.bury(Tombstone("a", 900, NOW_MS))

    stones.renumber()

    assert stones.raise_("a", 1)
