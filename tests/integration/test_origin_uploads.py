"""Uploads over real HTTP: good ones both ways, and bytes that are wrong, late, cut or too many."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shared.metrics import REGISTRY
from tests.clips import make_clip
from tests.origin_service import MAX_BYTES, UPLOADS, Origin, Tus, raw, running
from tests.waiting import eventually

FOUR_GB = 4 * 1024**3
FORM = "Host: x\nContent-Type: multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'


@pytest.fixture
async def origin(data_dir: Path) -> AsyncIterator[Origin]:
    async with running(data_dir / "origin") as origin:
        yield origin


@pytest.fixture
def clip(data_dir: Path) -> bytes:
    return make_clip(data_dir / "clip.mp4", seconds=1).read_bytes()


def claiming_four_gb(clip: bytes) -> bytes:
    at = clip.index(b"mdat") - 4
    return clip[:at] + struct.pack(">I4sQ", 1, b"mdat", FOUR_GB) + clip[at + 8 :]


def in_flight() -> float | None:
    return REGISTRY.get_sample_value("origin_uploads_in_flight")


WRONG: dict[str, tuple[Callable[[bytes], bytes], int, str]] = {
    "garbage": (lambda clip: bytes(range(7, 256)) * 400, 415, "unsupported_media"),
    "html": (lambda clip: b"<!DOCTYPE html><html><body>no video</body></html>", 415, "unsupported_media"),
    "empty": (lambda clip: b"", 415, "unsupported_media"),
    "truncated": (lambda clip: clip[: len(clip) * 2 // 3], 422, "broken_media"),
    "claims 4 GB": (claiming_four_gb, 422, "broken_media"),
}


async def test_an_upload_is_accepted_while_the_bus_is_away(origin: Origin, clip: bytes) -> None:
    status, told = await origin.upload(clip, caption="hello", creator="neon", hashtags="#a, #b")
    assert (status, told["status"]) == (201, "queued")
    assert (await origin.json(told["url"]))["status"] == "queued"
    assert origin.leftovers() == [told["id"]]


@pytest.mark.parametrize("name", WRONG)
async def test_wrong_bytes_are_refused_with_their_reason_and_leave_nothing(
    origin: Origin, clip: bytes, name: str
) -> None:
    make, status, code = WRONG[name]
    answered, problem = await origin.upload(make(clip), creator="neon")
    assert (answered, problem["type"]) == (status, f"urn:headstart:problem:{code}")
    assert problem["detail"]
    assert origin.leftovers() == []
    assert (await origin.upload(clip))[0] == 201


@pytest.mark.parametrize("name", [name for name in WRONG if name != "empty"])
async def test_wrong_bytes_sent_resumably_are_refused_with_the_last_one(
    origin: Origin, clip: bytes, name: str
) -> None:
    make, status, code = WRONG[name]
    body, tus = make(clip), Tus(origin)
    await tus.create(len(body))
    half = len(body) // 2
    assert (await tus.patch(0, body[:half])).status == 204
    answer = await tus.patch(half, body[half:])
    assert (answer.status, (await answer.json())["type"]) == (status, f"urn:headstart:problem:{code}")
    assert origin.leftovers() == []
    assert await tus.offset() == -1


async def test_a_form_that_claims_4_gb_is_refused_before_it_is_sent(origin: Origin) -> None:
    answer = await raw(origin.url, f"POST /v1/videos HTTP/1.1\n{FORM}\nContent-Length: {FOUR_GB}")
    assert answer.startswith("HTTP/1.1 413")
    assert f'"limit_bytes":{MAX_BYTES},"actual_bytes":{FOUR_GB}' in answer
    assert origin.leftovers() == []


async def test_who_asks_before_sending_4_gb_is_told_no(origin: Origin) -> None:
    head = f"POST /v1/videos HTTP/1.1\n{FORM}\nExpect: 100-continue\nContent-Length: {FOUR_GB}"
    assert (await raw(origin.url, head)).startswith("HTTP/1.1 413")


async def test_a_resumable_upload_that_claims_4_gb_is_refused(origin: Origin) -> None:
    assert await Tus(origin).create(FOUR_GB) == 413
    assert await Tus(origin).create(0) == 400


@pytest.mark.parametrize(
    ("head", "piece", "status", "limit"),
    [
        (PART, b"\x00\n", 413, {"limit_bytes": MAX_BYTES}),
        (b"", b"\x00", 400, {}),
        (b"", b"\n", 400, {"limit": 1000}),
    ],
)
async def test_an_endless_body_is_cut_at_a_limit(
    origin: Origin, head: bytes, piece: bytes, status: int, limit: dict[str, int]
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield head
        while True:
            yield piece * 32_768

    form = {"Content-Type": "multipart/form-data; boundary=b"}
    async with origin.http.post(origin.url + "/v1/videos", data=endless(), headers=form) as answer:
        problem = await answer.json(content_type=None)
        assert (answer.status, problem | limit) == (status, problem)
    await eventually(lambda: origin.leftovers() == [])


async def test_an_endless_patch_is_cut_at_the_uploads_length(origin: Origin) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(65_536)

    tus = Tus(origin)
    await tus.create(1_000_000)
    assert (await tus.patch(0, endless())).status == 413
    assert await tus.offset() <= 1_000_000


async def test_a_silent_client_is_given_up_and_leaves_nothing(origin: Origin) -> None:
    head = f"POST /v1/videos HTTP/1.1\n{FORM}\nContent-Length: 1000"
    answer = await raw(origin.url, head, PART + b"abc")
    assert answer.startswith("HTTP/1.1 408")
    assert "upload_stalled" in answer
    assert origin.leftovers() == []


async def test_a_form_that_is_cut_off_leaves_nothing(origin: Origin, clip: bytes) -> None:
    host, _, port = origin.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/videos HTTP/1.1\n{FORM}\nContent-Length: {len(clip)}\n\n".replace("\n", "\r\n")
    writer.write(head.encode() + PART + clip[:5000])
    await writer.drain()
    await eventually(lambda: len(origin.leftovers()) == 1)
    writer.transport.abort()
    await eventually(lambda: origin.leftovers() == [])


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"no form at all", 400, "multipart"),
        (b"--b--\r\n", 400, "no part named file"),
        (PART + b"x\r\n" + PART + b"y\r\n--b--\r\n", 400, "two parts"),
        (
            b'--b\r\nContent-Disposition: form-data; name="caption"\r\n\r\n' + b"x" * 20_000 + b"\r\n--b--",
            413,
            "caption",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="creator"\r\n\r\na b\r\n' + PART + b"\r\n--b--",
            400,
            "creator",
        ),
    ],
)
async def test_a_broken_form_is_refused_with_its_reason(
    origin: Origin, body: bytes, status: int, words: str
) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    async with origin.http.post(origin.url + "/v1/videos", data=body, headers=form) as answer:
        assert (answer.status, words in await answer.text()) == (status, True)
    assert origin.leftovers() == []


async def test_a_caption_over_the_limit_is_refused_naming_it(origin: Origin, clip: bytes) -> None:
    status, problem = await origin.upload(clip, caption="x" * 2201)
    assert (status, problem["limit"], problem["actual"]) == (400, 2200, 2201)
    assert origin.leftovers() == []


async def test_another_content_type_is_refused(origin: Origin) -> None:
    async with origin.http.post(origin.url + "/v1/videos", data=b"{}") as answer:
        assert answer.status == 415


async def test_more_uploads_than_the_limit_are_asked_to_come_again(data_dir: Path, clip: bytes) -> None:
    async with running(data_dir / "small", uploads=replace(UPLOADS, max_in_flight=1)) as origin:
        host, _, port = origin.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/videos HTTP/1.1\n{FORM}\nContent-Length: 99999\n\n".replace("\n", "\r\n")
        writer.write(head.encode() + PART)
        await writer.drain()
        await eventually(lambda: len(origin.leftovers()) == 1)
        assert (await origin.upload(clip))[0] == 503
        writer.transport.abort()
        await eventually(lambda: in_flight() == 0)
        assert (await origin.upload(clip))[0] == 201


async def test_a_full_disk_is_told_before_a_byte_is_sent(data_dir: Path, clip: bytes) -> None:
    async with running(data_dir / "full", uploads=replace(UPLOADS, reserve_bytes=2**60)) as origin:
        assert (await origin.upload(clip))[0] == 507
        assert await Tus(origin).create(len(clip)) == 507


async def test_a_resumable_upload_goes_on_where_it_was_after_a_restart(data_dir: Path, clip: bytes) -> None:
    async with running(data_dir / "origin") as first:
        tus = Tus(first)
        assert await tus.create(len(clip), "creator bmVvbg==") == 201
        assert (await tus.patch(0, clip[:10_000])).headers["Upload-Offset"] == "10000"
    async with running(data_dir / "origin") as second:
        again = Tus(second, url=second.url + "/uploads/" + tus.url.rpartition("/")[2])
        assert await again.offset() == 10_000
        assert (await again.patch(9_999, clip[9_999:])).status == 409
        answer = await again.patch(10_000, clip[10_000:])
        assert answer.status == 204
        video = await second.json("/v1/videos/" + answer.headers["Headstart-Video"])
        assert video["status"] == "queued"
        assert second.leftovers() == [video["id"]]


async def test_who_missed_the_last_answer_learns_the_video_by_asking_again(
    origin: Origin, clip: bytes
) -> None:
    tus = Tus(origin)
    await tus.create(len(clip))
    first = await tus.patch(0, clip)
    again = await tus.patch(len(clip), b"")
    assert again.status == 204
    assert again.headers["Headstart-Video"] == first.headers["Headstart-Video"]
    assert await tus.offset() == len(clip)


async def test_bytes_sent_before_a_cut_are_kept(origin: Origin) -> None:
    tus = Tus(origin)
    await tus.create(MAX_BYTES)
    file = origin.data_dir / "uploads" / origin.leftovers()[0]

    async def cut() -> AsyncIterator[bytes]:
        yield bytes(2_000_000)
        await eventually(lambda: file.stat().st_size >= 1_000_000)
        raise ConnectionResetError

    with pytest.raises(OSError):
        await tus.patch(0, cut())
    await eventually(lambda: in_flight() == 0)
    assert await tus.offset() == file.stat().st_size


async def test_two_writers_of_one_upload_do_not_mix(origin: Origin, clip: bytes) -> None:
    tus = Tus(origin)
    await tus.create(len(clip))
    hold = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield clip[:4000]
        await hold.wait()
        yield clip[4000:]

    writing = asyncio.create_task(tus.patch(0, slow()))
    await eventually(lambda: in_flight() == 1)
    assert (await tus.patch(0, b"")).status == 423
    hold.set()
    assert (await writing).status == 204


async def test_a_terminated_upload_is_gone(origin: Origin, clip: bytes) -> None:
    tus = Tus(origin)
    await tus.create(len(clip))
    await tus.patch(0, clip[:100])
    async with origin.http.delete(tus.url, headers=tus.headers) as answer:
        assert answer.status == 204
    assert await tus.offset() == -1
    assert origin.leftovers() == []


async def test_an_expired_upload_is_swept_away(data_dir: Path, clip: bytes) -> None:
    async with running(data_dir / "brief", uploads=replace(UPLOADS, expiry_s=1)) as origin:
        tus = Tus(origin)
        await tus.create(len(clip))
        await tus.patch(0, clip[:100])
        assert len(origin.leftovers()) == 1
        await eventually(lambda: origin.leftovers() == [])
        assert await tus.offset() == -1


async def test_the_protocol_is_told_to_whoever_asks(origin: Origin) -> None:
    async with origin.http.options(origin.url + "/uploads") as answer:
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,expiration,termination"
        assert answer.headers["Tus-Max-Size"] == str(MAX_BYTES)
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
    async with origin.http.post(origin.url + "/uploads", headers={"Upload-Length": "1"}) as answer:
        assert answer.status == 412
