"""Filter presets and sound as pieces of an ffmpeg filter graph.

Pure. A preset is picked by name from this table; no text of a creator ever reaches a graph.
"""

from dataclasses import dataclass
from enum import StrEnum

from origin.transcode.sniff import Container


class Preset(StrEnum):
    """The looks that the studio offers."""

    NONE = "none"
    MONO = "mono"
    VIVID = "vivid"
    WARM = "warm"
    COOL = "cool"
    VINTAGE = "vintage"


_CHAINS = {
    Preset.NONE: (),
    Preset.MONO: ("hue=s=0", "eq=contrast=1.06"),
    Preset.VIVID: ("eq=saturation=1.45:contrast=1.07",),
    Preset.WARM: ("colortemperature=temperature=4800:pl=0.6",),
    Preset.COOL: ("colortemperature=temperature=8800:pl=0.6",),
    Preset.VINTAGE: ("curves=preset=vintage", "eq=saturation=0.8", "vignette=angle=PI/5"),
}


_LOOP = f"aloop=loop=-1:size={2**31 - 1}"
"""Of samples, not of packets (`-stream_loop`): there the timestamps jump by the encoder's delay, and the
resampler, which bends the pitch to follow them, is heard. Holds the sound: 23 MB a minute."""


@dataclass(frozen=True)
class SoundMix:
    """A sound laid under a video, looped to its length. Volumes from 0 (silent) to 2."""

    file: str
    """Absolute path."""
    container: Container
    original_volume: float = 0.0
    sound_volume: float = 1.0
    duration_ms: int = 0
    """How much of it is played before it begins again, so that no padding is heard between; 0: all."""

    def __post_init__(self) -> None:
        for volume in (self.original_volume, self.sound_volume):
            if not 0 <= volume <= 2:
                raise ValueError(f"a volume is between 0 and 2, not {volume}")


@dataclass(frozen=True)
class Effects:
    """What a creator asked for."""

    preset: Preset = Preset.NONE
    sound: SoundMix | None = None


def picture_chain(effects: Effects) -> tuple[str, ...]:
    """The video filters of the preset, in order."""
    return _CHAINS[effects.preset]


def sound_graph(original: str, sound: SoundMix | None, duration: str) -> str:
    """A graph that ends open, in stereo at 48 kHz: `original` (a label, or empty: no audio) under `sound`.

    `sound` is input 1 of the command.
    """
    form = "aresample=48000:async=1000:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo"
    source = f"{original}{form}" if original else f"anullsrc=r=48000:cl=stereo,atrim=end={duration}"
    if sound is None:
        return source
    end = f",atrim=end={sound.duration_ms / 1000:.3f}" if sound.duration_ms else ""
    return (
        f"{source},volume={sound.original_volume:.3f}[original];"
        f"[1:a:0]{form}{end},{_LOOP},volume={sound.sound_volume:.3f}[sound];"
        "[original][sound]amix=inputs=2:duration=longest:normalize=0"
    )
