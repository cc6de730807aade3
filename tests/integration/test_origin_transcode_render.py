"""Real encodes of odd inputs: HLS that decodes without a word, and looks and sounds right."""

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from origin.packaging.cmaf import measure
from origin.transcode.admission import ProbeLimits
from origin.transcode.effects import Effects, Preset, SoundMix
from origin.transcode.errors import EncodeFailed
from origin.transcode.loudness import gain_db
from origin.transcode.probe import probe
from origin.transcode.render import RenderedRung, Renderer, RenderLimits
from origin.transcode.sniff import Container
from tests.clips import ffmpeg, make_clip, run_ffmpeg
from tests.rungs import complaints, publish, render_all, renderer

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
FULL_RANGE = "setsar=4/3,scale=out_range=pc,format=yuvj420p"
FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov")
HDR = "log-level=error:colorprim=bt2020:colormatrix=bt2020nc:transfer="


def picture(size: str = "202x358", rate: str = "30", seconds: float = 2) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")


def tone(seconds: float = 2, rate: int = 44100) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=duration={seconds}:sample_rate={rate}")


ODD_INPUTS: dict[str, tuple[str, ...]] = {
    "odd_size_444.mp4": (*picture("363x641"), *tone(), "-c:v", "libx264", "-pix_fmt", "yuv444p"),
    "no_audio.mp4": (*picture(), *X264),
    "mono_8_khz_ends_early.mov": (*picture(), *tone(0.5, rate=8000), *X264, "-c:a", "pcm_s16le"),
    "hevc_10_bit.mp4": (*picture(), *tone(), *HEVC, "-x265-params", "log-level=error", "-tag:v", "hvc1"),
    "hdr_pq.mp4": (*picture(), *HEVC, "-x265-params", HDR + "smpte2084"),
    "wide_gamut.mp4": (*picture(seconds=1), *HEVC, "-x265-params", HDR + "bt2020-10"),
    "vp9.webm": (*picture(), *tone(), "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "live_vp8.webm": (*picture(), *tone(), "-c:v", "libvpx", "-deadline", "realtime", "-live", "1"),
    "av1.mkv": (*picture(), *tone(), "-c:v", "libsvtav1", "-preset", "12", "-c:a", "flac"),
    "very_short.mp4": (*picture(seconds=0.6), *tone(0.6), *X264),
    "sound_ends_late.mp4": (*picture(), *tone(5), *X264),
    "sound_starts_late.mkv": (*picture(), "-itsoffset", "1", *tone(1), *X264),
    "picture_starts_late.mkv": ("-itsoffset", "0.7", *picture(), *tone(3), *X264),
    "silent_track.mp4": (*picture(), "-f", "lavfi", "-i", "anullsrc", "-t", "2", *X264),
    "surround_fps_60.mp4": (*picture(rate="60"), *tone(), "-af", "pan=5.1|c0=c0|c1=c0|c2=c0", *X264),
    "fps_29_97.mp4": (*picture(rate="30000/1001"), *tone(), *X264),
    "varying.mkv": (*picture(), *tone(), "-vf", "select='not(mod(n,7))+lt(n,20)'", "-fps_mode", "vfr", *X264),
    "anamorphic_full_range.mp4": (*picture(), *tone(), "-vf", FULL_RANGE, "-c:v", "libx264"),
    "interlaced_landscape.mp4": (*picture("360x288", "25"), "-flags", "+ilme+ildct", *X264),
    "fragmented_mpeg4_mp3.mp4": (*picture(), *tone(), "-c:v", "mpeg4", "-c:a", "libmp3lame", *FRAGMENTED),
}


def one_file(rendered: RenderedRung, to: Path) -> Path:
    """All segments of a rung in a row, which is a playable MP4."""
    parts = [part for part in rendered.objects if not part.path.endswith(".m3u8")]
    to.write_bytes(b"".join(part.file.read_bytes() for part in parts))
    return to


def frame_at(path: Path, second: float) -> NDArray[np.uint8]:
    """The picture at `second`, RGB, decoded apart from our own code."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time >= second:
                return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise AssertionError(f"no picture at {second} s")


def loudness(path: Path) -> float:
    """Gain that ebur128 would still ask for: 0 is on target."""
    argv = [ffmpeg(), "-nostdin", "-nostats", "-i", str(path), "-vn", "-af", "ebur128", "-f", "null", "-"]
    return gain_db(subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stderr)


@pytest.mark.parametrize("name", ODD_INPUTS)
async def test_an_odd_input_becomes_hls_that_decodes_without_a_word(name: str, tmp_path: Path) -> None:
    run_ffmpeg(*ODD_INPUTS[name], str(tmp_path / name))
    probed, made = await render_all(tmp_path / name, tmp_path / "work", ("360p",))
    master = publish(made, tmp_path / "v")
    assert complaints(str(master)) == ""
    rung = made[0].rung
    assert rung.codecs.startswith("avc1.4d40")
    assert rung.codecs.endswith(",mp4a.40.2")
    assert set(rung.chunk_ms[:-1]) <= {1000}
    assert sum(rung.chunk_ms) == pytest.approx(probed.duration_ms, abs=50)


async def test_the_ladder_is_decodable_rung_by_rung_and_aligned(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=2, width=720, height=1280)
    _, made = await render_all(clip, tmp_path / "work")
    master = publish(made, tmp_path / "v")
    assert [rendered.rung.name for rendered in made] == ["360p", "540p", "720p"]
    assert complaints(str(master)) == ""
    for rendered in made:
        assert complaints(str(master.parent / rendered.rung.path / "index.m3u8")) == ""
        assert rendered.rung.chunk_ms == [1000, 1000]
        assert rendered.rung.frame_rate == 30


async def test_the_rung_tells_the_truth_about_its_objects(tmp_path: Path) -> None:
    _, (rendered,) = await render_all(make_clip(tmp_path / "clip.mp4"), tmp_path / "work")
    rung, objects = rendered.rung, {part.path.rpartition("/")[2]: part for part in rendered.objects}
    assert list(objects) == ["open.mp4", "1.m4s", "2.m4s", "index.m3u8"]
    assert objects["open.mp4"].size_bytes == rung.open_bytes == rung.init_bytes + rung.chunk_bytes[0]
    assert [objects[name].size_bytes for name in ("1.m4s", "2.m4s")] == rung.chunk_bytes[1:]
    assert all(part.path.startswith(f"{rung.path}/") for part in rendered.objects)
    opening = measure(objects["open.mp4"].file.read_bytes())
    assert opening.init_bytes == rung.init_bytes
    assert opening.fragments[0].start_ms == pytest.approx(0, abs=1)


async def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1)
    (_, first), (_, second) = [await render_all(clip, tmp_path / name) for name in ("a", "b")]
    assert first[0].rung == second[0].rung


@pytest.mark.parametrize("rotate", [90, 180, 270])
async def test_a_turned_clip_stands_upright(rotate: int, tmp_path: Path) -> None:
    flat, turned = tmp_path / "flat.mp4", tmp_path / "turned.mp4"
    red_top = (
        "color=red:s=320x120:d=1,format=yuv420p[t];color=blue:s=320x120:d=1,format=yuv420p[b];[t][b]vstack"
    )
    run_ffmpeg("-filter_complex", red_top, *X264, str(flat))
    run_ffmpeg("-display_rotation", str(rotate), "-i", str(flat), "-c", "copy", str(turned))
    _, (rendered,) = await render_all(turned, tmp_path / "work")
    shown = frame_at(one_file(rendered, tmp_path / "out.mp4"), 0.5)
    expected = np.rot90(frame_at(flat, 0.5), rotate // 90)
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected.astype(int)).mean() < 12


async def test_hdr_white_stays_bright_and_grey_stays_grey(tmp_path: Path) -> None:
    grey = ("-f", "lavfi", "-i", "color=0x808080:s=180x320:d=1")
    run_ffmpeg(*grey, *HEVC, "-x265-params", HDR + "arib-std-b67", str(tmp_path / "hlg.mp4"))
    _, (rendered,) = await render_all(tmp_path / "hlg.mp4", tmp_path / "work")
    red, green, blue = frame_at(one_file(rendered, tmp_path / "out.mp4"), 0.5).mean(axis=(0, 1))
    assert max(red, green, blue) - min(red, green, blue) < 8
    assert 60 < green < 220


async def test_where_it_was_filmed_is_not_published(tmp_path: Path) -> None:
    places = ("-metadata", "location=+37.3318-122.0312/", "-metadata", "comment=SECRET-PLACE")
    run_ffmpeg(*picture(), *tone(), *X264, *places, str(tmp_path / "gps.mov"))
    assert b"+37.3318" in (tmp_path / "gps.mov").read_bytes()
    _, (rendered,) = await render_all(tmp_path / "gps.mov", tmp_path / "work")
    published = b"".join(part.file.read_bytes() for part in rendered.objects)
    for trace in (b"37.33", b"SECRET-PLACE", b"Lavf", b"x264 - core"):
        assert trace not in published


@pytest.mark.parametrize("volume", ["-8dB", "12dB"])
async def test_quiet_and_loud_clips_end_equally_loud(volume: str, tmp_path: Path) -> None:
    run_ffmpeg(*picture(seconds=3), *tone(3), "-af", f"volume={volume}", *X264, str(tmp_path / "clip.mp4"))
    _, (rendered,) = await render_all(tmp_path / "clip.mp4", tmp_path / "work")
    assert abs(loudness(one_file(rendered, tmp_path / "out.mp4"))) < 2.5


async def test_the_hiss_of_a_silent_room_is_not_lifted(tmp_path: Path) -> None:
    hiss = ("-f", "lavfi", "-i", "anoisesrc=d=2:a=0.0005")
    run_ffmpeg(*picture(), *hiss, *X264, str(tmp_path / "clip.mp4"))
    probed = await probe(tmp_path / "clip.mp4", ProbeLimits())
    assert (await renderer().prepare(tmp_path / "clip.mp4", probed, Effects())).gain_db == 0


@pytest.mark.parametrize("preset", Preset)
async def test_every_preset_makes_posters_and_a_blurhash(preset: Preset, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", width=720, height=1280)
    probed = await probe(clip, ProbeLimits())
    material = await renderer().prepare(clip, probed, Effects(preset))
    stills = await renderer().render_posters(material, tmp_path)
    for still, form in ((stills.webp, "WEBP"), (stills.jpeg, "JPEG")):
        with Image.open(still.file) as image:
            assert (image.size, image.format) == ((540, 960), form)
    assert stills.webp.path == f"poster-{stills.webp.sha256[:16]}.webp"
    assert len(stills.blurhash) == 44


async def test_mono_takes_the_colour_out_of_the_video(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1)
    _, (rendered,) = await render_all(clip, tmp_path / "work", effects=Effects(Preset.MONO))
    shown = frame_at(one_file(rendered, tmp_path / "out.mp4"), 0.5).astype(int)
    assert np.ptp(shown, axis=2).mean() < 3


@pytest.mark.parametrize("audio", [True, False])
async def test_a_sound_is_laid_under_the_whole_video(audio: bool, tmp_path: Path) -> None:
    run_ffmpeg(*tone(1), str(tmp_path / "sound.mp4"))
    clip = make_clip(tmp_path / "clip.mp4", audio=audio)
    sound = SoundMix(str(tmp_path / "sound.mp4"), Container.MOV, original_volume=0)
    _, made = await render_all(clip, tmp_path / "work", effects=Effects(sound=sound))
    assert complaints(str(publish(made, tmp_path / "v"))) == ""
    assert made[0].rung.chunk_ms == [1000, 1000, 1000]
    assert abs(loudness(one_file(made[0], tmp_path / "out.mp4"))) < 2.5


async def test_an_encode_that_fails_gives_ffmpegs_last_words(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    probed = await probe(clip, ProbeLimits())
    material = await renderer().prepare(clip, probed, Effects())
    clip.write_bytes(b"gone bad")
    with pytest.raises(EncodeFailed, match=r"moov atom not found|Invalid data"):
        await renderer().render_posters(material, tmp_path)


async def test_an_encode_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    probed = await probe(clip, ProbeLimits())
    hurried = Renderer(ffmpeg(), RenderLimits(startup_s=0.01, wall_per_second=0.0))
    with pytest.raises(EncodeFailed, match="stopped after"):
        await hurried.prepare(clip, probed, Effects())
