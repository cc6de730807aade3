"""RFC 9111 section 4.3: validation, asked for by clients and of the origin.

A client's condition is answered from what is stored; a stale answer is validated with its own validators.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import told

TAG = ("ETag", '"abc"')
ODD_TAG = '"abcdef\u00fc"'


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("etag", "condition"),
    [
        ('"abc"', '"abc"'),
        ('"abc"', 'W/"abc"'),
        ('W/"abc"', 'W/"abc"'),
        ('W/"abc"', '"abc"'),
        ('"abc"', '"abc", "1", "2"'),
        ('"abc"', '"1", "abc", "2"'),
        ('"abc"', '"1", "2", "abc"'),
        ('"a,b"', '"1", "a,b"'),
        ('"abc"', "*"),
        (ODD_TAG, ODD_TAG),
    ],
)
async def test_if_none_match_that_matches_is_answered_304_from_the_cache(
    lab: Lab, etag: str, condition: str
) -> None:
    path = lab.tell(told("max-age=600", ("ETag", etag)))
    await lab.ask(path)

    answer = await lab.ask(path, ("If-None-Match", condition))

    assert (answer.status, answer.body, answer.get("ETag")) == (304, b"", etag)
    assert lab.n_seen(path) == 1


@pytest.mark.parametrize("condition", ['"abd"', "abc", '"ABC"', '""', '"abc', 'w/"abd"'])
async def test_if_none_match_that_does_not_match_gets_the_whole(lab: Lab, condition: str) -> None:
    path = lab.tell(told("max-age=600", TAG))
    await lab.ask(path)

    answer = await lab.ask(path, ("If-None-Match", condition))

    assert (answer.status, answer.body) == (200, b"body")
    assert lab.n_seen(path) == 1


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("modified_s", "asked_s", "status"), [(-3000, -3000, 304), (-3000, -2000, 304), (-3000, -4000, 200)]
)
async def test_if_modified_since_is_answered_from_the_cache(
    lab: Lab, modified_s: int, asked_s: int, status: int
) -> None:
    path = lab.tell(told("max-age=600", ("Last-Modified", lab.date(modified_s))))
    await lab.ask(path)

    answer = await lab.ask(path, ("If-Modified-Since", lab.date(asked_s)))

    assert (answer.status, lab.n_seen(path)) == (status, 1)


@pytest.mark.parametrize(("asked_s", "status"), [(0, 304), (60, 304), (-60, 200)])
async def test_if_modified_since_is_held_against_the_date_when_there_is_no_last_modified(
    lab: Lab, asked_s: int, status: int
) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path)

    assert (await lab.ask(path, ("If-Modified-Since", lab.date(asked_s)))).status == status


async def test_if_modified_since_that_is_no_date_is_ignored(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Last-Modified", lab.date(-9))))
    await lab.ask(path)

    assert (await lab.ask(path, ("If-Modified-Since", "yesterday"))).status == 200


async def test_if_none_match_wins_over_if_modified_since(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", TAG, ("Last-Modified", lab.date(-5000))))
    await lab.ask(path)

    same = await lab.ask(path, ("If-None-Match", '"abc"'), ("If-Modified-Since", lab.date(-9000)))
    other = await lab.ask(path, ("If-None-Match", '"x"'), ("If-Modified-Since", lab.date()))

    assert (same.status, other.status) == (304, 200)


async def test_a_304_tells_what_a_client_needs_to_update_what_it_holds(lab: Lab) -> None:
    fields = (
        TAG,
        ("Content-Location", "/x"),
        ("Expires", lab.date(9)),
        ("Vary", "Foo"),
        ("Content-Type", "a/b"),
    )
    path = lab.tell(told("max-age=600", *fields))
    await lab.ask(path)

    answer = await lab.ask(path, ("If-None-Match", '"abc"'))

    assert {"ETag", "Cache-Control", "Content-Location", "Date", "Expires", "Vary", "Age"} <= {
        name.title().replace("Etag", "ETag") for name, _ in answer.fields
    }
    assert answer.get("Content-Length") in (None, "4")


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("validator", "condition"),
    [
        (TAG, ("If-None-Match", '"abc"')),
        (("ETag", 'W/"abc"'), ("If-None-Match", 'W/"abc"')),
        (
            ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"),
            ("If-Modified-Since", "Wed, 01 Jan 2020 00:00:00 GMT"),
        ),
    ],
)
@pytest.mark.parametrize(
    "control", ["max-age=2", "max-age=2, must-revalidate", "no-cache", "max-age=99, no-cache"]
)
async def test_a_stale_answer_is_validated_with_its_own_validator(
    lab: Lab, validator: tuple[str, str], condition: tuple[str, str], control: str
) -> None:
    path = lab.tell(told(control, validator), told(control, validator, status=304))
    await lab.ask(path)
    lab.clock.advance(3)

    answer = await lab.ask(path)

    assert (answer.status, answer.body) == (200, b"body")
    assert lab.last(path).get(condition[0]) == condition[1]


async def test_a_validation_carries_the_nominated_fields(lab: Lab) -> None:
    path = lab.tell(
        told("max-age=2", TAG, ("Vary", "Abc")), told("max-age=2", TAG, ("Vary", "Abc"), status=304)
    )
    await lab.ask(path, ("Abc", "123"))
    lab.clock.advance(3)
    await lab.ask(path, ("Abc", "123"))

    assert (lab.last(path).get("If-None-Match"), lab.last(path).get("Abc")) == ('"abc"', "123")


async def test_the_clients_own_condition_does_not_reach_the_origin_in_place_of_the_caches(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG), told("max-age=2", TAG, status=304))
    await lab.ask(path)
    lab.clock.advance(3)

    answer = await lab.ask(path, ("If-None-Match", '"old"'))

    assert (answer.status, answer.body) == (200, b"body")
    assert lab.last(path).get("If-None-Match") == '"abc"'


@pytest.mark.optimal
async def test_a_condition_that_holds_after_validation_gets_304(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG), told("max-age=2", TAG, status=304))
    await lab.ask(path)
    lab.clock.advance(3)

    assert (await lab.ask(path, ("If-None-Match", '"abc"'))).status == 304


async def test_an_answer_that_changed_replaces_the_stored_one(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG), told("max-age=600", ("ETag", '"new"'), body=b"new"))
    await lab.ask(path)
    lab.clock.advance(3)

    assert [(await lab.ask(path)).body for _ in range(2)] == [b"new", b"new"]
    assert lab.n_seen(path) == 2


async def test_a_304_about_something_else_updates_nothing_and_is_asked_again(lab: Lab) -> None:
    stranger = told("max-age=600", ("ETag", '"other"'), status=304)
    path = lab.tell(told("max-age=2", TAG), stranger, told("max-age=600", ("ETag", '"other"'), body=b"other"))
    await lab.ask(path)
    lab.clock.advance(3)

    answer = await lab.ask(path)

    assert (answer.status, answer.body, answer.get("ETag")) == (200, b"other", '"other"')
    assert lab.last(path).get("If-None-Match") is None


async def test_a_server_error_on_validation_is_passed_on(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG), told(None, status=500, body=b"broken"))
    await lab.ask(path)
    lab.clock.advance(3)

    assert (await lab.ask(path)).status == 500
