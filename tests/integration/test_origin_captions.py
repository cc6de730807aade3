"""Captions over real HTTP: sent, shown in card and playlists, replaced, taken away, refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_origin_api import fetch, make_playable
from tests.origin_service import Origin, running

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.500\nHello\n"


@pytest.fixture
async def origin(data_dir: Path) -> AsyncIterator[Origin]:
    async with running(data_dir) as origin:
        await make_playable(data_dir)
        yield origin


async def put(
    origin: Origin, language: str, body: bytes = VTT, video: str = "v1", kind: str = "text/vtt", **query: str
) -> tuple[int, dict[str, Any]]:
    url = f"{origin.url}/v1/videos/{video}/captions/{language}"
    headers = {"Content-Type": kind}
    async with origin.http.put(url, data=body, headers=headers, params=query) as answer:
        return answer.status, await answer.json(content_type=None)


async def tracks(origin: Origin) -> list[dict[str, Any]]:
    return list((await origin.json("/v1/videos/v1"))["card"]["text_tracks"])


async def test_captions_are_in_the_card_the_playlists_and_the_media(origin: Origin) -> None:
    status, track = await put(origin, "EN-us", label="English")

    assert (status, track["language"], track["label"]) == (201, "en-US", "English")
    assert await tracks(origin) == [track]
    master = (await fetch(origin, "/v/v1/master.m3u8"))[2].decode()
    listing = track["path"].replace(".vtt", ".m3u8")
    assert f'URI="{listing}"' in master
    status, headers, body = await fetch(origin, f"/v/v1/{listing}")
    assert (status, track["path"] in body.decode()) == (200, True)
    status, headers, body = await fetch(origin, f"/v/v1/{track['path']}")
    assert (status, body, headers["Content-Type"]) == (200, VTT, "text/vtt; charset=utf-8")
    assert "immutable" in headers["Cache-Control"] and headers["Surrogate-Key"] == "video:v1 creator:neon"


async def test_new_captions_replace_those_of_the_same_language_and_the_change_is_announced(
    origin: Origin,
) -> None:
    _, german = await put(origin, "de")
    _, old = await put(origin, "en")
    _, new = await put(origin, "en", VTT.replace(b"Hello", b"Good day"))

    assert old["path"] != new["path"]
    assert await tracks(origin) == [german, new]
    [event] = (await origin.json("/internal/catalog?after_seq=0"))["events"]
    assert (event["kind"], event["card"]["text_tracks"]) == ("updated", [german, new])
    assert (await fetch(origin, f"/v/v1/{old['path']}"))[0] == 404


async def test_captions_can_be_taken_away_once(origin: Origin) -> None:
    await put(origin, "en")
    assert (await fetch(origin, "/v1/videos/v1/captions/en", "DELETE"))[0] == 204
    assert await tracks(origin) == []
    assert "SUBTITLES" not in (await fetch(origin, "/v/v1/master.m3u8"))[2].decode()
    assert (await fetch(origin, "/v1/videos/v1/captions/en", "DELETE"))[0] == 404


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"body": b"1\n00:00:01,000 --> 00:00:02,000\n"}, 400, "invalid_request"),
        ({"body": b"WEBVTT\n" * 40_000}, 413, "too_large"),
        ({"kind": "application/x-subrip"}, 415, "wrong_content_type"),
        ({"language": "english"}, 400, "invalid_request"),
        ({"label": "x" * 41}, 400, "invalid_request"),
        ({"label": 'a "quote"'}, 400, "invalid_request"),
        ({"video": "nothing"}, 404, "not_found"),
    ],
)
async def test_what_cannot_be_captions_is_refused(
    origin: Origin, asked: dict[str, Any], status: int, code: str
) -> None:
    told = await put(origin, **{"language": "en", **asked})
    assert (told[0], told[1]["type"]) == (status, f"urn:headstart:problem:{code}")
    assert await tracks(origin) == []


async def test_languages_are_bounded_and_labels_differ(origin: Origin) -> None:
    for number in range(16):
        assert (await put(origin, f"q{chr(97 + number)}"))[0] == 201
    assert (await put(origin, "en"))[1]["limit"] == 16
    assert (await put(origin, "qa", label="qb"))[0] == 400
    assert len(await tracks(origin)) == 16
