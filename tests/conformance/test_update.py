"""RFC 9111 sections 3.2 and 4.3.4: what a 304 updates, and what it leaves alone.

Every field that it brings is taken over, but not what describes the stored bytes.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import told

TAG = ("ETag", '"abc"')
TAKEN = (
    ("Test-Header", "A", "B"),
    ("X-Test-Header", "A", "B"),
    ("Content-Foo", "A", "B"),
    ("X-Content-Foo", "A", "B"),
    ("Content-Location", "/foo", "/bar"),
    ("Content-Security-Policy", "default-src 'self'", "default-src 'self' cdn.example.com"),
    ("Content-Type", "text/plain", "text/plain;charset=utf-8"),
    ("Clear-Site-Data", "cache", "cookies"),
    ("Expires", "Fri, 01 Jan 2038 01:01:01 GMT", "Mon, 11 Jan 2038 11:11:11 GMT"),
    ("Public-Key-Pins", "A", "B"),
    ("Set-Cookie", "a=b", "a=c"),
    ("Set-Cookie2", "a=b", "a=c"),
    ("X-Frame-Options", "deny", "sameorigin"),
    ("X-XSS-Protection", "1", "1; mode=block"),
)
LEFT = (
    ("Content-Length", "4", "10"),
    ("Content-Encoding", "gzip", "br"),
    ("Content-MD5", "rL0Y20zC+Fzt72VPzMSk2A==", "N7UdGUp1E+RbVvZSTy1R8g=="),
    ("Content-Digest", "sha-256=:YQ==:", "sha-256=:Yg==:"),
    ("Repr-Digest", "sha-256=:YQ==:", "sha-256=:Yg==:"),
    ("Content-Range", "bytes 0-3/4", "bytes 0-9/10"),
)


@pytest.mark.parametrize(("name", "old", "new"), TAKEN, ids=lambda value: str(value)[:20])
@pytest.mark.parametrize("validator", [TAG, ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")])
async def test_a_304_replaces(lab: Lab, name: str, old: str, new: str, validator: tuple[str, str]) -> None:
    path = lab.tell(
        told("max-age=2", validator, (name, old)), told("max-age=2", validator, (name, new), status=304)
    )
    await lab.ask(path)
    lab.clock.advance(3)

    updated, stored = await lab.ask(path), await lab.ask(path)

    assert (updated.get(name), stored.get(name)) == (new, new)
    assert lab.n_seen(path) == 2


@pytest.mark.parametrize(("name", "old", "new"), LEFT, ids=lambda value: str(value)[:20])
async def test_a_304_leaves_alone(lab: Lab, name: str, old: str, new: str) -> None:
    path = lab.tell(told("max-age=2", TAG, (name, old)), told("max-age=600", TAG, (name, new), status=304))
    await lab.ask(path)
    lab.clock.advance(3)

    updated, stored = await lab.ask(path), await lab.ask(path)

    assert (updated.get(name), stored.get(name), stored.body) == (old, old, b"body")
    assert lab.n_seen(path) == 2


async def test_a_304_that_omits_a_field_leaves_it(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG, ("Test-Header", "A")), told("max-age=600", TAG, status=304))
    await lab.ask(path)
    lab.clock.advance(3)

    assert [(await lab.ask(path)).get("Test-Header") for _ in range(2)] == ["A", "A"]


async def test_a_304_renews_freshness_and_age(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG, ("Age", "1")), told("max-age=600", TAG, ("Age", "7"), status=304))
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path)
    lab.clock.advance(5)

    stored = await lab.ask(path)

    assert (stored.age, lab.n_seen(path)) == (12, 2)


async def test_fields_that_belong_to_a_connection_are_not_taken_from_a_304(lab: Lab) -> None:
    update = told("max-age=600", TAG, ("Connection", "a"), ("a", "1"), ("Keep-Alive", "x"), status=304)
    path = lab.tell(told("max-age=2", TAG), update)
    await lab.ask(path)
    lab.clock.advance(3)

    for answer in [await lab.ask(path) for _ in range(2)]:
        assert (answer.get("a"), answer.get("Keep-Alive")) == (None, None)


@pytest.mark.parametrize("control", ["no-store", "no-store, max-age=600", "private, max-age=600"])
async def test_a_304_that_forbids_storing_is_obeyed(lab: Lab, control: str) -> None:
    path = lab.tell(told("max-age=2", TAG), told(control, TAG, status=304), told("no-store", body=b"new"))
    await lab.ask(path)
    lab.clock.advance(3)

    validated, after = await lab.ask(path), await lab.ask(path)

    assert (validated.body, after.body) == (b"body", b"new")
    assert validated.how == f"fwd=stale; fwd-status=304; detail={control.partition(',')[0]}"


async def test_a_304_for_one_user_updates_nothing_for_the_others(lab: Lab) -> None:
    path = lab.tell(
        told("max-age=2", TAG), told("max-age=600", TAG, ("A", "ann"), status=304), told("max-age=9")
    )
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path, ("Authorization", "Basic x"))

    assert (await lab.ask(path)).get("A") is None
    assert lab.n_seen(path) == 3
