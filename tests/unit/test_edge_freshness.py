"""RFC 9111: stored, fresh, how old, and served stale or not."""

import pytest

from edge.cache.freshness import (
    NO_RULES,
    Policy,
    RequestRules,
    Storable,
    StorageRules,
    Verdict,
    initial_age_s,
    judge,
    may_serve_on_error,
    policy,
    request_rules,
    storable,
)
from tests.edge_cache_builders import DATE, NOW_MS, TO_THE_LETTER, headers

MINUTE = {"Cache_Control": "max-age=60"}
LONG_AGO = "Fri, 15 Jan 2027 07:58:20 GMT"
LATER = "Fri, 15 Jan 2027 08:01:00 GMT"


def stored(told: dict[str, str], status: int = 200, method: str = "GET", request: str = "") -> Storable:
    asked = headers(Cache_Control=request) if request else headers()
    return storable(method, asked, status, headers(**told), TO_THE_LETTER)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({"Cache_Control": "max-age=60"}, Storable.YES),
        ({"Cache_Control": "s-maxage=60"}, Storable.YES),
        ({"Cache_Control": "max-age=0"}, Storable.YES),
        ({"Expires": LATER}, Storable.YES),
        ({"Cache_Control": "no-cache", "ETag": '"a"'}, Storable.YES),
        ({"Cache_Control": "no-cache"}, Storable.NO_FRESHNESS),
        ({"Cache_Control": "public"}, Storable.NO_FRESHNESS),
        ({}, Storable.NO_FRESHNESS),
        ({"ETag": '"a"', "Last_Modified": DATE}, Storable.NO_FRESHNESS),
        ({"Cache_Control": "max-age=60, no-store"}, Storable.NO_STORE),
        ({"Cache_Control": "max-age=60, private"}, Storable.PRIVATE),
        ({"Cache_Control": 'max-age=60, private="x"'}, Storable.YES),
        ({"Cache_Control": "max-age=60", "Set_Cookie": "a=b"}, Storable.SET_COOKIE),
        ({"Cache_Control": "max-age=60", "Vary": "*"}, Storable.VARY_STAR),
        ({"Cache_Control": "max-age=60", "Vary": "Accept, *"}, Storable.VARY_STAR),
        ({"Cache_Control": "max-age=60", "Vary": "Accept"}, Storable.YES),
    ],
)
def test_a_response_is_stored_or_refused_with_the_reason(fields: dict[str, str], verdict: Storable) -> None:
    assert stored(fields) is verdict


@pytest.mark.parametrize("status", [200, 203, 204, 301, 302, 307, 404, 410, 500, 599])
def test_any_final_status_with_freshness_is_stored(status: int) -> None:
    assert stored(MINUTE, status) is Storable.YES


@pytest.mark.parametrize("status", [100, 199, 206, 304, 600])
def test_partial_and_interim_answers_are_not(status: int) -> None:
    assert stored(MINUTE, status) is Storable.STATUS


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS"])
def test_only_get_is_stored(method: str) -> None:
    assert stored(MINUTE, method=method) is Storable.METHOD


def test_a_request_can_refuse_storing() -> None:
    assert stored(MINUTE, request="no-store") is Storable.REQUEST_NO_STORE


@pytest.mark.parametrize(
    ("control", "verdict"),
    [
        ("max-age=60", Storable.AUTHORIZATION),
        ("max-age=60, public", Storable.YES),
        ("s-maxage=60", Storable.YES),
        ("max-age=60, must-revalidate", Storable.YES),
    ],
)
def test_an_authorised_answer_is_stored_only_when_it_says_so(control: str, verdict: Storable) -> None:
    asked = headers(Authorization="Bearer x")

    assert storable("GET", asked, 200, headers(Cache_Control=control), TO_THE_LETTER) is verdict


@pytest.mark.parametrize(
    ("fields", "lifetime_s"),
    [
        ({"Cache_Control": "max-age=60, s-maxage=5"}, 5),
        ({"Cache_Control": "max-age=60", "Expires": DATE}, 60),
        ({"Expires": LATER}, 60),
        ({"Expires": "0"}, 0),
        ({"Expires": DATE}, 0),
        ({"Cache_Control": "max-age=x"}, 0),
        ({"ETag": '"a"'}, 0),
    ],
)
def test_freshness_comes_from_the_first_that_speaks(fields: dict[str, str], lifetime_s: float) -> None:
    assert policy(200, headers(Date=DATE, **fields), TO_THE_LETTER).lifetime_s == lifetime_s


