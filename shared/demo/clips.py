"""The demo's two dozen clips: who made them, what they say, and the ffmpeg command that draws each.

Pure. Three clips a category; the order interleaves the categories, so that the first few playable videos
already differ. Creators are invented product names.
"""

from collections.abc import Sequence
from typing import NamedTuple

from shared.demo.looks import LOOKS, Shade, score

WIDTH, HEIGHT, FPS = 720, 1280, 30
TITLE_Y = 150
"""Where the caption is drawn: below a phone's status bar, above the player's own texts."""
TITLE_S = 5


class Clip(NamedTuple):
    """One generated video and what its upload says."""

    category: str
    creator: str
    subtitle: str
    """Second line of the caption that is drawn in."""
    caption: str
    hashtags: tuple[str, ...]
    seconds: int
    shade: Shade

    @property
    def title(self) -> str:
        return LOOKS[self.category].title


# fmt: off
_ROWS: tuple[tuple[str, str, str, str, str, int, str, int, float], ...] = (
    ("lava", "lamp_lab", "slow burn", "my to-do list, visualised",
     "lava slowtv satisfying", 9, "1a0208 5c0a1e e8441a ffb52e fff0b0", 1, 1.0),
    ("cells", "petri_dish", "colony no. 1", "nobody told them to do this",
     "life emergence tinyworlds", 10, "02130d 0b6b4c d9ff66", 7, 1.0),
    ("skies", "soft_weather", "evening, eventually", "forecast: pastel with a chance of naps",
     "calm sky pastel", 12, "ffb3a7 ffd9c2 b9c8f2 8f9fe0 fff3dc", 3, 1.0),
    ("music", "neon_waves", "magenta hour", "turn it up, then look at it",
     "synth waveform neon", 8, "14021f ff2fb3", 2, 1.0),
    ("paper", "cutout_club", "harbour lights", "built with scissors and patience",
     "papercraft town cosy", 10, "f4e7d3 fff9ec f0b8a0 d9715f 2f6f73", 4, 1.0),
    ("fractals", "deep_zoom", "keep falling", "there is no bottom, I checked",
     "fractal mandelbrot infinite", 10, "05061f 23328f 3fa7ff f6e7b0 d9822b", 0, 1.0),
    ("mirrors", "kaleido_scopist", "turn, turn", "four copies of the same idea",
     "kaleidoscope symmetry colour", 9, "ff006e fb5607 ffbe0b 8338ec 3a86ff 00c2a8", 40, 1.0),
    ("space", "orbit_nine", "outbound", "nothing out here but parking",
     "space stars nebula", 12, "03030c 0c0a2c 3b1f7a 8a4fd0", 6, 1.0),
    ("lava", "lamp_lab", "blue hour", "lava, but it went to art school",
     "lava cool satisfying", 9, "02040f 14306b c2185b ff7a59 ffe3c7", 4, 1.4),
    ("cells", "tiny_kingdoms", "the grid remembers", "rent is due every generation",
     "life automata pixels", 9, "0d1b0a 3f7d20 f7ff8a", 21, 1.4),
    ("skies", "soft_weather", "mint morning", "woke up like this",
     "sky morning calm", 11, "c9f2e3 fdf6d8 a9dcec f6cfe0 ffffff", 9, 0.7),
    ("music", "neon_waves", "cyan shift", "bass you can measure",
     "synth bass waveform", 8, "00131c 27e8ff", 5, 1.2),
    ("paper", "cutout_club", "autumn street", "every window is someone's late night",
     "papercraft autumn cosy", 10, "fbe3c0 fff7df e9a15b b9552f 5a2a27", 9, 1.5),
    ("fractals", "deep_zoom", "seahorse valley", "the map is also the territory",
     "fractal maths zoom", 10, "140b02 7a3b06 f2b134 fff4d2 3c91e6", 1, 1.0),
    ("mirrors", "prism_parlour", "sugar glass", "do not lick the screen",
     "kaleidoscope candy symmetry", 9, "f72585 ffd6e8 4cc9f0 ffffff b5179e ffd166", 12, 0.7),
    ("space", "orbit_nine", "drift", "engine off, lights off, still arriving",
     "space drift ambient", 12, "020408 04202b 0d5c63 79d2c0", 15, 1.6),
    ("lava", "warm_physics", "gold melt", "heat rises, so does everything else",
     "lava gold physics", 8, "120a00 6b2d00 d98e04 ffe169 fffbe6", 8, 0.8),
    ("cells", "petri_dish", "after the rain", "moss with opinions",
     "life moss emergence", 10, "06120f 1d6f5c a8ff9e", 42, 0.8),
    ("skies", "far_horizon", "last light", "the sun said what it said",
     "sunset sky calm", 12, "ff9e80 ffcf9f e07a9a 6d6aa8 ffe9b8", 14, 1.0),
    ("music", "bar_line", "lime session", "this wave is fully licensed: by me",
     "synth lime groove", 9, "0d1400 c6ff1a", 6, 0.9),
    ("paper", "fold_and_glue", "blue hour town", "population: cardboard",
     "papercraft night town", 10, "bcd4e6 fff6c9 7fa3c7 41658a 1b2a41", 2, 0.8),
    ("fractals", "recursion_daily", "spiral arm", "see caption, see caption, see caption",
     "fractal recursion spiral", 9, "0b0014 4a0d67 b5179e ffd6ff 3df2c1", 3, 1.0),
    ("mirrors", "kaleido_scopist", "cathedral", "no glass was harmed",
     "kaleidoscope glass symmetry", 9, "d00000 ffba08 3f88c5 032b43 136f63", 23, 1.3),
    ("space", "null_island", "signal found", "it was just my neighbour's wifi",
     "space signal nebula", 11, "0a0206 33081f 8c1c4a f2789f", 31, 1.0),
)
# fmt: on

