"""RFC 9110 sections 7 to 10 and RFC 9112: requests that are legal and seldom seen.

Asterisk and absolute form, a body that waits to be asked for, and what stands behind a good request.
"""

import asyncio

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Told, exchange, told

OK, DONE = told("max-age=600"), told("no-store")
HOST = "Host: edge.example"


async def said(lab: Lab, data: bytes, until: bytes) -> bytes:
    """What comes back for these bytes, up to `until`."""
    host, port = lab.edge_url.removeprefix("http://").split(":")
    async with asyncio.timeout(15):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(data)
            return await reader.readuntil(until)
        finally:
            writer.close()


async def test_a_client_that_waits_with_its_body_is_asked_for_it(lab: Lab) -> None:
    path = lab.tell(DONE)
    host, port = lab.edge_url.removeprefix("http://").split(":")
    async with asyncio.timeout(15):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"PUT {path} HTTP/1.1\r\n{HOST}\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n".encode()
        )
        interim = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc")
        final = await reader.readuntil(b"\r\n\r\n")
        writer.close()

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert final.startswith(b"HTTP/1.1 200")
    assert (lab.last(path).body, lab.last(path).get("Expect")) == (b"abc", None)


@pytest.mark.parametrize(("version", "expected"), [("1.0", "100-continue"), ("1.1", "something-else")])
async def test_nobody_else_is_told_to_continue(lab: Lab, version: str, expected: str) -> None:
    path = lab.tell(DONE)

    answer = await lab.ask(path, ("Expect", expected), method="PUT", body=b"abc", version=version)

    assert (answer.status, answer.interim) == (200, [])


async def test_a_body_that_is_too_long_is_refused_before_it_is_sent(lab: Lab) -> None:
    path = lab.tell(DONE)
    head = f"PUT {path} HTTP/1.1\r\n{HOST}\r\nExpect: 100-continue\r\nContent-Length: {10**12}\r\n\r\n"

    assert (await said(lab, head.encode(), b"\r\n")).startswith(b"HTTP/1.1 413")


async def test_options_of_the_server_itself_are_answered_here(lab: Lab) -> None:
    answer = await exchange(lab.edge_url, f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n\r\n".encode())

    assert (answer.status, lab.origin.seen) == (204, [])
    assert (await exchange(lab.edge_url, f"HEAD * HTTP/1.1\r\n{HOST}\r\n\r\n".encode())).status == 400


@pytest.mark.parametrize(
    ("authority", "host", "status"),
    [
        ("http://edge.example", "edge.example", 200),
        ("HTTP://EDGE.example:80", "edge.example", 200),
        ("http://edge.example", "edge.example:80", 200),
        ("http://edge.example:", "edge.example", 200),
        ("https://edge.example:443", "edge.example", 200),
        ("http://edge.example:443", "edge.example", 400),
        ("http://edge.example:8080", "edge.example", 400),
        ("http://other.example", "edge.example", 400),
    ],
)
async def test_an_absolute_target_names_the_host_in_any_of_its_spellings(
    lab: Lab, authority: str, host: str, status: int
) -> None:
    path = lab.tell(OK)

    answer = await exchange(lab.edge_url, f"GET {authority}{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    assert answer.status == status


@pytest.mark.parametrize("bad", [b"no request\r\n\r\n", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"\x00\x01"])
@pytest.mark.parametrize("field", ["Accept: */*", "X-Seldom: 1"])
async def test_what_stands_behind_a_good_request_does_not_take_its_answer(
    lab: Lab, bad: bytes, field: str
) -> None:
    path = lab.tell(OK)
    good = f"GET {path} HTTP/1.1\r\n{HOST}\r\n{field}\r\n\r\n".encode()

    came = await said(lab, good * 3 + bad + b"\r\n\r\n", b" 400 Bad Request\r\n")

    assert came.count(b"HTTP/1.1 200 ") == 3
    assert came.count(b"body") == 3


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_an_origin_that_switches_protocols_unasked_gives_no_answer(lab: Lab, method: str) -> None:
    path, plain = lab.tell(Told(101, (("Upgrade", "x"), ("Connection", "upgrade")), b"")), lab.tell(OK)
    await lab.ask(plain)  # a connection that rests

    first, second = await lab.ask(path, method=method), await lab.ask(path, ("X-Seldom", "1"), method=method)

    assert (first.status, second.status) == (502, 502)


async def test_errors_of_ours_tell_no_version_of_what_they_are_made_with(lab: Lab) -> None:
    path = lab.tell(Told(is_cut=True))

    assert (await lab.ask(path)).get("Server") == "headstart-edge"
