"""Stored responses: what they keep, how old they are, what a validation changes."""

import pytest

from edge.cache.entry import Times, tags_of, updated
from tests.edge_cache_builders import DATE, NOW_MS, TO_THE_LETTER, headers, make_entry


def test_fields_that_tell_one_responses_way_are_not_kept() -> None:
    entry = make_entry(Age="5", Cache_Status="up; hit", Proxy_Authenticate="Basic", X_Kept="1")

    assert "X-Kept" in entry.headers
    assert not {"Age", "Cache-Status", "Proxy-Authenticate"} & set(entry.headers)


def test_the_age_that_it_came_with_goes_on_growing() -> None:
    entry = make_entry(Age="5")

    assert entry.meta.age_s(NOW_MS) == 5
    assert entry.meta.age_s(NOW_MS + 2500) == 7.5


def test_what_came_by_a_clock_that_was_ahead_is_at_least_as_old_as_that_was_wrong() -> None:
    assert make_entry(Age="5").meta.age_s(NOW_MS - 60_000) == 65


def test_tags_are_read_whole_and_once() -> None:
    told = headers(("Surrogate-Key", "video:1  creator:2"), ("Surrogate-Key", "video:1"))

    assert tags_of(told) == ("video:1", "creator:2")


def test_a_validation_replaces_fields_and_restarts_the_age() -> None:
    entry = make_entry(Age="50", X_Old="1", X_Changed="1")
    told = headers(Cache_Control="max-age=90", Date=DATE, X_Changed="2", X_New="3")

    fresh = updated(entry, told, Times(NOW_MS + 60_000, NOW_MS + 60_000), TO_THE_LETTER)

    assert (
        fresh.headers["X-Changed"] == "2" and fresh.headers["X-New"] == "3" and fresh.headers["X-Old"] == "1"
    )
    assert fresh.meta.policy.lifetime_s == 90
    assert fresh.body is entry.body and fresh.key == entry.key


def test_a_validation_does_not_touch_what_describes_the_bytes() -> None:
    entry = make_entry(Content_Encoding="gzip", Content_Length="7", Repr_Digest="sha-256=:YQ==:")
    told = headers(Content_Length="0", Content_Encoding="br", Repr_Digest="sha-256=:Yg==:", Date=DATE)

    fresh = updated(entry, told, Times(NOW_MS, NOW_MS), TO_THE_LETTER)

    assert fresh.headers["Content-Encoding"] == "gzip"
    assert fresh.headers["Repr-Digest"] == "sha-256=:YQ==:"
    assert fresh.headers.getall("Content-Length") == ["7"]


def test_the_age_after_a_validation_is_that_of_the_validation() -> None:
    later = Times(NOW_MS, NOW_MS)

    assert (
        updated(make_entry(Age="50"), headers(Age="3", Date=DATE), later, TO_THE_LETTER).meta.age_s(NOW_MS)
        == 3
    )


def test_two_requests_that_vary_are_two_keys() -> None:
    gzip = make_entry(request=headers(Accept_Encoding="gzip"), Vary="Accept-Encoding")
    plain = make_entry(request=headers(), Vary="Accept-Encoding")

    assert gzip.key != plain.key
    assert gzip.meta.primary == plain.meta.primary


def test_a_validation_replaces_every_other_field_it_brings() -> None:
    entry = make_entry(Content_Type="text/plain", Content_MD5="YQ==")
    told = headers(Content_Type="text/plain;charset=utf-8", Content_MD5="Yg==", X_New="1", Date=DATE)

    fresh = updated(entry, told, Times(NOW_MS, NOW_MS), TO_THE_LETTER)

    assert fresh.headers["Content-Type"] == "text/plain;charset=utf-8"
    assert fresh.headers["X-New"] == "1"
    assert fresh.headers["Content-MD5"] == "YQ=="


@pytest.mark.parametrize("control", ['private="x-secret, X-Other"', 'no-cache="X-Secret,x-other"'])
def test_fields_that_are_for_the_first_client_only_are_not_stored(control: str) -> None:
    entry = make_entry(Cache_Control=f"max-age=60, {control}", X_Secret="1", X_Other="2", X_Open="3")

    assert {name.lower() for name, _ in entry.meta.fields} & {"x-secret", "x-other", "x-open"} == {"x-open"}
