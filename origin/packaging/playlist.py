"""HLS playlists (RFC 8216) over the objects of DESIGN.md §2.

Pure. The opening object holds init segment and first second, so the media playlist addresses both by byte
range: any HLS player then reads the very bytes that our own player has in its cache. The other segments say
their whole range too: ffmpeg keeps the end of the last range for the next request on a kept-alive connection,
and would cut a segment without one short.
"""

from collections.abc import Sequence

from shared.errors import InvalidRequest
from shared.messages.catalog import Rung, TextTrack

MEDIA_NAME = "index.m3u8"
OPEN_NAME = "open.mp4"
TEXT_GROUP = "captions"


def chunk_name(number: int) -> str:
    """Name of the segment that follows the opening one by `number` seconds: `1.m4s`, …"""
    return f"{number}.m4s"


def media(init_bytes: int, chunk_bytes: Sequence[int], chunk_ms: Sequence[int]) -> str:
    """One rung's playlist."""
    if not chunk_bytes or len(chunk_bytes) != len(chunk_ms):
        raise InvalidRequest("a playlist needs segments, and a duration for each")
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, *(round(ms / 1000) for ms in chunk_ms))}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{OPEN_NAME}",BYTERANGE="{init_bytes}@0"',
        f"#EXTINF:{chunk_ms[0] / 1000:.3f},",
        f"#EXT-X-BYTERANGE:{chunk_bytes[0]}@{init_bytes}",
        OPEN_NAME,
    ]
    for number, (size, duration_ms) in enumerate(zip(chunk_bytes[1:], chunk_ms[1:], strict=True), start=1):
        lines += (f"#EXTINF:{duration_ms / 1000:.3f},", f"#EXT-X-BYTERANGE:{size}@0", chunk_name(number))
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def text(name: str, duration_ms: int) -> str:
    """The playlist of a text track that is one file (RFC 8216 section 3.5)."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, -(-duration_ms // 1000))}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXTINF:{max(1, duration_ms) / 1000:.3f},",
        name,
    ]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def text_name(path: str) -> str:
    """The path of the playlist of the text track at `path`."""
    return path.removesuffix(".vtt") + ".m3u8"


def master(rungs: Sequence[Rung], tracks: Sequence[TextTrack] = ()) -> str:
    """The playlist of a video's published rungs, lowest first; paths are relative to `/v/{video}/`."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="{TEXT_GROUP}",NAME="{track.label}",'
        f'LANGUAGE="{track.language}",AUTOSELECT=YES,URI="{text_name(track.path)}"'
        for track in tracks
    ]
    captions = f',SUBTITLES="{TEXT_GROUP}"' if tracks else ""
    for rung in sorted(rungs, key=lambda r: r.bandwidth_bps):
        average = round(sum(rung.chunk_bytes) * 8000 / max(1, sum(rung.chunk_ms)))
        rate = f",FRAME-RATE={rung.frame_rate:.3f}" if rung.frame_rate else ""
        lines += (
            f"#EXT-X-STREAM-INF:BANDWIDTH={rung.bandwidth_bps},AVERAGE-BANDWIDTH={average},"
            f'CODECS="{rung.codecs}",RESOLUTION={rung.width}x{rung.height}{rate}{captions}',
            f"{rung.path}/{MEDIA_NAME}",
        )
    return "\n".join([*lines, ""])


def peak_bps(chunk_bytes: Sequence[int], chunk_ms: Sequence[int]) -> int:
    """RFC 8216 §4.3.4.2: the highest rate of any run of segments that lasts 0.5 to 1.5 target durations.

    A last segment of two frames thus counts together with the one before it. Cost O(segments).
    """
    target_ms = max(1000, *chunk_ms) if chunk_ms else 1000
    peak = 0.0
    for first in range(len(chunk_ms)):
        run_bytes = run_ms = 0
        for last in range(first, min(first + 8, len(chunk_ms))):
            run_bytes, run_ms = run_bytes + chunk_bytes[last], run_ms + chunk_ms[last]
            if 0.5 * target_ms <= run_ms <= 1.5 * target_ms:
                peak = max(peak, run_bytes * 8000 / run_ms)
    # A video shorter than half a target duration has no such run.
    return round(peak) or round(sum(chunk_bytes) * 8000 / max(1, sum(chunk_ms)))
