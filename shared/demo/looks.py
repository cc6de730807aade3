"""What the demo's eight categories look and sound like: ffmpeg filter graphs; generated, nobody's footage.

Pure. A look draws small (a core makes ten seconds in about one) and is scaled up, in a palette of its own, so
that a feed that adapts can be seen from across a room. Graphs end unlabelled, at any size and format.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

Graph = str
"""An ffmpeg filter graph, or the head of one."""


class Shade(NamedTuple):
    """One clip's turn within the look of its category."""

    colours: tuple[str, ...]
    """From dark to light, `rrggbb`."""
    seed: int
    pace: float = 1.0
    """Speed of movement; 1 is the look's own."""


class Look(NamedTuple):
    """A category of the demo."""

    title: str
    draw: Callable[[Shade], Graph]
    notes_hz: tuple[float, ...]
    """The chord that the music is made of, lowest first."""
    beat_s: float
    has_drum: bool
    listens: bool = False
    """The graph draws the music: its input is the sound."""


def tint(colours: Sequence[str]) -> Graph:
    """A filter from grey to the colours of `colours`, evenly spread from black to white."""
    channels = [[int(colour[i : i + 2], 16) for colour in colours] for i in (0, 2, 4)]
    step = 255 / (len(colours) - 1)
    tables = []
    for name, levels in zip("rgb", channels, strict=True):
        expression = str(levels[-1])
        for i in range(len(levels) - 2, -1, -1):
            line = f"{levels[i]}+({levels[i + 1] - levels[i]})*(val-{i * step:.1f})/{step:.1f}"
            expression = f"if(lt(val\\,{(i + 1) * step:.1f})\\,{line}\\,{expression})"
        tables.append(f"{name}='{expression}'")
    return f"format=gray,format=gbrp,lutrgb={':'.join(tables)}"


def fractals(shade: Shade) -> Graph:
    """A dive into the Mandelbrot set."""
    places = ((-0.743643887, -0.131825904), (-0.1011, 0.9563), (-1.25066, 0.02012), (0.2925, 0.0149))
    x, y = places[shade.seed % len(places)]
    zoom = (
        f"mandelbrot=size=144x256:rate=15:start_scale={2.4 / shade.pace}:end_scale=0.003:end_pts=190"
        f":start_x={x}:start_y={y}:maxiter=160:inner=black:outer=normalized_iteration_count"
    )
    return f"{zoom},{tint(shade.colours)},framerate=30"


def cells(shade: Shade) -> Graph:
    """Conway's life with mould growing where it died."""
    alive, dead, mould = reversed(shade.colours)
    return (
        f"life=s=72x128:mold=12:r={round(10 * shade.pace)}:ratio=0.2:seed={shade.seed}"
        f":life_color=#{alive}:death_color=#{dead}:mold_color=#{mould},scale=360:640:flags=neighbor"
    )


def skies(shade: Shade) -> Graph:
    """Slow washes of evening colours around a paper sun."""
    stops = ":".join(f"c{i}=#{colour}" for i, colour in enumerate(shade.colours[:4]))
    sun = (
        f"color=#{shade.colours[-1]}:s=360x640,format=yuva420p,trim=end_frame=1,"
        "geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='255*clip(105-hypot(X-180,Y-330),0,1)',loop=-1:1[sun]"
    )
    drift = f"gradients=s=180x320:r=30:n=4:seed={shade.seed}:speed={0.03 * shade.pace}:{stops}"
    return (
        f"{sun};{drift},scale=360:640[sky];[sky][sun]overlay=x=0:y='40*sin(t*{0.5 * shade.pace})':eval=frame"
    )


def lava(shade: Shade) -> Graph:
    """Metaballs that rise and sink in a lamp."""
    balls = "+".join(
        f"{160 + 50 * i}/hypot(X-22-{8 + 2 * i}*sin(T*{0.5 * shade.pace + 0.13 * i}+{shade.seed + 2 * i})"
        f"\\,Y-40-{26 + 4 * i}*sin(T*{0.4 * shade.pace + 0.11 * i}+{2 * shade.seed + i}))"
        for i in range(4)
    )
    field = f"color=black:s=45x80:r=10,format=gray,geq=lum='clip(({balls})*7-150\\,0\\,255)'"
    return f"{field},framerate=30,scale=180:320:flags=bicubic,{tint(shade.colours)}"


def mirrors(shade: Shade) -> Graph:
    """A kaleidoscope: one turning quarter, mirrored twice."""
    stops = ":".join(f"c{i}=#{colour}" for i, colour in enumerate(shade.colours))
    quarter = (
        f"gradients=s=130x130:r=15:n={len(shade.colours)}:speed=0.06:seed={shade.seed}:type=spiral:{stops},"
        f"rotate=t*{0.5 * shade.pace}:ow=45:oh=80,framerate=30"
    )
    halves = (
        "split[a{0}][b{0}];[b{0}]hflip[c{0}];[a{0}][c{0}]hstack,"
        "split[d{0}][e{0}];[e{0}]vflip[f{0}];[d{0}][f{0}]vstack"
    )
    return f"{quarter},{halves.format(1)},{halves.format(2)}"


