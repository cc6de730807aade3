"""ffmpeg's arguments for one rendition and for the posters.

Pure. Names inside are relative to the jail's folder. Input: forced demuxer, `file` the only protocol,
decoders by whitelist. Output: H.264 in closed GOPs of one second, AAC stereo 48 kHz, upright, square pixels,
BT.709, constant frame rate, no metadata, byte-for-byte repeatable. Every video has sound, silence where the
source has none: one `codecs` string for all, so a player's SourceBuffer never changes type between swipes.
"""

from dataclasses import dataclass

from origin.transcode.admission import ProbeResult
from origin.transcode.effects import Effects, picture_chain, sound_graph
from origin.transcode.ladder import Rendition
from origin.transcode.loudness import MEASURE, normalise

POSTER_WIDTH_PX = 540
TINY_PX = 32
"""Sides of the raw RGB picture that the blurhash is made from."""
AUDIO_BPS = 96_000
_TALKING = "-nostdin -hide_banner -nostats -y -filter_threads 1 -filter_complex_threads 1"
_QUIET = f"{_TALKING} -v error"
_MP4 = "-movflags +frag_keyframe+empty_moov+default_base_moof+delay_moov+skip_trailer -f mp4"
"""delay_moov lets the edit lists tell the encoders' delays, so that both tracks start at 0."""
_NO_SEI = "-bsf:v filter_units=remove_types=6"
"""x264 writes its settings into the first frame: 700 bytes that every first frame would wait for."""
_DECODERS = (
    "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,libaom-av1,mpeg4,mjpeg,prores,aac,aac_fixed,mp3,mp3float,"
    "opus,libopus,vorbis,libvorbis,flac,alac,ac3,ac3_fixed,eac3,amrnb,amrwb,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)


@dataclass(frozen=True)
class Material:
    """What every rung of a video is made from."""

    file: str
    """Absolute path."""
    probe: ProbeResult
    effects: Effects
    gain_db: float = 0.0
    """Brings the sound to the common loudness (loudness.py)."""

    @property
    def seconds(self) -> str:
        """Duration, as ffmpeg reads it."""
        return f"{self.probe.duration_ms / 1000:.3f}"


def encode(material: Material, rendition: Rendition, threads: int) -> list[str]:
    """Arguments that write `rendition` to `out.mp4`, fragmented by the second."""
    picture = ",".join(_picture(material.probe, rendition, material.effects))
    sound = f"{_sound(material)},{normalise(material.gain_db)},apad,atrim=end={material.seconds}"
    graph = f"[0:{material.probe.video_index}]{picture}[v];{sound}[a]"
    return [
        *_QUIET.split(),
        *_inputs(material, threads),
        *("-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-t", material.seconds),
        *_x264(rendition, threads),
        *f"-c:a aac -b:a {AUDIO_BPS} -ac 2 -ar 48000".split(),
        *f"-map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:a +bitexact {_MP4} out.mp4".split(),
    ]


def measure_loudness(material: Material) -> list[str]:
    """Arguments that print what loudness.py reads."""
    graph = f"{_sound(material)},atrim=end={material.seconds},{MEASURE}[a]"
    inputs = _inputs(material, 1)
    return [*_TALKING.split(), *inputs, "-filter_complex", graph, "-map", "[a]", "-f", "null", "-"]


def posters(material: Material) -> list[str]:
    """Arguments that write `poster.webp`, `poster.jpg` and `tiny.rgb` (TINY_PX² RGB24).

    Of the first half second, so that the poster turns into the video without a jump; the most typical of its
    frames, so that a black first one is not taken.
    """
    probe, effects = material.probe, material.effects
    width = min(POSTER_WIDTH_PX, probe.width)
    width, height = _even(width), _even(width * probe.height / probe.width)
    chain = ",".join(("fps=30", "trim=end_frame=15", *_scale(probe, width, height), *picture_chain(effects)))
    graph = (
        f"[0:{probe.video_index}]{chain},thumbnail=n=15,split=3[w][j][t];"
        "[w]format=yuv420p[webp];[j]scale=out_range=pc,format=yuvj420p[jpeg];"
        f"[t]scale={TINY_PX}:{TINY_PX}:flags=area,format=rgb24[tiny]"
    )
    plain = "-frames:v 1 -map_metadata -1 -fflags +bitexact -flags +bitexact"
    outputs = (
        f"-map [webp] {plain} -c:v libwebp -quality 72 -f webp poster.webp"
        f" -map [jpeg] {plain} -c:v mjpeg -q:v 4 -f image2 -update 1 poster.jpg"
        f" -map [tiny] {plain} -c:v rawvideo -f rawvideo tiny.rgb"
    )
    return [*_QUIET.split(), *_inputs(material, 1), "-filter_complex", graph, *outputs.split()]


def _even(size: float) -> int:
    return max(2, 2 * round(size / 2))


def _inputs(material: Material, threads: int) -> list[str]:
    """The video, and as input 1 the sound that is laid under it."""
    allowed = ("-protocol_whitelist", "file", "-codec_whitelist", _DECODERS, "-threads", str(threads))
    inputs = [*allowed, "-f", material.probe.container, "-i", f"file:{material.file}"]
    sound = material.effects.sound
    if sound is not None:
        inputs += [*allowed, "-f", sound.container, "-i", f"file:{sound.file}"]
    return inputs


def _sound(material: Material) -> str:
    probe = material.probe
    original = f"[0:{probe.audio_index}]" if probe.has_audio else ""
    return sound_graph(original, material.effects.sound, material.seconds)


def _picture(probe: ProbeResult, rendition: Rendition, effects: Effects) -> list[str]:
    """Filters from the decoded, already upright picture to what x264 gets; frames are dropped first."""
    return [
        *(["yadif=deint=interlaced"] if probe.is_interlaced else []),
        f"fps={rendition.fps}:start_time=0",
        *_scale(probe, rendition.width, rendition.height),
        *picture_chain(effects),
        "format=yuv420p",
        "setsar=1",
        "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
    ]


def _scale(probe: ProbeResult, width: int, height: int) -> list[str]:
    """To size, and to BT.709 at limited range from whatever the source says it is."""
    if probe.is_hdr:
        return [
            f"zscale=w={width}:h={height}:t=linear:npl=203",
            "format=gbrpf32le",
            "zscale=p=bt709",
            "tonemap=tonemap=hable:desat=0",
            "zscale=t=bt709:m=bt709:r=tv",
            "format=yuv420p",
        ]
    if probe.is_wide_gamut:
        return [f"zscale=w={width}:h={height}:p=bt709:t=bt709:m=bt709:r=tv", "format=yuv420p"]
    return [f"scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv", "format=yuv420p"]


def _x264(rendition: Rendition, threads: int) -> list[str]:
    gop, cap = rendition.fps, rendition.max_bps
    return (
        f"-c:v libx264 -preset veryfast -profile:v {rendition.profile} -crf {rendition.crf}"
        f" -maxrate {cap} -bufsize {cap} -g {gop} -keyint_min {gop} -sc_threshold 0 -bf 2"
        f" -flags:v +cgop+bitexact -threads {threads} {_NO_SEI}"
        " -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv"
    ).split()
