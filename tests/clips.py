"""Small real videos for tests, made by the ffmpeg of imageio-ffmpeg and kept for the length of the run."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg


@functools.cache
def ffmpeg() -> str:
    """The ffmpeg that the product uses: HEADSTART_FFMPEG, else the static one."""
    return os.environ.get("HEADSTART_FFMPEG") or imageio_ffmpeg.get_ffmpeg_exe()


def run_ffmpeg(*arguments: str) -> None:
    """Run ffmpeg; its own words are the failure's message."""
    words_of("-y", "-v", "error", *arguments)


def words_of(*arguments: str) -> str:
    """What ffmpeg says, the failure's message too."""
    argv = [ffmpeg(), "-nostdin", "-nostats", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


@functools.cache
def _cache_dir() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="headstart-clips-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _encoded(seconds: float, size: tuple[int, int], fps: int, audio: bool, rotate: int) -> Path:
    width, height = size
    clip = _cache_dir() / f"{seconds}-{width}x{height}-{fps}-{audio}-{rotate}.mp4"
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"] if audio else []
    picture = f"testsrc2=size={width}x{height}:rate={fps}:duration={seconds}"
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    run_ffmpeg("-f", "lavfi", "-i", picture, *sound, *x264, str(clip))
    if rotate:
        upright, clip = clip, clip.with_name(f"turned-{clip.name}")
        run_ffmpeg("-display_rotation", str(rotate), "-i", str(upright), "-c", "copy", str(clip))
    return clip


def make_clip(
    path: Path,
    seconds: float = 3,
    width: int = 360,
    height: int = 640,
    fps: int = 30,
    audio: bool = True,
    rotate: int = 0,
) -> Path:
    """A test pattern with a 440 Hz tone (MP4, H.264/AAC); `rotate` is what a phone's display matrix says."""
    shutil.copyfile(_encoded(seconds, (width, height), fps, audio, rotate), path)
    return path