def space(shade: Shade) -> Graph:
    """A nebula, and two layers of stars at different distances."""
    contrast = "lutyuv=y='clip((val-80)*2\\,0\\,255)'"
    clouds = f"octaves=4:tscale=0.25:xscale=2.5:yscale=4:random_seed={shade.seed}:random_mode=seed"
    nebula = f"perlin=s=45x80:r=10:{clouds},{contrast}"
    sky = f"{nebula},framerate=30,scale=360:640:flags=bicubic,{tint(shade.colours)},format=gbrp[nebula]"
    stars = []
    for name, threshold, size, speed in (
        ("far", 0.9965, "360x640", 0.002),
        ("near", 0.9975, "120x214", 0.006),
    ):
        dots = f"geq=lum='255*gt(random({shade.seed % 9})\\,{threshold})*(0.3+0.7*random(1))'"
        stars.append(
            f"color=black:s={size}:r=30,format=gray,trim=end_frame=1,{dots},scale=360:640:flags=bicubic,"
            f"format=gbrp,loop=-1:1,scroll=v=-{speed * shade.pace}[{name}]"
        )
    return f"{sky};{';'.join(stars)};[nebula][far]blend=all_mode=screen[b];[b][near]blend=all_mode=screen"


def paper(shade: Shade) -> Graph:
    """Layers of a cut-paper town that pass at different speeds."""
    sky, moon, *layers = shade.colours
    disc = ":".join(
        f"{channel}='if(lt(hypot(X-250\\,Y-250)\\,58)\\,{int(moon[i : i + 2], 16)}\\,{channel}(X\\,Y))'"
        for channel, i in (("r", 0), ("g", 2), ("b", 4))
    )
    still = f"color=#{sky}:s=360x640:r=30,format=gbrp,trim=end_frame=1,geq={disc}"
    parts = [f"{still},format=yuv420p,loop=-1:1[l0]"]
    for depth, colour in enumerate(layers):
        parts.append(f"{_skyline(colour, depth, shade)}[s{depth}]")
    for depth in range(len(layers)):
        tail = f"[l{depth + 1}]" if depth < len(layers) - 1 else ""
        parts.append(f"[l{depth}][s{depth}]overlay=0:0{tail}")
    return ";".join(parts)


def _skyline(colour: str, depth: int, shade: Shade) -> Graph:
    width = 30 + 12 * depth
    roofs = [
        340 + 75 * depth + (shade.seed * 37 + i * i * 53 + depth * 29) % 110 for i in range(360 // width + 1)
    ]
    boxes = [
        f"drawbox={i * width}:{y}:{width - 3}:640:#{colour}@1:fill:replace=1" for i, y in enumerate(roofs)
    ]
    windows = [
        f"drawbox={i * width + 8}:{y + 14 + 26 * row}:7:11:#{shade.colours[1]}@0.85:fill:replace=1"
        for i, y in enumerate(roofs)
        for row in range(3)
        if (i + row + depth + shade.seed) % 3 == 0
    ]
    speed = 0.0009 * (depth + 1) * shade.pace
    return (
        f"color=#{colour}@0:s=360x640:r=30,format=yuva420p,trim=end_frame=1,{','.join(boxes + windows)},"
        f"loop=-1:1,scroll=h={speed:.5f}"
    )


def music(shade: Shade) -> Graph:
    """The sound itself: a mirrored waveform with an afterglow."""
    wave = f"showwaves=s=90x80:r=30:mode=cline:scale=lin:colors=0x{shade.colours[-1]}"
    half = (
        f"aformat=channel_layouts=mono,volume=2.2,{wave},format=gbrp,lagfun={0.94 if shade.pace > 1 else 0.9}"
    )
    glow = "split[a][b];[b]vflip[c];[a][c]vstack,scale=360:640:flags=neighbor,split[d][e];[e]boxblur=12:2[f]"
    floor = f"color=#{shade.colours[0]}:s=360x640:r=30,format=gbrp"
    return f"{half},{glow};[d][f]blend=all_mode=screen[g];{floor}[h];[g][h]blend=all_mode=screen:shortest=1"


def score(look: Look, shade: Shade, seconds: int) -> Graph:
    """An aevalsrc that plays the look's chord as a pad and an arpeggio, over a drum if it has one; quiet."""
    beat, turn = look.beat_s / shade.pace, 2 ** (((shade.seed * 5) % 7 - 3) / 12)
    notes = [hz * turn for hz in look.notes_hz]
    bar = beat * len(notes)
    pad = "+".join(
        f"sin({6.2832 * hz / 2:.2f}*t)*(0.6+0.4*sin({0.7 + 0.3 * i:.1f}*t))" for i, hz in enumerate(notes)
    )
    plucks = "+".join(
        f"sin({6.2832 * hz:.2f}*t)*exp(-7*mod(t+{bar - i * beat:.4f}\\,{bar:.4f}))"
        for i, hz in enumerate(notes)
    )
    drum = (
        f"+0.5*sin(9*exp(-30*mod(t\\,{beat * 2:.4f})))*exp(-6*mod(t\\,{beat * 2:.4f}))"
        if look.has_drum
        else ""
    )
    return f"aevalsrc='0.03*({pad})+0.11*({plucks}){drum}*0.4':s=24000:d={seconds}"


LOOKS: dict[str, Look] = {
    "fractals": Look("FRACTALS", fractals, (220.0, 261.6, 329.6, 392.0), 0.5, False),
    "cells": Look("CELLS", cells, (293.7, 349.2, 440.0), 0.2, False),
    "skies": Look("SKIES", skies, (196.0, 246.9, 293.7, 370.0), 1.0, False),
    "lava": Look("LAVA", lava, (110.0, 130.8, 164.8), 0.6, True),
    "mirrors": Look("MIRRORS", mirrors, (329.6, 415.3, 493.9, 659.3), 0.3, False),
    "space": Look("SPACE", space, (98.0, 146.8, 220.0), 1.4, False),
    "paper": Look("PAPER", paper, (261.6, 329.6, 392.0, 523.3), 0.4, False),
    "music": Look("MUSIC", music, (110.0, 164.8, 220.0, 277.2), 0.25, True, listens=True),
}
