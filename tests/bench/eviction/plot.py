"""The miss ratio curves as one SVG: a panel a trace, a line a policy. Written by hand: nothing to install."""

from collections.abc import Mapping
from html import escape

Curves = Mapping[str, Mapping[str, list[tuple[float, float]]]]
"""Trace -> policy -> (cache share, byte miss ratio), by growing share."""

COLOURS = {
    "LRU": "#888888",
    "LFU": "#b8860b",
    "SIEVE": "#8e44ad",
    "ARC": "#2980b9",
    "S3-FIFO": "#27ae60",
    "ours": "#d62728",
    "Belady": "#222222",
}
WIDTH, HEIGHT, GAP, PER_ROW = 250, 170, 52, 3


def svg(title: str, curves: Curves) -> str:
    """A picture of all panels."""
    n_rows = -(-len(curves) // PER_ROW)
    width, height = PER_ROW * (WIDTH + GAP) + GAP, n_rows * (HEIGHT + GAP) + GAP + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{GAP}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for place, (name, colour) in enumerate(COLOURS.items()):
        x = GAP + place * 90
        parts.append(f'<line x1="{x}" y1="32" x2="{x + 18}" y2="32" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 23}" y="36" font-size="11">{name}</text>')
    for place, (trace, lines) in enumerate(curves.items()):
        left, top = GAP + place % PER_ROW * (WIDTH + GAP), 62 + place // PER_ROW * (HEIGHT + GAP)
        parts += _panel(trace, lines, left, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(trace: str, lines: Mapping[str, list[tuple[float, float]]], left: float, top: float) -> list[str]:
    values = [miss for name, line in lines.items() if name in COLOURS for _, miss in line]
    shares = [share for share, _ in next(iter(lines.values()))]
    low, high = min(values), max(values)
    span = max(high - low, 1e-6)

    def at(place: int, miss: float) -> str:
        x = left + place * WIDTH / max(1, len(shares) - 1)
        return f"{x:.1f},{top + (high - miss) / span * HEIGHT:.1f}"

    parts = [
        f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#cccccc"/>',
        f'<text x="{left + 4}" y="{top - 4}" font-size="12">{escape(trace)}</text>',
    ]
    for value, y in ((high, top + 10), (low, top + HEIGHT)):
        parts.append(f'<text x="{left - 4}" y="{y}" font-size="10" text-anchor="end">{value:.2f}</text>')
    for place, share in enumerate(shares):
        x, _, _ = at(place, low).partition(",")
        y = top + HEIGHT + 13
        parts.append(f'<text x="{x}" y="{y}" font-size="10" text-anchor="middle">{share:.0%}</text>')
    for name, colour in COLOURS.items():
        points = " ".join(at(place, miss) for place, (_, miss) in enumerate(lines.get(name, [])))
        wide = 2.4 if name == "ours" else 1.2
        dashed = ' stroke-dasharray="4 3"' if name == "Belady" else ""
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"{dashed}/>'
        )
    return parts
