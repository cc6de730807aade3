"""The figures as a picture: bars of score, swipes with a wait, stalls and waste, by link and policy."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.bench.swipe.figures import Figures

COLOURS = ("#b8b8b8", "#8fa8c8", "#d9a066", "#a05195", "#1b7f5c", "#58b893", "#444444", "#dddddd")
PANELS: tuple[tuple[str, Callable[[Figures], float]], ...] = (
    ("score (challenge's rules; more is better)", lambda row: row.score),
    ("swipes that wait, %", lambda row: 100 - row.no_wait_pct),
    ("stalled, % of the time", lambda row: row.stall_pct),
    ("bytes never watched, %", lambda row: row.waste_pct),
)
WIDTH, PANEL, TOP, LEFT, BAR = 1500, 230, 60, 20, 150
LEAST_COLUMN = 130
INK = "#222222"


def draw(rows: Mapping[str, Mapping[str, Figures]], path: Path) -> None:
    """Write the picture."""
    width = max(WIDTH, 2 * LEFT + LEAST_COLUMN * len(rows))
    image = Image.new("RGB", (width, TOP + PANEL * len(PANELS)), "white")
    pen, column_px = ImageDraw.Draw(image), (width - 2 * LEFT) / len(rows)
    font, small = ImageFont.load_default(15), ImageFont.load_default(12)
    names = list(next(iter(rows.values())))
    for place, name in enumerate(names):
        x = LEFT + place * (width - 2 * LEFT) // len(names)
        pen.rectangle((x, 16, x + 14, 30), fill=COLOURS[place % len(COLOURS)])
        pen.text((x + 20, 14), name, INK, font)
    for number, (title, value) in enumerate(PANELS):
        groups = [[value(row) for row in by.values()] for by in rows.values()]
        _panel(pen, TOP + number * PANEL, column_px, title, groups)
        for column, world in enumerate(rows):
            x = round(LEFT + column * column_px)
            pen.text((x, TOP + (number + 1) * PANEL - 24), world.replace("challenge ", ""), INK, small)
    image.save(path)


def _panel(
    pen: ImageDraw.ImageDraw, top: int, column_px: float, title: str, groups: list[list[float]]
) -> None:
    font, small = ImageFont.load_default(15), ImageFont.load_default(10)
    pen.text((LEFT, top), title, INK, font)
    low = min(0.0, *(value for group in groups for value in group))
    high = max(1e-9, *(value for group in groups for value in group))
    zero = top + 35 + BAR * high / (high - low)
    for column, group in enumerate(groups):
        x, width = LEFT + column * column_px, column_px / (len(group) + 1)
        for place, value in enumerate(group):
            y = zero - BAR * value / (high - low)
            box = (x + place * width, min(y, zero), x + (place + 0.85) * width, max(y, zero))
            pen.rectangle(box, fill=COLOURS[place % len(COLOURS)])
            pen.text((x + place * width, min(y, zero) - 13), f"{value:.1f}", INK, small)
