"""RFC 9111: stored, fresh, how old, and served stale or not."""

import pytest

from edge.cache.freshness import (
    NO_RULES,
    NegativeLimits,
    Policy,
    RequestRules,
    Storable,
    Verdict,
    initial_age_s,
    judge,
    may_serve_on_error,
    policy,
    request_rules,
    storable,
)
from tests.edge_cache_builders import DATE, NO_NEGATIVE, NOW_MS, headers

MINUTE = {"Cache_Control": "max-age=60"}
LATER = "Fri, 15 Jan 2027 08:01:00 GMT"


def stored(told: dict[str, str], status: int = 200, method: str = "GET", request: str = "") -> Storable:
    asked = headers(Cache_Control=request) if request else headers()
    return storable(method, asked, status, headers(**told), NO_NEGATIVE)


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
        ({"Cache_Control": 'max-age=60, private="x"'}, Storable.PRIVATE),
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

    assert storable("GET", asked, 200, headers(Cache_Control=control), NO_NEGATIVE) is verdict


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
    assert policy(200, headers(Date=DATE, **fields), NO_NEGATIVE).lifetime_s == lifetime_s


def test_two_expires_fields_are_no_freshness() -> None:
    told = headers(("Date", DATE), ("Expires", LATER), ("Expires", LATER))

    assert policy(200, told, NO_NEGATIVE).lifetime_s == 0


@pytest.mark.parametrize("status", [404, 410])
def test_negative_answers_are_kept_for_as_long_as_the_operator_allows(status: int) -> None:
    limits = NegativeLimits(default_s=1, max_s=10)

    assert storable("GET", headers(), status, headers(), limits) is Storable.YES
    assert policy(status, headers(), limits).lifetime_s == 1
    assert policy(status, headers(Cache_Control="max-age=3600"), limits).lifetime_s == 10


def test_other_errors_without_freshness_are_not_kept() -> None:
    limits = NegativeLimits(default_s=1, max_s=10)

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
    assert policy(200, headers(Cache_Control=f"max-age=60, {said}"), NO_NEGATIVE).is_strict


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