def test_two_expires_fields_are_no_freshness() -> None:
    told = headers(("Date", DATE), ("Expires", LATER), ("Expires", LATER))

    assert policy(200, told, TO_THE_LETTER).lifetime_s == 0


@pytest.mark.parametrize("status", [404, 410])
def test_negative_answers_are_kept_for_as_long_as_the_operator_allows(status: int) -> None:
    limits = StorageRules(negative_s=1, negative_max_s=10)

    assert storable("GET", headers(), status, headers(), limits) is Storable.YES
    assert policy(status, headers(), limits).lifetime_s == 1
    assert policy(status, headers(Cache_Control="max-age=3600"), limits).lifetime_s == 10


def test_other_errors_without_freshness_are_not_kept() -> None:
    limits = StorageRules(negative_s=1, negative_max_s=10)

    assert storable("GET", headers(), 500, headers(), limits) is Storable.NO_FRESHNESS


def test_age_is_what_the_origin_said_and_the_time_on_the_way() -> None:
    assert initial_age_s(headers(Date=DATE, Age="30"), NOW_MS, NOW_MS + 500) == 30.5


def test_a_date_in_the_past_is_age() -> None:
    assert initial_age_s(headers(Date=DATE), NOW_MS + 60_000, NOW_MS + 60_000) == 60


def test_a_date_in_the_future_is_no_age() -> None:
    assert initial_age_s(headers(Date=LATER), NOW_MS, NOW_MS) == 0


def rules_policy(**changes: float | bool | None) -> Policy:
    fields = {
        "lifetime_s": 60.0,
        "stale_while_revalidate_s": 0.0,
        "stale_if_error_s": None,
        "needs_validation": False,
        "is_strict": False,
    }
    return Policy(**fields | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "age_s", "verdict"),
    [
        ({}, 59.9, Verdict.FRESH),
        ({}, 60, Verdict.STALE),
        ({"needs_validation": True}, 0, Verdict.NO_CACHE),
        ({"stale_while_revalidate_s": 10.0}, 69, Verdict.STALE_WHILE_REVALIDATE),
        ({"stale_while_revalidate_s": 10.0}, 70, Verdict.STALE),
        ({"stale_while_revalidate_s": 10.0, "is_strict": True}, 65, Verdict.STALE),
    ],
)
def test_an_age_is_judged(changes: dict[str, float | bool], age_s: float, verdict: Verdict) -> None:
    assert judge(rules_policy(**changes), age_s, NO_RULES) is verdict


@pytest.mark.parametrize(
    ("said", "age_s", "verdict"),
    [
        ("no-cache", 0, Verdict.REQUEST),
        ("max-age=10", 11, Verdict.REQUEST),
        ("max-age=10", 9, Verdict.FRESH),
        ("min-fresh=30", 31, Verdict.REQUEST),
        ("min-fresh=30", 29, Verdict.FRESH),
        ("max-stale", 1000, Verdict.STALE_ALLOWED),
        ("max-stale=30", 89, Verdict.STALE_ALLOWED),
        ("max-stale=30", 91, Verdict.STALE),
        ("only-if-cached", 10, Verdict.FRESH),
    ],
)
def test_a_request_narrows_or_widens_what_is_served(said: str, age_s: float, verdict: Verdict) -> None:
    rules = request_rules(headers(Cache_Control=said))

    assert judge(rules_policy(), age_s, rules) is verdict


def test_max_stale_does_not_outweigh_must_revalidate() -> None:
    rules = RequestRules(max_stale_s=1000)

    assert judge(rules_policy(is_strict=True), 61, rules) is Verdict.STALE


@pytest.mark.parametrize("said", ["must-revalidate", "proxy-revalidate", "s-maxage=60"])
def test_strictness_is_read_from_the_response(said: str) -> None:
    assert policy(200, headers(Cache_Control=f"max-age=60, {said}"), TO_THE_LETTER).is_strict


@pytest.mark.parametrize(
    ("changes", "is_cut", "may"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"stale_if_error_s": 100.0}, False, True),
        ({"stale_if_error_s": 5.0}, False, False),
        ({"stale_if_error_s": 5.0}, True, False),
        ({"stale_if_error_s": 0.0}, True, False),
        ({"is_strict": True, "stale_if_error_s": 100.0}, True, False),
        ({"needs_validation": True}, True, False),
    ],
)
def test_a_failing_origin_is_stood_in_for_within_limits(
    changes: dict[str, float | bool], is_cut: bool, may: bool
) -> None:
    held = rules_policy(**changes)

    assert may_serve_on_error(held, age_s=70, is_disconnected=is_cut, default_s=86400) is may


