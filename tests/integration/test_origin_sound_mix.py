"""Videos with another's sound, from upload to rungs: API, workers and bus as processes, ffmpeg real."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from origin.transcode.loudness import gain_db
from tests.clips import make_clip, run_ffmpeg, words_of
from tests.origin_process import api, get, process, until, upload
from tests.tones import RATE, sound_of, tone_db

pytestmark = pytest.mark.timeout(300)

THEIRS_HZ, OWN_HZ = 440, 1200
AUDIBLE_DB, SILENT_DB = -30.0, -55.0
N_SECONDS = 3


def with_tone(path: Path, hertz: int) -> Path:
    """A picture with a sine."""
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac")
    picture = ("-f", "lavfi", "-i", f"testsrc2=size=540x960:rate=30:duration={N_SECONDS}")
    sine = ("-f", "lavfi", "-i", f"sine=frequency={hertz}:duration={N_SECONDS}")
    run_ffmpeg(*picture, *sine, *x264, str(path))
    return path


async def rungs(url: str, card: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Each rung of a published video as one file, by name."""
    found = {}
    async with aiohttp.ClientSession() as http:
        for rung in card["rungs"]:
            names = ["open.mp4", *(f"{n}.m4s" for n in range(1, len(rung["chunk_bytes"])))]
            file = folder / f"{card['id']}-{rung['name']}.mp4"
            with file.open("wb") as out:
                for name in names:
                    async with http.get(f"{url}/v/{card['id']}/{rung['path']}/{name}") as answer:
                        assert answer.status == 200
                        out.write(await answer.read())
            found[rung["name"]] = file
    return found


async def levels(url: str, card: dict[str, Any], folder: Path) -> dict[str, list[tuple[float, float]]]:
    """For each rung, second by second, how loud their tone and the video's own one are."""
    found = {}
    for name, file in (await rungs(url, card, folder)).items():
        sound = sound_of(file)
        seconds = [sound[n * RATE : (n + 1) * RATE] for n in range(N_SECONDS)]
        found[name] = [(tone_db(second, THEIRS_HZ), tone_db(second, OWN_HZ)) for second in seconds]
        words = words_of("-i", str(file), "-vn", "-af", "ebur128", "-f", "null", "-")
        assert abs(gain_db(words)) < 2.5  # at the common loudness, after the mix
    return found


async def test_a_chosen_sound_is_heard_in_every_rung_for_the_whole_video(data_dir: Path, nats: str) -> None:
    origin = data_dir / "origin"
    source = make_clip(data_dir / "source.mp4", seconds=2)  # shorter than those that use it
    silent = make_clip(data_dir / "silent.mp4", seconds=N_SECONDS, width=540, height=960, audio=False)
    spoken = with_tone(data_dir / "spoken.mp4", OWN_HZ)
    async with (
        api(origin, nats) as (url, _),
        process(origin, nats, "worker"),
        process(origin, nats, "worker"),
    ):
        sound = await upload(url, source, creator="band")
        await until(url, sound, "complete")
        chosen = {"sound": sound, "creator": "fan"}
        under_silence = await upload(url, silent, **chosen)
        instead = await upload(url, spoken, **chosen)
        beside = await upload(url, spoken, **chosen, sound_volume="1", original_volume="1.5")

        for video, is_own_heard in ((under_silence, False), (instead, False), (beside, True)):
            card = (await until(url, video, "complete"))["card"]
            assert (card["sound_id"], card["sound_title"]) == (sound, "Original sound · band")
            heard = await levels(url, card, data_dir)
            assert list(heard) == ["360p", "540p"]
            for theirs, own in [pair for pairs in heard.values() for pair in pairs]:
                assert theirs > AUDIBLE_DB
                assert theirs == pytest.approx(heard["360p"][0][0], abs=1.5)  # also where it begins again
                assert own > AUDIBLE_DB if is_own_heard else own < SILENT_DB
        assert (await get(f"{url}/v1/sounds/{sound}"))["n_videos"] == 4
        of_a_user = await upload(url, silent, sound=instead)
        assert (await until(url, of_a_user, "complete"))["card"]["sound_id"] == sound


async def test_a_sound_withdrawn_before_the_first_rung_fails_the_video_with_its_reason(
    data_dir: Path, nats: str
) -> None:
    origin = data_dir / "origin"
    clip = make_clip(data_dir / "clip.mp4", seconds=1)
    async with api(origin, nats) as (url, _):
        async with process(origin, nats, "worker"):
            sound = await upload(url, clip)
            await until(url, sound, "complete")
        video = await upload(url, clip, sound=sound)
        async with process(origin, nats, "withdraw", sound) as withdrawing:
            assert await withdrawing.wait() == 0
        async with process(origin, nats, "worker"):
            told = await until(url, video, "failed")
    assert told["error"] == f"sound: the video that it comes from was withdrawn: {sound}"
