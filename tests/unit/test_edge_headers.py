"""Ranges, conditions, hop-by-hop fields, Cache-Status."""

import pytest
from multidict import CIMultiDict

from edge.cache.freshness import Storable
from edge.headers import (
    CacheStatus,
    Forward,
    end_to_end,
    failed_status,
    has_looped,
    has_strict_precondition,
    if_range_holds,
    is_not_modified,
    is_plain,
    is_same_tag,
    printable,
    stored_detail,
    without_controls,
)
from tests.edge_cache_builders import DATE, headers

EARLIER = "Fri, 15 Jan 2027 07:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (None, True),
        ('"one"', True),
        ('"two"', False),
        ('W/"one"', False),
        (EARLIER, True),
        (DATE, False),
        ("rubbish", False),
    ],
)
def test_a_range_is_served_only_of_the_version_that_the_client_holds(value: str | None, holds: bool) -> None:
    held = headers(ETag='"one"', Last_Modified=EARLIER, Date=DATE)

    assert if_range_holds(value, held) is holds


def test_a_date_of_the_same_second_is_too_weak_for_a_range() -> None:
    assert not if_range_holds(DATE, headers(Last_Modified=DATE, Date=DATE))


def test_a_weak_tag_is_too_weak_for_a_range() -> None:
    assert not if_range_holds('W/"one"', headers(ETag='W/"one"'))


@pytest.mark.parametrize(
    ("asked", "is_held"),
    [
        ({"If_None_Match": '"one"'}, True),
        ({"If_None_Match": 'W/"one"'}, True),
        ({"If_None_Match": '"two", "one"'}, True),
        ({"If_None_Match": '"a,b", "one"'}, True),
        ({"If_None_Match": "*"}, True),
        ({"If_None_Match": '"two"'}, False),
        ({"If_None_Match": "one"}, False),
        ({"If_Modified_Since": EARLIER}, True),
        ({"If_Modified_Since": DATE}, True),
        ({"If_Modified_Since": "Fri, 15 Jan 2027 06:00:00 GMT"}, False),
        ({"If_Modified_Since": "rubbish"}, False),
        ({"If_None_Match": '"two"', "If_Modified_Since": DATE}, False),
        ({}, False),
    ],
)
def test_a_client_that_holds_the_version_is_told_so(asked: dict[str, str], is_held: bool) -> None:
    held = headers(ETag='"one"', Last_Modified=EARLIER, Date=DATE)

    assert is_not_modified(headers(**asked), held) is is_held


def test_nothing_matches_a_representation_without_validators() -> None:
    assert not is_not_modified(headers(If_None_Match='""'), headers())
    assert not is_not_modified(headers(If_Modified_Since=DATE), headers())


@pytest.mark.parametrize(("tag", "is_same"), [('"one"', True), ('W/"one"', True), ('"2"', False), ("", True)])
def test_a_304_speaks_of_the_held_version_or_of_another(tag: str, is_same: bool) -> None:
    answer = headers(ETag=tag) if tag else headers()

    assert is_same_tag(answer, headers(ETag='"one"')) is is_same


@pytest.mark.parametrize(
    "name", ["Range", "Cache-Control", "Pragma", "If-None-Match", "If-Modified-Since", "If-Match"]
)
def test_only_a_request_without_conditions_is_plain(name: str) -> None:
    assert is_plain(headers(Accept="*/*", If_Range="x"))
    assert not is_plain(headers((name, "x")))


def test_strict_preconditions_are_the_origins_to_judge() -> None:
    assert has_strict_precondition(headers(If_Match='"one"'))
    assert has_strict_precondition(headers(If_Unmodified_Since=DATE))
    assert not has_strict_precondition(headers(If_None_Match='"one"'))


def test_hop_by_hop_fields_stay_on_their_hop() -> None:
    told = headers(
        ("Connection", "close, X-Named"),
        ("Connection", "x-second"),
        ("X-Named", "1"),
        ("X-Second", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Keep-Alive", "timeout=5"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("X-Kept", "1"),
        ("X-Kept", "2"),
    )

    assert list(end_to_end(told).items()) == [("X-Kept", "1"), ("X-Kept", "2")]


def test_a_loop_is_the_same_node_again() -> None:
    told = headers(("CDN-Loop", "other, headstart-edge; n=1"), ("CDN-Loop", "third"))

    assert has_looped(told, "headstart-edge;n=1")
    assert not has_looped(told, "headstart-edge;n=2")
    assert not has_looped(headers(), "headstart-edge;n=1")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (CacheStatus("memory"), "edge; hit; detail=memory"),
        (CacheStatus("memory", ttl_s=-5), "edge; hit; ttl=-5; detail=memory"),
        (
            CacheStatus("origin", Forward.MISS, 200, is_stored=True),
            "edge; fwd=uri-miss; fwd-status=200; stored; detail=origin",
        ),
        (
            CacheStatus("origin", Forward.MISS, 200, is_stored=True, is_collapsed=True),
            "edge; fwd=uri-miss; fwd-status=200; stored; collapsed; detail=origin",
        ),
        (CacheStatus("private", Forward.MISS, 200), "edge; fwd=uri-miss; fwd-status=200; detail=private"),
        (CacheStatus("", Forward.METHOD, 405), "edge; fwd=method; fwd-status=405"),
    ],
)
def test_cache_status_tells_the_way(status: CacheStatus, text: str) -> None:
    assert status.render("edge") == text


def test_an_error_is_neither_a_hit_nor_without_a_reason() -> None:
    assert (
        failed_status("edge", "origin_timeout", is_forwarded=True)
        == "edge; fwd=uri-miss; detail=origin_timeout"
    )
    assert failed_status("edge", "not_cached", is_forwarded=False) == "edge; detail=not_cached"


@pytest.mark.parametrize("verdict", [verdict for verdict in Storable if verdict is not Storable.YES])
def test_every_no_has_its_reason_in_cache_status(verdict: Storable) -> None:
    assert stored_detail(verdict) == verdict.value
    assert stored_detail(Storable.YES) == "origin"


def test_controls_become_spaces_and_all_else_stays() -> None:
    said = CIMultiDict([("A", "a\x01b\x7f"), ("A", "tab\tcafé\udcff"), ("B", "\x00")])

    assert list(without_controls(said).items()) == [("A", "a b"), ("A", "tab\tcafé\udcff"), ("B", "")]
    assert without_controls(plain := CIMultiDict(A="a")) is plain
    assert printable("O\x1fK") == "O K"
