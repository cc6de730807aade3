"""Splitting and measuring fragmented MP4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.packaging.boxes import NotCmaf
from origin.packaging.cmaf import measure
from tests.media_builders import MP4A, NON_SYNC, box, make_fragment, make_init, make_track, numbers

INIT = make_init()
FILE = INIT + make_fragment(0) + make_fragment(1) + make_fragment(2, n_frames=6)


def test_tracks_and_codecs_come_from_the_init_segment() -> None:
    made = measure(FILE)
    assert made.codecs == "avc1.64001e,mp4a.40.2"
    assert (made.video.width, made.video.height, made.video.timescale) == (360, 640, 15360)
    assert made.init_bytes == len(INIT)


def test_fragments_are_where_they_are_and_last_what_they_last() -> None:
    fragments = measure(FILE).fragments
    assert [f.duration_ms for f in fragments] == [1000, 1000, 200]
    assert [f.start_ms for f in fragments] == [0, 1000, 2000]
    assert fragments[0].offset == len(INIT)
    assert b"".join(FILE[f.offset : f.offset + f.size_bytes] for f in fragments) == FILE[len(INIT) :]


def test_the_edit_list_is_subtracted_from_presentation_times() -> None:
    assert measure(make_init(edit_start=0) + make_fragment(0)).fragments[0].start_ms == pytest.approx(
        33.33, abs=0.01
    )


def test_a_fragment_that_starts_between_keyframes_is_told() -> None:
    made = measure(INIT + make_fragment(0) + make_fragment(1, first_flags=NON_SYNC))
    assert [f.starts_with_key for f in made.fragments] == [True, False]


def test_indexes_and_brands_between_fragments_are_left_out() -> None:
    made = measure(INIT + box(b"sidx", bytes(20)) + box(b"styp") + make_fragment(0) + box(b"mfra", bytes(8)))
    (fragment,) = made.fragments
    assert fragment.size_bytes == len(make_fragment(0))


def test_defaults_of_track_and_fragment_fill_what_a_run_leaves_out() -> None:
    run = box(b"trun", numbers(0x1, 25, 0))
    traf = box(
        b"traf", box(b"tfhd", numbers(0x02002A, 1, 1, 614, NON_SYNC)), box(b"tfdt", numbers(0, 0)), run
    )
    (fragment,) = measure(INIT + box(b"moof", traf) + box(b"mdat", b"x")).fragments
    assert fragment.duration_ms == pytest.approx(25 * 614 * 1000 / 15360)
    assert not fragment.starts_with_key


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage that is no box at all",
        INIT,
        make_fragment(0),
        INIT + make_fragment(0)[:-8],
        INIT + box(b"moof", box(b"traf")) + box(b"mdat", b"x"),
        INIT + box(b"moof") + box(b"mdat", b"x"),
        INIT + make_fragment(0, n_frames=0),
        box(
            b"moov",
            make_track(2, b"soun", MP4A, 48000),
            box(b"mvex", box(b"trex", numbers(0, 2, 1, 0, 0, 0))),
        ),
        box(b"moov", make_track(1, b"vide", box(b"hvc1", bytes(100)), 15360), box(b"mvex")),
        box(b"moov", make_track(1, b"vide", MP4A, 0), box(b"mvex")),
    ],
)
def test_what_is_not_ours_is_not_cmaf(data: bytes) -> None:
    with pytest.raises(NotCmaf):
        measure(data)


@given(st.integers(0, len(FILE) - 1), st.binary(min_size=1, max_size=12), st.integers(0, len(FILE)))
def test_any_damage_is_measured_or_refused(at: int, noise: bytes, end: int) -> None:
    damaged = (FILE[:at] + noise + FILE[at + len(noise) :])[: max(end, at + 1)]
    try:
        assert measure(damaged).fragments
    except NotCmaf as refused:
        assert refused.detail
