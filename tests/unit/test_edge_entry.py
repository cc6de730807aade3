"""Stored responses: what they keep, how old they are, what a validation changes."""

from edge.cache.entry import Times, tags_of, updated
from tests.edge_cache_builders import DATE, NO_NEGATIVE, NOW_MS, headers, make_entry


def test_fields_that_tell_one_responses_way_are_not_kept() -> None:
    entry = make_entry(Age="5", Cache_Status="up; hit", Proxy_Authenticate="Basic", X_Kept="1")

    assert "X-Kept" in entry.headers
    assert not {"Age", "Cache-Status", "Proxy-Authenticate"} & set(entry.headers)


def test_the_age_that_it_came_with_goes_on_growing() -> None:
    entry = make_entry(Age="5")

    assert entry.meta.age_s(NOW_MS) == 5
    assert entry.meta.age_s(NOW_MS + 2500) == 7.5


def test_a_clock_that_goes_back_makes_nothing_younger() -> None:
    assert make_entry(Age="5").meta.age_s(NOW_MS - 60_000) == 5


def test_tags_are_read_whole_and_once() -> None:
    told = headers(("Surrogate-Key", "video:1  creator:2"), ("Surrogate-Key", "video:1"))

    assert tags_of(told) == ("video:1", "creator:2")


def test_a_validation_replaces_fields_and_restarts_the_age() -> None:
    entry = make_entry(Age="50", X_Old="1", X_Changed="1")
    told = headers(Cache_Control="max-age=90", Date=DATE, X_Changed="2", X_New="3")

    fresh = updated(entry, told, Times(NOW_MS + 60_000, NOW_MS + 60_000), NO_NEGATIVE)

    assert (
        fresh.headers["X-Changed"] == "2" and fresh.headers["X-New"] == "3" and fresh.headers["X-Old"] == "1"
    )
    assert fresh.meta.policy.lifetime_s == 90
    assert fresh.body is entry.body and fresh.key == entry.key


def test_a_validation_does_not_touch_what_describes_the_bytes() -> None:
    entry = make_entry(Content_Type="video/mp4", Content_Length="7")
    told = headers(Content_Length="0", Content_Type="text/plain", Date=DATE)

    fresh = updated(entry, told, Times(NOW_MS, NOW_MS), NO_NEGATIVE)

    assert fresh.headers["Content-Type"] == "video/mp4"
    assert fresh.headers.getall("Content-Length") == ["7"]


def test_the_age_after_a_validation_is_that_of_the_validation() -> None:
    later = Times(NOW_MS, NOW_MS)

    assert (
        updated(make_entry(Age="50"), headers(Age="3", Date=DATE), later, NO_NEGATIVE).meta.age_s(NOW_MS) == 3
    )


def test_two_requests_that_vary_are_two_keys() -> None:
    gzip = make_entry(request=headers(Accept_Encoding="gzip"), Vary="Accept-Encoding")
    plain = make_entry(request=headers(), Vary="Accept-Encoding")

    assert gzip.key != plain.key
    assert gzip.meta.primary == plain.meta.primary
