"""Renders clips as the worker does and lays the objects out as the origin serves them."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from origin.packaging import playlist
from origin.transcode.admission import ProbeLimits, ProbeResult
from origin.transcode.effects import Effects
from origin.transcode.ladder import DEFAULT_RUNGS, ladder
from origin.transcode.probe import probe
from origin.transcode.render import RenderedRung, Renderer, RenderLimits, find_ffmpeg
from tests.clips import ffmpeg


def renderer(threads: int = 2) -> Renderer:
    """The real thing."""
    return Renderer(find_ffmpeg(os.environ), RenderLimits(threads=threads))


async def render_all(
    clip: Path, work: Path, rungs: Sequence[str] = DEFAULT_RUNGS, effects: Effects | None = None
) -> tuple[ProbeResult, list[RenderedRung]]:
    """Every rung of `clip` that fits it, in order."""
    probed = await probe(clip, ProbeLimits())
    material = await renderer().prepare(clip, probed, effects or Effects())
    made = []
    for rendition in ladder(probed, tuple(rungs)):
        folder = work / rendition.name
        folder.mkdir(parents=True)
        made.append(await renderer().render(material, rendition, folder))
    return probed, made


def publish(rungs: Sequence[RenderedRung], folder: Path) -> Path:
    """The folder `/v/{video}/` with every object and the master playlist; returns the latter."""
    for rendered in rungs:
        for part in rendered.objects:
            target = folder / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(part.file.read_bytes())
    master = folder / "master.m3u8"
    master.write_text(playlist.master([rendered.rung for rendered in rungs]))
    return master


def complaints(url: str) -> str:
    """What ffmpeg has to say, warnings included, when it decodes every stream of `url`."""
    argv = [ffmpeg(), "-nostdin", "-v", "warning", "-i", url, "-map", "0", "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.stderr if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"
