"""Limits and codecs of an upload, and what is said when one is broken."""

from typing import Any

import pytest

from origin.transcode.admission import ProbeLimits, admit, display_size
from origin.transcode.errors import BrokenMedia, MediaLimit, UnsupportedMedia
from origin.transcode.sniff import Container
from tests.media_builders import make_facts


def admitted(**changes: Any) -> Any:
    return admit(Container.MOV, make_facts(**changes), ProbeLimits())


def test_a_sound_clip_is_admitted_with_its_facts() -> None:
    probe = admitted()
    assert (probe.duration_ms, probe.width, probe.height, probe.fps) == (3000, 360, 640, 30.0)
    assert probe.has_audio
    assert not probe.is_hdr


@pytest.mark.parametrize(
    ("changes", "what", "limit", "actual"),
    [
        ({"end_s": 0.2}, "duration_s", 0.5, 0.2),
        ({"end_s": 181.0}, "duration_s", 180.0, 181.0),
        ({"is_cut_short": True, "declared_s": 9000.0}, "duration_s", 180.0, 9000.0),
        ({"width": 8}, "side_px", 16, 8),
        ({"width": 5000}, "side_px", 4096, 5000),
        ({"width": 4000, "sar": (3, 1)}, "side_px", 4096, 12000),
        ({"n_streams": 30}, "streams", 8, 30),
        ({"fps": 1000.0}, "fps", 240.0, 1000.0),
    ],
)
def test_a_broken_limit_is_told_with_its_value(
    changes: dict[str, Any], what: str, limit: float, actual: float
) -> None:
    with pytest.raises(MediaLimit) as refused:
        admitted(**changes)
    assert refused.value.facts == {"what": what, "limit": limit, "actual": actual}


@pytest.mark.parametrize(
    "changes",
    [{"video_index": -1}, {"video_codec": "gif"}, {"audio_codec": "cook"}, {"video_codec": "rawvideo"}],
)
def test_a_form_that_we_do_not_take_is_unsupported(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedMedia):
        admitted(**changes)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"error": "Invalid data", "n_streams": 0}, "Invalid data"),
        ({"error": "Invalid data"}, "Invalid data"),
        ({"has_picture": False}, "picture"),
        ({"has_sound": False}, "sound"),
        ({"declared_s": 10.0}, "truncated: 10.0 s are declared, 3.0 s are there"),
    ],
)
def test_what_cannot_be_decoded_is_broken(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(BrokenMedia, match=word):
        admitted(**changes)


def test_a_header_that_is_a_little_long_is_no_truncation() -> None:
    assert admitted(declared_s=3.9).duration_ms == 3000


def test_pcm_of_any_kind_is_taken_and_silence_too() -> None:
    assert admitted(audio_codec="pcm_s24be").has_audio
    assert not admitted(audio_codec="", audio_index=-1, has_sound=False).has_audio


@pytest.mark.parametrize(
    ("rotation", "sar", "size"),
    [
        (0, (1, 1), (360, 640)),
        (90, (1, 1), (640, 360)),
        (-90, (1, 1), (640, 360)),
        (-180, (1, 1), (360, 640)),
        (0, (4, 3), (480, 640)),
        (90, (4, 3), (640, 480)),
        (0, (0, 1), (360, 640)),
    ],
)
def test_size_is_as_a_viewer_sees_it(rotation: int, sar: tuple[int, int], size: tuple[int, int]) -> None:
    assert display_size(make_facts(rotation=rotation, sar=sar)) == size


def test_hdr_is_told_by_its_transfer_function() -> None:
    assert admitted(transfer=16).is_hdr
    assert admitted(transfer=18).is_hdr
    assert admitted(transfer=14, primaries=9).is_wide_gamut
