"""What a rung must be before it is published."""

from dataclasses import replace
from typing import Any

import pytest

from origin.packaging.cmaf import Fragment, Presentation, Track
from origin.transcode.errors import BadOutput
from origin.transcode.ladder import Rendition, ladder
from origin.transcode.verify import verify
from tests.media_builders import make_facts, make_probe

VIDEO = Track(1, "vide", 15360, "avc1.64001e", 360, 640, 0, 0, 0)
AUDIO = Track(2, "soun", 48000, "mp4a.40.2", 0, 0, 0, 0, 0)
SECONDS = tuple(Fragment(n * 100, 100, n * 1000.0, 1000.0, True) for n in range(3))
GOOD = Presentation(700, VIDEO, AUDIO, SECONDS)
RENDITION: Rendition = ladder(make_probe())[0]


def check(made: Presentation, **facts: Any) -> None:
    verify(made, make_facts(**facts), RENDITION, make_probe())


def bent(number: int, **changes: Any) -> Presentation:
    fragments = list(SECONDS)
    fragments[number] = replace(fragments[number], **changes)
    return replace(GOOD, fragments=tuple(fragments))


def test_a_good_rung_passes() -> None:
    check(GOOD)


@pytest.mark.parametrize(
    ("made", "word"),
    [
        (replace(GOOD, audio=None), "codecs"),
        (replace(GOOD, video=replace(VIDEO, codec="hvc1.1")), "codecs"),
        (replace(GOOD, video=replace(VIDEO, width=358)), "358x640"),
        (replace(GOOD, fragments=SECONDS[:2]), "lasts 2000 ms"),
        (bent(1, starts_with_key=False), "keyframe"),
        (bent(1, start_ms=1050.0), "fragment 1 is at 1050"),
        (bent(2, duration_ms=1200.0), "for 1200 ms"),
        (bent(0, start_ms=150.0), "first picture"),
    ],
)
def test_a_bad_rung_is_refused_with_the_rule(made: Presentation, word: str) -> None:
    with pytest.raises(BadOutput, match=word):
        check(made)


@pytest.mark.parametrize(
    "facts", [{"error": "Invalid data"}, {"has_picture": False}, {"has_sound": False}, {"rotation": 90}]
)
def test_a_rung_that_does_not_decode_upright_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(BadOutput):
        check(GOOD, **facts)
