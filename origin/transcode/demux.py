"""Reads every packet of one file and prints what is in it as JSON. Runs inside the jail, as a script.

`python -I demux.py FILE DEMUXER MAX_SECONDS`. It imports nothing of ours: its standard output, bounded and
type-checked by probe.py, is all that leaves. Hostile bytes are parsed here and in the encoder, nowhere else.
"""

import json
import sys
from dataclasses import dataclass, field
from typing import Any

import av

OPTIONS = {"protocol_whitelist": "file", "max_streams": "64"}
ATTACHED_PICTURE = 0x400
MAX_PACKETS = 400_000
MAX_TRIES = 120
"""Packets that may fail before the first picture or sound comes out."""


@dataclass
class Track:
    """What was seen of one stream so far; times in seconds."""

    stream: Any
    start_s: float = float("inf")
    end_s: float = 0.0
    n_packets: int = 0
    last_dts_s: float = 0.0
    steps_s: list[float] = field(default_factory=list)
    frame: Any = None

    def take(self, packet: Any) -> None:
        """Count a packet; decode until the first frame is there."""
        base = float(packet.time_base)
        at_s = float(packet.pts if packet.pts is not None else packet.dts) * base
        dts_s = float(packet.dts if packet.dts is not None else packet.pts) * base
        self.start_s = min(self.start_s, at_s)
        self.end_s = max(self.end_s, at_s + float(packet.duration or 0) * base)
        if self.n_packets:
            self.steps_s.append(dts_s - self.last_dts_s)
        self.last_dts_s = dts_s
        self.n_packets += 1
        if self.frame is None and self.n_packets <= MAX_TRIES:
            self.decode(packet)

    def decode(self, packet: Any) -> None:
        """Keep the first frame that comes out; a packet that does not decode is passed over."""
        try:
            for frame in self.stream.decode(packet):
                self.frame = self.frame or frame
        except (av.error.FFmpegError, ValueError):
            return


def pick(container: Any) -> tuple[Any, Any]:
    """The first real video stream and the first audio stream, or None."""
    videos = [s for s in container.streams.video if not int(s.disposition) & ATTACHED_PICTURE]
    audios = container.streams.audio
    for stream in [*videos[:1], *audios[:1]]:
        stream.codec_context.thread_count = 1
    return (videos[0] if videos else None), (audios[0] if audios else None)


def walk(container: Any, tracks: dict[int, Track], max_s: float) -> bool:
    """Take every packet; True when it stopped at `max_s` or MAX_PACKETS."""
    n_packets = 0
    for packet in container.demux([track.stream for track in tracks.values()]):
        if packet.pts is None and packet.dts is None:
            continue
        track = tracks[packet.stream_index]
        track.take(packet)
        n_packets += 1
        if track.end_s - track.start_s > max_s + 1 or n_packets > MAX_PACKETS:
            return True
    for track in tracks.values():
        if track.frame is None:
            track.decode(None)
    return False


def pace(track: Track) -> dict[str, Any]:
    """Mean frame rate while the picture runs, and whether many steps differ from the usual one."""
    steps_s = sorted(track.steps_s)
    total_s = sum(steps_s)
    if total_s <= 0:
        return {"fps": track.n_packets / max(track.end_s - track.start_s, 1e-3)}
    usual_s = steps_s[len(steps_s) // 2]
    n_odd = sum(abs(step_s - usual_s) > 0.25 * usual_s for step_s in steps_s)
    return {"fps": len(steps_s) / total_s, "is_vfr": n_odd > 0.05 * len(steps_s)}


def promise(container: Any, video: Track, tracks: dict[int, Track]) -> dict[str, Any]:
    """The duration that the headers promise, 0 when they say nothing, and how much of it is there."""
    if video.stream.duration:
        declared_s = float(video.stream.duration * video.stream.time_base)
        return {"declared_s": declared_s, "found_s": video.end_s - video.start_s}
    end_s, start_s = max(t.end_s for t in tracks.values()), min(t.start_s for t in tracks.values())
    return {"declared_s": (container.duration or 0) / av.time_base, "found_s": end_s - start_s}


def picture(track: Track) -> dict[str, Any]:
    """Shape and colour of the decoded picture."""
    context, frame = track.stream.codec_context, track.frame
    sar = track.stream.sample_aspect_ratio
    facts: dict[str, Any] = {
        "video_index": track.stream.index,
        "video_codec": context.codec.canonical_name if context else "",
        "width": context.width if context else 0,
        "height": context.height if context else 0,
        "sar": [sar.numerator, sar.denominator] if sar else [1, 1],
        "has_picture": frame is not None,
    }
    if frame is not None:
        facts |= {
            "width": frame.width,
            "height": frame.height,
            "rotation": int(frame.rotation),
            "pixel_format": frame.format.name,
            "transfer": int(frame.color_trc),
            "primaries": int(frame.color_primaries),
            "is_interlaced": bool(frame.interlaced_frame),
        }
    return facts


def examine(path: str, demuxer: str, max_s: float) -> dict[str, Any]:
    """The facts of admission.Facts, as plain JSON types."""
    facts: dict[str, Any] = {}
    try:
        with av.open(f"file:{path}", format=demuxer, options=OPTIONS, metadata_errors="replace") as container:
            facts["n_streams"] = len(container.streams)
            video, audio = pick(container)
            if video is None:
                return facts
            tracks = {stream.index: Track(stream) for stream in (video, audio) if stream is not None}
            facts["is_cut_short"] = walk(container, tracks, max_s)
            if not tracks[video.index].n_packets:
                return facts
            facts |= picture(tracks[video.index]) | pace(tracks[video.index])
            facts |= promise(container, tracks[video.index], tracks)
            facts["start_s"] = (container.start_time or 0) / av.time_base
            facts["end_s"] = tracks[video.index].end_s
            if audio is not None and tracks[audio.index].n_packets:
                sound = tracks[audio.index]
                name = audio.codec_context.codec.canonical_name if audio.codec_context else "unknown"
                facts |= {
                    "audio_index": audio.index,
                    "audio_codec": name,
                    "has_sound": sound.frame is not None,
                }
    except av.error.FFmpegError as error:
        facts["error"] = str(error.strerror)[:200]
    return facts


if __name__ == "__main__":
    print(json.dumps(examine(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
