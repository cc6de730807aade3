"""Makes one rung, or the posters, of a source: ffmpeg in the jail, output probed again, cut into objects.

Needs the source and an empty folder; writes only below that folder, where the objects' files stay until the
caller has stored them. Cancelling it kills ffmpeg.
"""

import asyncio
import hashlib
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg

from origin.packaging import blurhash, cmaf, playlist
from origin.transcode import command, jail
from origin.transcode.admission import ProbeLimits, ProbeResult
from origin.transcode.command import Material
from origin.transcode.effects import Effects
from origin.transcode.errors import EncodeFailed
from origin.transcode.ladder import FIRST_RUNG, Rendition
from origin.transcode.loudness import gain_db
from origin.transcode.probe import read_facts
from origin.transcode.sniff import Container
from origin.transcode.verify import verify
from shared.messages.catalog import Rung

_DIGEST_CHARS = 16
_OVERHEAD_BYTES = 4 * 1024**2
_POSTER_FILE_BYTES = 16 * 1024**2
_FIRST_NICENESS, _LADDER_NICENESS = 3, 15
"""The rung that makes a video playable takes the CPU from those that only make it sharper."""


@dataclass(frozen=True)
class RenderLimits:
    """Bounds of one encode."""

    threads: int = 2
    startup_s: float = 30.0
    wall_per_second: float = 20.0
    """Wall-clock seconds that one second of video may take."""
    memory_bytes: int = 4 * 1024**3


@dataclass(frozen=True)
class MediaObject:
    """One immutable object to store."""

    path: str
    """Below `/v/{video}/`: `360p-<digest16>/open.mp4`, `poster-<digest16>.webp`."""
    file: Path
    size_bytes: int
    sha256: str
    """Hex."""
    content_type: str


@dataclass(frozen=True)
class RenderedRung:
    """A rung with all its objects, playlist included."""

    rung: Rung
    objects: tuple[MediaObject, ...]


@dataclass(frozen=True)
class Posters:
    """The still picture in two forms, and its hash."""

    webp: MediaObject
    jpeg: MediaObject
    blurhash: str


def find_ffmpeg(environ: Mapping[str, str]) -> str:
    """HEADSTART_FFMPEG, else the static one of imageio-ffmpeg."""
    return environ.get("HEADSTART_FFMPEG") or imageio_ffmpeg.get_ffmpeg_exe()


class Renderer:
    """One ffmpeg and its bounds; holds no state between calls."""

    def __init__(self, ffmpeg: str, limits: RenderLimits) -> None:
        self._ffmpeg = ffmpeg
        self._limits = limits

    async def prepare(self, source: Path, probe: ProbeResult, effects: Effects) -> Material:
        """Measure the loudness, once for all rungs. Raises EncodeFailed or JailFailed."""
        material = Material(str(source.absolute()), probe, effects)
        if not probe.has_audio and effects.sound is None:
            return material
        arguments = command.measure_loudness(material)
        done = await self._run(arguments, source.parent, material, file_bytes=0, niceness=_FIRST_NICENESS)
        return replace(material, gain_db=gain_db(done.stderr))

    async def render(self, material: Material, rendition: Rendition, work_dir: Path) -> RenderedRung:
        """Encode, verify and cut `rendition`. Raises EncodeFailed, BadOutput, NotCmaf or JailFailed."""
        arguments = command.encode(material, rendition, self._limits.threads)
        seconds = material.probe.duration_ms / 1000
        most_bytes = int((rendition.max_bps + command.AUDIO_BPS) / 8 * (seconds + 1) * 2) + _OVERHEAD_BYTES
        niceness = _FIRST_NICENESS if rendition.name == FIRST_RUNG else _LADDER_NICENESS
        await self._run(arguments, work_dir, material, file_bytes=most_bytes, niceness=niceness)
        output = work_dir / "out.mp4"
        made = await asyncio.to_thread(_measure, output)
        facts = await read_facts(output, Container.MOV, ProbeLimits(max_duration_s=seconds + 60))
        verify(made, facts, rendition, material.probe)
        rendered = await asyncio.to_thread(_cut, output, made, rendition)
        output.unlink()
        return rendered

    async def render_posters(self, material: Material, work_dir: Path) -> Posters:
        """WebP, JPEG and blurhash of the video's start. Raises EncodeFailed or JailFailed."""
        arguments = command.posters(material)
        await self._run(
            arguments, work_dir, material, file_bytes=_POSTER_FILE_BYTES, niceness=_FIRST_NICENESS
        )
        tiny = work_dir / "tiny.rgb"
        code = blurhash.encode(tiny.read_bytes(), command.TINY_PX)
        tiny.unlink()
        webp = _poster(work_dir / "poster.webp", "image/webp")
        return Posters(webp, _poster(work_dir / "poster.jpg", "image/jpeg"), code)

    async def _run(
        self, arguments: list[str], cwd: Path, material: Material, *, file_bytes: int, niceness: int
    ) -> jail.Completed:
        seconds = material.probe.duration_ms / 1000
        wall_s = self._limits.startup_s + seconds * self._limits.wall_per_second
        bounds = jail.JailLimits(
            wall_s=wall_s,
            cpu_s=int(wall_s * self._limits.threads),
            memory_bytes=self._limits.memory_bytes,
            file_bytes=file_bytes,
            niceness=niceness,
        )
        done = await jail.run([self._ffmpeg, *arguments], cwd=cwd, limits=bounds)
        if done.is_timed_out:
            raise EncodeFailed(f"ffmpeg was stopped after {wall_s:.0f} s", limit_s=wall_s)
        if done.returncode != 0:
            raise EncodeFailed(f"ffmpeg: {done.last_words}", returncode=done.returncode)
        return done


