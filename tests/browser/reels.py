"""Real small reels in the product's stored form, made by ffmpeg: what the stand-in edge serves."""

import functools
import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from origin.packaging.cmaf import measure
from shared.messages.catalog import Rung, VideoCard
from tests.clips import run_ffmpeg

CATEGORIES = ("lava", "cells", "skies", "music", "paper", "space")
SIZES = {"360p": (360, 640, "500k"), "540p": (540, 960, "1000k")}
_POSTER = "poster.jpg"


@dataclass(frozen=True)
class Reel:
    """One video: its card and its files by path below `/v/{video}/`."""

    card: VideoCard
    files: dict[str, bytes] = field(repr=False)


def _command(source: list[str], size: tuple[int, int, str], target: Path) -> list[str]:
    width, height, rate = size
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", rate, "-maxrate", rate]
    gop = ["-bufsize", rate, "-g", "30", "-keyint_min", "30", "-sc_threshold", "0", "-r", "30"]
    aac = ["-c:a", "aac", "-ar", "48000", "-ac", "2", "-b:a", "64k"]
    cmaf = ["-movflags", "+cmaf+frag_keyframe+empty_moov+default_base_moof", "-f", "mp4"]
    return [*source, "-vf", f"scale={width}:{height}", *x264, *gop, *aac, *cmaf, str(target)]


def _rung(name: str, data: bytes) -> tuple[Rung, dict[str, bytes]]:
    """One rendition split as the origin does it: `open.mp4`, then one file a fragment."""
    shape = measure(data)
    path = f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
    chunks = [data[part.offset : part.offset + part.size_bytes] for part in shape.fragments]
    opening = data[: shape.init_bytes] + chunks[0]
    files = {f"{path}/open.mp4": opening}
    files |= {f"{path}/{number}.m4s": chunk for number, chunk in enumerate(chunks) if number}
    rung = Rung(
        name=name,
        path=path,
        width=SIZES[name][0],
        height=SIZES[name][1],
        bandwidth_bps=int(SIZES[name][2].removesuffix("k")) * 1000 + 64_000,
        codecs=shape.codecs,
        open_bytes=len(opening),
        init_bytes=shape.init_bytes,
        chunk_bytes=[len(chunk) for chunk in chunks],
        chunk_ms=[round(part.duration_ms) for part in shape.fragments],
    )
    return rung, files


def make_reel(video: str, source: list[str], **facts: object) -> Reel:
    """A reel from ffmpeg inputs; `facts` go over the dull ones of the card."""
    rungs: list[Rung] = []
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        for rung_name, size in SIZES.items():
            target = Path(name) / "rung.mp4"
            run_ffmpeg(*_command(source, size, target))
            rung, parts = _rung(rung_name, target.read_bytes())
            rungs.append(rung)
            files |= parts
        poster = Path(name) / _POSTER
        run_ffmpeg(*source, "-frames:v", "1", "-vf", "scale=360:640", str(poster))
        files[_POSTER] = poster.read_bytes()
    card = VideoCard(
        id=video,
        creator_id=f"maker_{video[-1]}",
        creator_name=f"maker_{video[-1]}",
        caption=f"Clip {video} goes round and round",
        category="other",
        hashtags=["loop"],
        duration_ms=sum(rungs[0].chunk_ms),
        width=360,
        height=640,
        created_ms=0,
        rungs=rungs,
        poster_jpeg=_POSTER,
        is_complete=True,
        likes=1234,
    )
    return Reel(msgspec.structs.replace(card, **facts), files)


@functools.cache
def reels(n_reels: int = 6, seconds: int = 4) -> tuple[Reel, ...]:
    """Test patterns of different hue, each with its own tone; made once."""
    made = []
    for number in range(n_reels):
        picture = f"testsrc2=size=360x640:rate=30:duration={seconds},hue=h={60 * number}"
        tone = f"sine=frequency={220 + 80 * number}:duration={seconds}"
        source = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone]
        made.append(make_reel(f"v{number}", source, category=CATEGORIES[number % len(CATEGORIES)]))
    return tuple(made)
