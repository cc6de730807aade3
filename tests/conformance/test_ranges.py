"""RFC 9110 section 14 and RFC 9111 section 3.4: ranges of what is stored.

A part is cut from a stored whole for a client whose condition holds; else the whole is sent, or 416.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Answer, told

BODY, TAG = b"0123456789A", ("ETag", '"abc"')


async def part(lab: Lab, *asked: tuple[str, str], method: str = "GET") -> Answer:
    """What comes of a request once the whole is stored; never a second request to the origin."""
    path = lab.tell(told("max-age=600", TAG, ("A", "1"), body=BODY))
    await lab.ask(path)
    answer = await lab.ask(path, *asked, method=method)
    assert lab.n_seen(path) == 1
    return answer


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("asked", "body", "content_range"),
    [
        ("bytes=0-1", b"01", "bytes 0-1/11"),
        ("bytes=1-", b"123456789A", "bytes 1-10/11"),
        ("bytes=-1", b"A", "bytes 10-10/11"),
        ("bytes=-99", BODY, "bytes 0-10/11"),
        ("bytes=9-99", b"9A", "bytes 9-10/11"),
        ("BYTES=0-0", b"0", "bytes 0-0/11"),
    ],
)
async def test_a_part_is_cut_from_the_whole(lab: Lab, asked: str, body: bytes, content_range: str) -> None:
    answer = await part(lab, ("Range", asked))

    assert (answer.status, answer.body, answer.get("Content-Range")) == (206, body, content_range)
    assert (answer.get("ETag"), answer.get("A"), answer.get("Content-Length")) == (
        '"abc"',
        "1",
        str(len(body)),
    )


@pytest.mark.parametrize("asked", ["bytes=11-", "bytes=99-100", "bytes=-0"])
async def test_a_range_beyond_the_end_is_416(lab: Lab, asked: str) -> None:
    answer = await part(lab, ("Range", asked))

    assert (answer.status, answer.get("Content-Range")) == (416, "bytes */11")


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=", "bytes=a-b", "lines=0-1", "0-1", "bytes 0-1"])
async def test_a_range_that_cannot_be_read_is_ignored(lab: Lab, asked: str) -> None:
    answer = await part(lab, ("Range", asked))

    assert (answer.status, answer.body) == (200, BODY)


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"abc"', 206), ('"old"', 200), ('W/"abc"', 200), ("Wed, 01 Jan 2020 00:00:00 GMT", 200)],
)
async def test_if_range_decides_between_the_part_and_the_whole(lab: Lab, condition: str, status: int) -> None:
    assert (await part(lab, ("Range", "bytes=0-1"), ("If-Range", condition))).status == status


async def test_if_none_match_wins_over_range(lab: Lab) -> None:
    assert (await part(lab, ("Range", "bytes=0-1"), ("If-None-Match", '"abc"'))).status == 304


async def test_a_range_is_for_get_only(lab: Lab) -> None:
    assert (await part(lab, ("Range", "bytes=0-1"), method="HEAD")).status == 200


@pytest.mark.parametrize(("asked", "status"), [("bytes=-5", 200), ("bytes=0-", 416), ("bytes=-0", 416)])
async def test_the_last_bytes_of_nothing_are_all_of_it(lab: Lab, asked: str, status: int) -> None:
    path = lab.tell(told("max-age=600", body=b""))

    cold = await lab.ask(path, ("Range", asked))
    await lab.ask(path)
    stored = await lab.ask(path, ("Range", asked))

    assert (cold.status, stored.status, stored.body) == (status, status, b"")
