"""The hits as a picture: requests/s ÷ tuned nginx by size, one bar for each server. Pure; SVG by hand, for no
plotting library is among the dependencies."""

from collections.abc import Mapping, Sequence
from html import escape

Group = Mapping[str, Mapping[str, float]]
FIGURE = "÷ nginx tuned"
COLOURS = ("#d9480f", "#868e96", "#495057", "#1971c2", "#2b8a3e", "#9c36b5")
BAR, GAP, HEIGHT, LEFT, TOP = 26, 34, 260, 60, 50


def svg(groups: Mapping[str, Group], names: Sequence[str]) -> str:
    """The document; groups without the figure are left out."""
    shown = {label: group for label, group in groups.items() if any(FIGURE in row for row in group.values())}
    highest = max((row.get(FIGURE, 0.0) for group in shown.values() for row in group.values()), default=1.0)
    scale = HEIGHT / max(highest, 1.0)
    width = LEFT + len(shown) * (len(names) * BAR + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + TOP + 60}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="15">requests/s ÷ tuned nginx, one core each</text>',
        *_legend(names),
        *_line(HEIGHT + TOP, width, "0"),
        *_line(HEIGHT + TOP - scale, width, "1"),
    ]
    for place, (label, group) in enumerate(shown.items()):
        parts += _bars(LEFT + GAP // 2 + place * (len(names) * BAR + GAP), label, group, (names, scale))
    return "\n".join([*parts, "</svg>", ""])


def _bars(x: float, label: str, group: Group, how: tuple[Sequence[str], float]) -> list[str]:
    names, scale = how
    parts = []
    for place, name in enumerate(names):
        value = group.get(name, {}).get(FIGURE)
        if value is None:
            continue
        left, high = x + place * BAR, value * scale
        top = HEIGHT + TOP - high
        colour = COLOURS[place % len(COLOURS)]
        parts.append(
            f'<rect x="{left}" y="{top:.1f}" width="{BAR - 4}" height="{high:.1f}" fill="{colour}"/>'
        )
        parts.append(
            f'<text x="{left + BAR / 2 - 2}" y="{top - 4:.1f}" text-anchor="middle">{value:.2f}</text>'
        )
    middle = x + len(names) * BAR / 2
    return [*parts, f'<text x="{middle}" y="{HEIGHT + TOP + 20}" text-anchor="middle">{escape(label)}</text>']


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], LEFT
    for place, name in enumerate(names):
        colour = COLOURS[place % len(COLOURS)]
        parts.append(f'<rect x="{x}" y="{HEIGHT + TOP + 36}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16}" y="{HEIGHT + TOP + 46}">{escape(name)}</text>')
        x += 40 + 7 * len(name)
    return parts


def _line(y: float, width: int, label: str) -> list[str]:
    return [
        f'<line x1="{LEFT}" x2="{width - GAP / 2}" y1="{y:.1f}" y2="{y:.1f}" stroke="#adb5bd"/>',
        f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>',
    ]
