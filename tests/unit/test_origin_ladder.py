"""Which rungs a source gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.transcode.ladder import DEFAULT_RUNGS, RUNGS, frame_rate, ladder
from tests.media_builders import make_probe

ALL = ("360p", "540p", "720p", "1080p")


def names(width: int, height: int, rungs: tuple[str, ...] = ALL) -> list[str]:
    return [rendition.name for rendition in ladder(make_probe(width=width, height=height), rungs)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1920), ["360p", "540p", "720p", "1080p"]),
        ((1920, 1080), ["360p", "540p", "720p", "1080p"]),
        ((720, 1280), ["360p", "540p", "720p"]),
        ((641, 363), ["360p"]),
        ((539, 4000), ["360p"]),
        ((120, 200), ["360p"]),
    ],
)
def test_a_source_gets_the_rungs_up_to_its_short_edge(size: tuple[int, int], expected: list[str]) -> None:
    assert names(*size) == expected


def test_1080p_is_made_only_where_the_configuration_says_so() -> None:
    assert names(1080, 1920, DEFAULT_RUNGS) == ["360p", "540p", "720p"]
    assert set(RUNGS) == set(ALL)


def test_the_first_rung_exists_even_when_no_configuration_names_it() -> None:
    assert names(720, 1280, ("720p",)) == ["360p", "720p"]


def test_a_small_source_keeps_its_own_size() -> None:
    (rung,) = ladder(make_probe(width=121, height=201))
    assert (rung.name, rung.width, rung.height) == ("360p", 120, 200)


@given(st.integers(16, 4096), st.integers(16, 4096))
def test_sides_are_even_never_upscaled_and_keep_their_ratio(width: int, height: int) -> None:
    for rung in ladder(make_probe(width=width, height=height), ALL):
        assert rung.width % 2 == rung.height % 2 == 0
        assert rung.width <= width + 1
        assert rung.height <= height + 1
        assert abs(rung.width * height - rung.height * width) <= 2 * max(width, height)


def test_every_rung_costs_more_than_the_one_below() -> None:
    rungs = ladder(make_probe(width=1080, height=1920), ALL)
    assert [r.max_bps for r in rungs] == sorted({r.max_bps for r in rungs})


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        (30, 30),
        (29.97, 30),
        (60, 30),
        (59.94, 30),
        (25, 25),
        (50, 25),
        (23.976, 24),
        (48, 24),
        (12, 24),
        (22.2, 30),
    ],
)
def test_the_frame_rate_divides_the_sources(fps: float, expected: int) -> None:
    assert frame_rate(make_probe(fps=fps)) == expected


def test_a_varying_frame_rate_becomes_30() -> None:
    assert frame_rate(make_probe(fps=25.0, is_vfr=True)) == 30
