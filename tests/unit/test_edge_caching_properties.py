"""What holds for every response and request, whatever their fields say: the safe side of RFC 9111."""

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache.directives import parse
from edge.cache.freshness import (
    RequestRules,
    Storable,
    StorageRules,
    Verdict,
    has_explicit_freshness,
    judge,
    policy,
    request_rules,
    storable,
)
from edge.cache.key import vary_values
from tests.edge_cache_builders import DATE, headers

PLAIN = "max-age=60|max-age=0|max-age=x|s-maxage=60|no-cache|no-store|private|public|must-revalidate"
ODD = 'private="a"|no-cache="a, b"|x="no-store, private"|max-age=60, max-age=5||"|=|;|stale-if-error=9'
DIRECTIVES = st.sampled_from(f"{PLAIN}|{ODD}".split("|"))
CONTROLS = st.lists(DIRECTIVES, max_size=5).map(", ".join)
NAMES = st.sampled_from(
    ["Cache-Control", "CDN-Cache-Control", "Expires", "Age", "Date", "Vary", "ETag", "Pragma"]
)
VALUES = (
    CONTROLS | st.sampled_from([DATE, "0", "*", "a, b", '"a"', "60"]) | st.text("az09 ,;=\"'*?-", max_size=12)
)
MESSAGES = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(
    lambda fields: CIMultiDictProxy(CIMultiDict(fields))
)
RULES = st.builds(
    RequestRules,
    is_reload=st.booleans(),
    max_age_s=st.none() | st.integers(0, 99),
    min_fresh_s=st.none() | st.integers(0, 99),
    max_stale_s=st.none() | st.floats(0, 99),
)


@given(CONTROLS, CONTROLS, st.sampled_from(["no-store", "private", "No-Store", "PRIVATE"]))
def test_nothing_beside_a_prohibition_lifts_it(before: str, after: str, prohibition: str) -> None:
    lines = [line for line in (before, prohibition, after) if '"' not in line.replace('="', "")]
    told = headers(*(("Cache-Control", line) for line in lines))

    assert storable("GET", headers(), 200, told, StorageRules()) is not Storable.YES


@given(MESSAGES, MESSAGES, st.integers(0, 700))
def test_what_is_stored_without_configuration_named_its_freshness(
    request: CIMultiDictProxy[str], told: CIMultiDictProxy[str], status: int
) -> None:
    rules = StorageRules()

    if storable("GET", request, status, told, rules) is Storable.YES:
        is_validated_each_time = policy(status, told, rules).needs_validation
        assert has_explicit_freshness(told, rules.targets) or is_validated_each_time


@given(MESSAGES, RULES, st.floats(0, 200))
def test_what_must_be_validated_is_never_served_as_it_is(
    told: CIMultiDictProxy[str], rules: RequestRules, age_s: float
) -> None:
    held = policy(200, told, StorageRules())
    verdict = judge(held, age_s, rules)

    if held.needs_validation or rules.is_reload:
        assert verdict in (Verdict.NO_CACHE, Verdict.REQUEST)
    if held.is_strict and age_s >= held.lifetime_s:
        assert verdict in (Verdict.STALE, Verdict.NO_CACHE, Verdict.REQUEST)


@given(MESSAGES, RULES, st.floats(0, 200), st.floats(0, 200))
def test_what_is_too_old_to_be_fresh_does_not_become_fresh_with_age(
    told: CIMultiDictProxy[str], rules: RequestRules, age_s: float, more_s: float
) -> None:
    held = policy(200, told, StorageRules())

    if judge(held, age_s, RequestRules()) is not Verdict.FRESH:
        assert judge(held, age_s + more_s, rules) is not Verdict.FRESH


@given(MESSAGES)
def test_a_request_can_always_be_read(request: CIMultiDictProxy[str]) -> None:
    rules = request_rules(request)

    assert rules.max_age_s is None or rules.max_age_s >= 0


@given(CONTROLS)
def test_reading_twice_is_reading_once(control: str) -> None:
    once, twice = parse([control]), parse([control, control])

    assert once.keys() == twice.keys()


@given(st.text("abAB,;=q01. *-", max_size=20), st.text("abAB,;=q01. *-", max_size=20))
def test_wishes_match_only_when_they_are_spelled_from_the_same_members(one: str, other: str) -> None:
    names = ("accept-language",)
    first, second = (vary_values(names, headers(Accept_Language=wish)) for wish in (one, other))

    if first == second and ";" not in one + other:
        assert _members(one) == _members(other)


def _members(wish: str) -> set[str]:
    return {member.strip().lower() for member in wish.split(",")} - {""}
