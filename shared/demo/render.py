"""Makes a demo clip: the title by Pillow (with its own font; a bare system has none), the rest by ffmpeg."""

import asyncio
from pathlib import Path

import imageio_ffmpeg
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from shared.demo.clips import WIDTH, Clip, command
from shared.errors import ServiceError

RENDER_LIMIT_S = 120
TITLE_HEIGHT = 230
TITLE_SIZE, SUBTITLE_SIZE = 84, 34
LETTER_GAP, LETTER_GAP_SMALL = 16, 4


class ClipFailed(ServiceError):
    """ffmpeg did not draw a demo clip."""

    code = "demo_clip_failed"


def _spaced(draw: ImageDraw.ImageDraw, text: str, y: int, size: int, gap: int) -> None:
    font = ImageFont.load_default(size)
    widths = [font.getlength(letter) for letter in text]
    x = (WIDTH - sum(widths) - gap * (len(text) - 1)) / 2
    stroke = 1 if size > SUBTITLE_SIZE else 0
    for letter, width in zip(text, widths, strict=True):
        draw.text((x, y), letter, fill="white", font=font, stroke_width=stroke, stroke_fill="white")
        x += width + gap


def title_image(clip: Clip) -> Image.Image:
    """The caption of a clip: spaced capitals, a hairline and a subtitle, over a soft shadow."""
    text = Image.new("RGBA", (WIDTH, TITLE_HEIGHT), (0, 0, 0, 0))
    draw = ImageDraw.Draw(text)
    _spaced(draw, clip.title, 28, TITLE_SIZE, LETTER_GAP)
    draw.line((WIDTH / 2 - 70, 138, WIDTH / 2 + 70, 138), fill="white", width=3)
    _spaced(draw, clip.subtitle, 160, SUBTITLE_SIZE, LETTER_GAP_SMALL)
    shadow = Image.new("RGBA", text.size, (0, 0, 0, 0))
    shadow.putalpha(
        text.getchannel("A").filter(ImageFilter.GaussianBlur(12)).point(lambda a: min(225, a * 4))
    )
    return Image.alpha_composite(shadow, text)


async def render(clip: Clip, target: Path) -> Path:
    """Draw `clip` to `target`. Raises ClipFailed."""
    title = target.with_suffix(".png")
    title_image(clip).save(title)
    arguments = command(imageio_ffmpeg.get_ffmpeg_exe(), clip, str(title), str(target))
    process = await asyncio.create_subprocess_exec(*arguments, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(RENDER_LIMIT_S):
            _, errors = await process.communicate()
    except TimeoutError as exc:
        raise ClipFailed(f"{clip.subtitle!r} was not drawn in {RENDER_LIMIT_S} s") from exc
    finally:
        if process.returncode is None:
            process.kill()
        title.unlink(missing_ok=True)
    if process.returncode:
        raise ClipFailed(f"ffmpeg on {clip.subtitle!r}: {errors.decode(errors='replace')[-400:].strip()}")
    return target
