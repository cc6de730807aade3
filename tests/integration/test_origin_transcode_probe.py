"""Probing real files, whole and hostile."""

import asyncio
from pathlib import Path

import pytest

from origin.transcode.admission import ProbeLimits, ProbeResult
from origin.transcode.errors import BrokenMedia, MediaLimit, UnsupportedMedia
from origin.transcode.probe import probe
from tests.clips import make_clip, run_ffmpeg

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2")
TONE = ("-f", "lavfi", "-i", "sine=duration=2:sample_rate=8000")


async def probed(path: Path) -> ProbeResult:
    return await probe(path, ProbeLimits())


async def broken(path: Path) -> str:
    with pytest.raises(BrokenMedia) as refused:
        await probed(path)
    return refused.value.detail


async def test_a_phones_clip_is_seen_upright(tmp_path: Path) -> None:
    result = await probed(make_clip(tmp_path / "clip", width=640, height=360, rotate=90))
    assert (result.width, result.height, result.rotation, result.duration_ms) == (360, 640, 90, 3000)
    assert (result.video_codec, result.audio_codec, result.fps, result.is_vfr) == ("h264", "aac", 30.0, False)


@pytest.mark.parametrize(
    ("name", "arguments", "video", "audio"),
    [
        ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "vp8", "opus"),
        ("a.mkv", ("-c:v", "libsvtav1", "-preset", "12", "-c:a", "flac"), "av1", "flac"),
        ("a.mov", ("-c:v", "prores_ks", "-c:a", "pcm_s16le"), "prores", "pcm_s16le"),
        (
            "a.mp4",
            ("-c:v", "libx265", "-x265-params", "log-level=error", "-pix_fmt", "yuv420p10le"),
            "hevc",
            "aac",
        ),
    ],
)
async def test_other_forms_are_recognised_by_their_content(
    tmp_path: Path, name: str, arguments: tuple[str, ...], video: str, audio: str
) -> None:
    run_ffmpeg(*PICTURE, *TONE, *arguments, str(tmp_path / name))
    anonymous = (tmp_path / name).rename(tmp_path / "upload")
    result = await probed(anonymous)
    assert (result.video_codec, result.audio_codec) == (video, audio)
    assert result.fps == pytest.approx(25, abs=0.1)
    assert result.duration_ms == pytest.approx(2000, abs=60)


async def test_a_varying_frame_rate_is_noticed(tmp_path: Path) -> None:
    uneven = ("-vf", "select='not(mod(n,7))+lt(n,20)'", "-fps_mode", "vfr", "-c:v", "libx264")
    run_ffmpeg(*PICTURE, *uneven, str(tmp_path / "vfr.mp4"))
    assert (await probed(tmp_path / "vfr.mp4")).is_vfr


async def test_sound_that_outlasts_the_picture_is_no_truncation(tmp_path: Path) -> None:
    sound = ("-f", "lavfi", "-i", "sine=duration=8")
    run_ffmpeg(*PICTURE, *sound, "-c:v", "libx264", str(tmp_path / "long.mp4"))
    assert (await probed(tmp_path / "long.mp4")).duration_ms == 2000


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("faststart", [True, False])
async def test_a_cut_mp4_is_truncated(tmp_path: Path, share: float, faststart: bool) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    if faststart:
        whole = clip.rename(tmp_path / "whole.mp4")
        run_ffmpeg("-i", str(whole), "-c", "copy", "-movflags", "+faststart", str(clip))
    clip.write_bytes(clip.read_bytes()[: int(clip.stat().st_size * share)])
    assert (await broken(clip)).startswith("truncated")


async def test_a_cut_webm_is_truncated(tmp_path: Path) -> None:
    clip = tmp_path / "clip.webm"
    run_ffmpeg(*PICTURE, "-c:v", "libvpx", "-deadline", "realtime", str(clip))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert (await broken(clip)).startswith("truncated")


async def test_headers_with_garbage_for_frames_are_broken(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", audio=False)
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data[start:end] = b"\xa5" * (end - start)
    clip.write_bytes(data)
    assert "broken" in await broken(clip)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\0" * 5000, b"\x89PNG\r\n\x1a\n"])
async def test_what_is_no_video_is_unsupported(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "upload").write_bytes(body)
    with pytest.raises(UnsupportedMedia):
        await probed(tmp_path / "upload")


@pytest.mark.parametrize(
    "noise", [b"\0\0\0\x18ftypisom", b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01"]
)
async def test_a_good_head_on_garbage_is_broken(tmp_path: Path, noise: bytes) -> None:
    (tmp_path / "upload").write_bytes(noise + bytes(range(256)) * 40)
    assert await broken(tmp_path / "upload")


async def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    run_ffmpeg(*TONE, str(tmp_path / "a.mp4"))
    with pytest.raises(UnsupportedMedia, match="no video"):
        await probed(tmp_path / "a.mp4")


async def test_a_cover_picture_is_not_the_video(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    run_ffmpeg(*PICTURE, "-frames:v", "1", str(tmp_path / "cover.png"))
    both = ("-i", str(tmp_path / "cover.png"), "-i", str(clip), "-map", "0", "-map", "1")
    run_ffmpeg(*both, "-c", "copy", "-disposition:v:0", "attached_pic", str(tmp_path / "both.mp4"))
    result = await probed(tmp_path / "both.mp4")
    assert (result.width, result.height) == (360, 640)


async def test_too_long_and_too_short_are_told_apart(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    for limits, limit in ((ProbeLimits(max_duration_s=1), 1.0), (ProbeLimits(min_duration_s=9), 9.0)):
        with pytest.raises(MediaLimit) as refused:
            await probe(clip, limits)
        assert refused.value.facts == {"what": "duration_s", "limit": limit, "actual": 3.0}


async def test_a_probe_that_takes_too_long_ends(tmp_path: Path) -> None:
    with pytest.raises(MediaLimit, match="longer than"):
        await probe(make_clip(tmp_path / "clip.mp4"), ProbeLimits(wall_s=0.01))


async def test_damaged_files_never_take_more_than_an_error(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1)
    whole = clip.read_bytes()
    moov = whole.index(b"moov")

    async def damaged(seed: int) -> str:
        data = bytearray(whole)
        for step in range(12):
            data[moov + 8 + (seed * 7919 + step * 104_729) % (len(data) - moov - 8)] = (
                seed * 31 + step * 17
            ) % 256
        path = tmp_path / f"damaged-{seed}"
        path.write_bytes(data)
        try:
            return (await probed(path)).video_codec
        except (BrokenMedia, MediaLimit, UnsupportedMedia) as refused:
            return refused.code

    assert set(await asyncio.gather(*map(damaged, range(12)))) <= {"h264", *CODES}


CODES = (BrokenMedia.code, MediaLimit.code, UnsupportedMedia.code)