def _measure(output: Path) -> cmaf.Presentation:
    with output.open("rb") as file:
        if not output.stat().st_size:
            raise EncodeFailed("ffmpeg wrote nothing")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return cmaf.measure(data)


def _cut(output: Path, made: cmaf.Presentation, rendition: Rendition) -> RenderedRung:
    """Each object of the rung in its own file, in a folder that is named after all their digests."""
    folder = output.with_name(f"{rendition.name}-objects")
    folder.mkdir()
    chunk_bytes = [fragment.size_bytes for fragment in made.fragments]
    chunk_ms = [round(fragment.duration_ms) for fragment in made.fragments]
    parts = _write_chunks(output, made, folder)
    index = folder / playlist.MEDIA_NAME
    index.write_text(playlist.media(made.init_bytes, chunk_bytes, chunk_ms))
    parts.append(_object(index, "application/vnd.apple.mpegurl"))
    digest = hashlib.sha256("\n".join(f"{p.path} {p.sha256}" for p in parts).encode()).hexdigest()
    path = f"{rendition.name}-{digest[:_DIGEST_CHARS]}"
    rung = Rung(
        name=rendition.name,
        path=path,
        width=rendition.width,
        height=rendition.height,
        bandwidth_bps=playlist.peak_bps(chunk_bytes, chunk_ms),
        codecs=made.codecs,
        open_bytes=parts[0].size_bytes,
        init_bytes=made.init_bytes,
        chunk_bytes=chunk_bytes,
        chunk_ms=chunk_ms,
        frame_rate=float(rendition.fps),
    )
    return RenderedRung(rung, tuple(replace(part, path=f"{path}/{part.path}") for part in parts))


def _write_chunks(output: Path, made: cmaf.Presentation, folder: Path) -> list[MediaObject]:
    parts = []
    with output.open("rb") as source:
        init = source.read(made.init_bytes)
        for number, fragment in enumerate(made.fragments):
            file = folder / (playlist.chunk_name(number) if number else playlist.OPEN_NAME)
            source.seek(fragment.offset)
            file.write_bytes((b"" if number else init) + source.read(fragment.size_bytes))
            parts.append(_object(file, "video/iso.segment" if number else "video/mp4"))
    return parts


def _object(file: Path, content_type: str) -> MediaObject:
    with file.open("rb") as body:
        digest = hashlib.file_digest(body, "sha256").hexdigest()
    return MediaObject(file.name, file, file.stat().st_size, digest, content_type)


def _poster(file: Path, content_type: str) -> MediaObject:
    still = _object(file, content_type)
    return replace(still, path=f"poster-{still.sha256[:_DIGEST_CHARS]}{file.suffix}")
