"""What an upload really is: sniffed here, demuxed in the jail, judged by admission.py.

A caller's mistake comes out as UnsupportedMedia, BrokenMedia or MediaLimit; JailFailed is ours.
"""

import sys
from pathlib import Path

import msgspec

from origin.transcode import jail
from origin.transcode.admission import Facts, ProbeLimits, ProbeResult, admit
from origin.transcode.errors import BrokenMedia, MediaLimit
from origin.transcode.extent import check_extent
from origin.transcode.sniff import HEAD_BYTES, Container, sniff

_DEMUX = Path(__file__).with_name("demux.py")
_MEMORY_BYTES = 2 * 1024**3


async def probe(path: Path, limits: ProbeLimits) -> ProbeResult:
    """The video at `path`, or the reason why it is none of ours."""
    with path.open("rb") as file:
        container = sniff(file.read(HEAD_BYTES))

        def read_at(offset: int, n_bytes: int) -> bytes:
            file.seek(offset)
            return file.read(n_bytes)

        check_extent(container, path.stat().st_size, read_at)
    return admit(container, await read_facts(path, container, limits), limits)


async def read_facts(path: Path, container: Container, limits: ProbeLimits) -> Facts:
    """Every packet of `path` counted, in the jail. Raises BrokenMedia, MediaLimit or JailFailed."""
    argv = [
        sys.executable,
        "-I",
        "-B",
        str(_DEMUX),
        str(path.absolute()),
        container,
        str(limits.max_duration_s),
    ]
    bounds = jail.JailLimits(
        wall_s=limits.wall_s, cpu_s=int(limits.wall_s) + 1, memory_bytes=_MEMORY_BYTES, file_bytes=0
    )
    done = await jail.run(argv, cwd=path.absolute().parent, limits=bounds)
    if done.is_timed_out:
        raise MediaLimit(
            f"reading it takes longer than {limits.wall_s:g} s",
            what="probe_s",
            limit=limits.wall_s,
            actual=None,
        )
    if done.returncode != 0:
        raise BrokenMedia(f"broken: the demuxer ended with {done.returncode}: {done.last_words}")
    try:
        return msgspec.json.decode(done.stdout, type=Facts)
    except msgspec.DecodeError as exc:
        raise BrokenMedia(f"broken: the demuxer's answer is not readable: {exc}") from exc
