"""RFC 9111 section 4.4: invalidating stored responses, and what POST may store (RFC 9110 9.3.3).

A change of state that did not fail makes untrue what is stored of the target and of what it points at.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Told, told

METHODS = ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "MKCOL")
DONE = Told(200, (("Cache-Control", "no-store"),))


async def is_kept(lab: Lab, reply: Told, method: str, stored: str = "", host: str = "edge.example") -> bool:
    """Whether what is stored outlives an unsafe request that is answered so; `stored` is a sub-path."""
    target = lab.tell(reply)
    path = target + stored
    lab.origin.replies[path] = [
        told("max-age=600"),
        *([reply] if path == target else []),
        told("max-age=600"),
    ]
    await lab.ask(path)
    await lab.ask(target, ("Host", host), method=method, body=b"abc")
    n_before = lab.n_seen(path)
    await lab.ask(path)
    return lab.n_seen(path) == n_before


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [200, 201, 204, 303])
async def test_a_change_that_did_not_fail_invalidates_its_target(lab: Lab, method: str, status: int) -> None:
    assert not await is_kept(lab, Told(status), method)


@pytest.mark.optimal
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [400, 500])
async def test_a_change_that_failed_invalidates_nothing(lab: Lab, method: str, status: int) -> None:
    assert await is_kept(lab, Told(status), method)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
async def test_a_safe_method_invalidates_nothing(lab: Lab, method: str) -> None:
    assert await is_kept(lab, Told(200), method)


@pytest.mark.parametrize("field", ["Location", "Content-Location"])
@pytest.mark.parametrize(
    "form", ["{target}/of", "http://edge.example{target}/of", "//EDGE.example{target}/of"]
)
@pytest.mark.parametrize("method", METHODS[:4])
async def test_what_the_answer_points_at_is_invalidated_too(
    lab: Lab, field: str, form: str, method: str
) -> None:
    target = f"/{next(lab.paths) + 1}"
    reply = Told(200, ((field, form.format(target=target)),))

    assert not await is_kept(lab, reply, method, "/of")


@pytest.mark.parametrize("field", ["Location", "Content-Location"])
async def test_a_relative_reference_is_resolved(lab: Lab, field: str) -> None:
    path, target = "/folder/other", "/folder/thing"
    lab.origin.replies[path] = [told("max-age=600")]
    lab.origin.replies[target] = [Told(200, ((field, "other"),))]
    await lab.ask(path)
    await lab.ask(target, method="POST", body=b"abc")
    await lab.ask(path)

    assert lab.n_seen(path) == 2


@pytest.mark.parametrize("field", ["Location", "Content-Location"])
@pytest.mark.parametrize(
    "form", ["http://other.example{target}/of", "//other.example{target}/of", "ftp:{target}/of"]
)
async def test_another_origin_has_no_say(lab: Lab, field: str, form: str) -> None:
    target = f"/{next(lab.paths) + 1}"
    reply = Told(200, ((field, form.format(target=target)),))

    assert await is_kept(lab, reply, "POST", "/of")


async def test_every_variant_is_invalidated(lab: Lab) -> None:
    stored = told("max-age=600", ("Vary", "Foo"))
    path = lab.tell(stored, stored, DONE, stored)
    for wish in ("1", "2"):
        await lab.ask(path, ("Foo", wish))
    await lab.ask(path, method="POST", body=b"abc")
    for wish in ("1", "2"):
        await lab.ask(path, ("Foo", wish))

    assert lab.n_seen(path) == 5


@pytest.mark.optimal
@pytest.mark.parametrize("freshness", ["Cache-Control", "Expires"])
async def test_an_answer_to_post_that_is_the_resource_itself_is_stored_for_get(
    lab: Lab, freshness: str
) -> None:
    path = f"/{next(lab.paths)}"
    fresh = (freshness, "max-age=600" if freshness == "Cache-Control" else lab.date(600))
    lab.origin.replies[path] = [Told(200, (fresh, ("Content-Location", path)))]
    await lab.ask(path, method="POST", body=b"abc")

    stored = await lab.ask(path)

    assert (stored.body, lab.n_seen(path)) == (b"body", 1)


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (200, (("Cache-Control", "max-age=600"),)),
        (200, (("Cache-Control", "max-age=600"), ("Content-Location", "/elsewhere"))),
        (200, (("Content-Location", "{path}"),)),
        (200, (("Cache-Control", "private, max-age=600"), ("Content-Location", "{path}"))),
        (201, (("Cache-Control", "max-age=600"), ("Content-Location", "{path}"))),
    ],
)
async def test_any_other_answer_to_post_is_not(
    lab: Lab, status: int, fields: tuple[tuple[str, str], ...]
) -> None:
    path = f"/{next(lab.paths)}"
    lab.origin.replies[path] = [
        Told(status, tuple((name, value.format(path=path)) for name, value in fields))
    ]
    await lab.ask(path, method="POST", body=b"abc")
    await lab.ask(path)

    assert lab.n_seen(path) == 2


async def test_post_is_never_answered_from_the_cache(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path)
    await lab.ask(path, method="POST", body=b"abc")

    assert (lab.n_seen(path), lab.last(path).body) == (2, b"abc")