@pytest.mark.parametrize(
    ("status", "control", "verdict"),
    [
        (200, "max-age=9, no-store, must-understand", Storable.YES),
        (599, "max-age=9, no-store, must-understand", Storable.NOT_UNDERSTOOD),
        (599, "max-age=9, must-understand", Storable.NOT_UNDERSTOOD),
        (599, "max-age=9", Storable.YES),
        (200, 'max-age=9, private="x"', Storable.YES),
        (200, 'max-age=9, private="x", private', Storable.PRIVATE),
    ],
)
def test_must_understand_and_qualified_private_decide_storing(
    status: int, control: str, verdict: Storable
) -> None:
    told = headers(Cache_Control=control)

    assert storable("GET", headers(), status, told, TO_THE_LETTER) is verdict


@pytest.mark.parametrize(
    ("targeted", "control", "verdict", "lifetime_s"),
    [
        ("max-age=3600", "no-store", Storable.YES, 3600),
        ("max-age=3600;a=1", "max-age=1", Storable.YES, 3600),
        ("foobar, max-age=3600", "no-store", Storable.YES, 3600),
        ("no-store", "max-age=60", Storable.NO_STORE, 0),
        ("private", "max-age=60", Storable.PRIVATE, 0),
        ("no-store=?0, max-age=5", "no-store", Storable.YES, 5),
        ("max-age=99999999999", "", Storable.YES, 2**31),
        ("max-age=10000, &&&&&", "no-store", Storable.NO_STORE, 0),
        ('max-age="10000"', "no-store", Storable.NO_STORE, 0),
        ("max-age=1.5", "max-age=7", Storable.YES, 7),
        ("MaX-aGe=3600", "max-age=7", Storable.YES, 7),
        ("", "max-age=7", Storable.YES, 7),
    ],
)
def test_a_targeted_field_that_is_well_formed_is_the_only_one_that_counts(
    targeted: str, control: str, verdict: Storable, lifetime_s: float
) -> None:
    told = headers(CDN_Cache_Control=targeted, Cache_Control=control, Expires=LATER, Date=DATE)

    assert storable("GET", headers(), 200, told, TO_THE_LETTER) is verdict
    if verdict is Storable.YES:
        assert policy(200, told, TO_THE_LETTER).lifetime_s == lifetime_s


def test_heuristics_are_off_unless_configured() -> None:
    told = headers(Date=DATE, Last_Modified=LONG_AGO)

    assert storable("GET", headers(), 200, told, StorageRules()) is Storable.NO_FRESHNESS


@pytest.mark.parametrize(
    ("status", "control", "lifetime_s"),
    [(200, "", 50), (501, "", 50), (403, "", 0), (599, "", 0), (599, "public", 50), (200, "max-age=3", 3)],
)
def test_a_configured_heuristic_is_a_bounded_share_for_the_right_statuses(
    status: int, control: str, lifetime_s: float
) -> None:
    rules = StorageRules(heuristic_share=0.5, heuristic_max_s=1e9, negative_max_s=1e9)
    told = headers(Date=DATE, Last_Modified=LONG_AGO, Cache_Control=control)

    assert policy(status, told, rules).lifetime_s == lifetime_s


def test_an_immutable_response_is_young_enough_for_max_age_but_not_for_no_cache() -> None:
    fixed = policy(200, headers(Cache_Control="max-age=60, immutable"), TO_THE_LETTER)

    assert judge(fixed, 30, RequestRules(max_age_s=0)) is Verdict.FRESH
    assert judge(fixed, 61, RequestRules(max_age_s=0)) is Verdict.REQUEST
    assert judge(fixed, 30, RequestRules(is_reload=True)) is Verdict.REQUEST


def test_a_request_may_ask_for_stale_if_error() -> None:
    plain = policy(200, headers(Cache_Control="max-age=1"), TO_THE_LETTER)

    assert may_serve_on_error(plain, 5, False, 0, RequestRules(stale_if_error_s=10))
    assert not may_serve_on_error(plain, 15, False, 0, RequestRules(stale_if_error_s=10))


def test_a_heuristic_has_a_ceiling() -> None:
    rules = StorageRules(heuristic_share=0.5, heuristic_max_s=7)

    assert policy(200, headers(Date=DATE, Last_Modified=LONG_AGO), rules).lifetime_s == 7
