"""Search: indexing a catalogue, a change to it, and finding words, beginnings and misspelt words in it."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from brain.search.index import SearchIndex
from brain.search.words import parse
from shared.messages.catalog import VideoCard
from tests.bench import report
from tests.bench.test_bench_brain import quantiles
from tests.builders import make_card

pytestmark = pytest.mark.bench
N_VIDEOS = 100_000
N_WORDS = 30_000
N_QUERIES = 300
LETTERS = "eeeeaaaiiooutnrslcdmphgb"


def vocabulary(dice: random.Random) -> list[str]:
    """Words of 3 to 10 letters, the frequent ones first."""
    return ["".join(dice.choices(LETTERS, k=dice.randint(3, 10))) for _ in range(N_WORDS)]


def cards(dice: random.Random, words: list[str]) -> list[VideoCard]:
    """Captions of eight words by Zipf's law, three hashtags of a thousand."""
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    captions = dice.choices(words, weights, k=8 * N_VIDEOS)
    return [
        make_card(
            f"v{i}",
            caption=" ".join(captions[8 * i : 8 * i + 8]),
            hashtags=dice.sample(words[:1000], 3),
            creator_name=words[i % 5000],
        )
        for i in range(N_VIDEOS)
    ]


def test_searching_among_a_hundred_thousand_videos(tmp_path: Path) -> None:
    dice = random.Random(2026)
    words = vocabulary(dice)
    stock = cards(dice, words)
    index = SearchIndex(tmp_path / "search")
    began = time.process_time()
    index.apply((card.id, card) for card in stock)
    figures = {"index, videos a second of processor": {"videos/s": N_VIDEOS / (time.process_time() - began)}}

    def one() -> str:
        return dice.choice(words[:5000])

    asked: dict[str, Callable[[], str]] = {
        "one word": lambda: one() + " ",
        "two words": lambda: f"{one()} {one()} ",
        "a beginning of three letters": lambda: one()[:3],
        "a misspelt word": lambda: one()[:4] + "zz ",
        "a hashtag": lambda: "#" + dice.choice(words[:1000]),
    }
    for label, query in asked.items():
        seconds = []
        for _ in range(N_QUERIES):
            parsed = parse(query())
            began = time.perf_counter()
            index.find(parsed, 40)
            seconds.append(time.perf_counter() - began)
        figures[f"find 40 by {label}"] = quantiles(seconds)
    began = time.perf_counter()
    index.apply([(stock[0].id, stock[0])])
    figures["a changed card, until it is found"] = {"p50 ms": (time.perf_counter() - began) * 1000}
    report.write("search", figures)