CLIPS: tuple[Clip, ...] = tuple(
    Clip(
        category,
        creator,
        subtitle,
        caption,
        tuple(tags.split()),
        seconds,
        Shade(tuple(colours.split()), seed, pace),
    )
    for category, creator, subtitle, caption, tags, seconds, colours, seed, pace in _ROWS
)


_USERS_OF = {
    "forecast: pastel with a chance of naps": (
        "engine off, lights off, still arriving",
        "the sun said what it said",
    ),
    "turn it up, then look at it": (
        "population: cardboard",
        "see caption, see caption, see caption",
        "no glass was harmed",
    ),
}

SOUND_OF = {user: source for source, users in _USERS_OF.items() for user in users}
"""Caption of a clip that plays another's sound, and of the other, which comes much earlier."""


def command(ffmpeg: str, clip: Clip, title_png: str, target: str) -> list[str]:
    """The arguments that draw `clip`, its title laid over it, to an MP4 at `target`; one thread."""
    look = LOOKS[clip.category]
    graph = look.draw(clip.shade)
    if look.listens:
        graph = f"[0:a]asplit[sound][heard];[heard]{graph}"
    fade = f"fade=in:d=0.6:alpha=1,fade=out:st={TITLE_S - 1}:d=1:alpha=1"
    title = f"format=yuva420p,loop={TITLE_S * FPS}:1,{fade}[title]"
    frame = f"scale={WIDTH}:{HEIGHT}:flags=bicubic,fps={FPS},format=yuv420p[frame]"
    graph = (
        f"{graph},{frame};[1:v]{title};[frame][title]overlay=0:{TITLE_Y}:eof_action=pass:shortest=0[video]"
    )
    sound = "[sound]" if look.listens else "0:a"
    return [
        *(ffmpeg, "-v", "error", "-nostdin", "-y", "-threads", "1", "-filter_complex_threads", "1"),
        *("-f", "lavfi", "-i", score(look, clip.shade, clip.seconds)),
        *("-framerate", str(FPS), "-i", title_png),
        *("-filter_complex", graph, "-map", "[video]", "-map", sound, "-t", str(clip.seconds)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "27", "-threads", "1"),
        *("-c:a", "aac", "-b:a", "96k", "-ar", "44100", "-movflags", "+faststart", target),
    ]


def tags(hashtags: Sequence[str]) -> str:
    """Hashtags as an upload says them."""
    return " ".join(f"#{tag}" for tag in hashtags)
