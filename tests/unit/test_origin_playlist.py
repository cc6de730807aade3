"""HLS text."""

import pytest

from origin.packaging.playlist import master, media, peak_bps, text
from shared.errors import InvalidRequest
from shared.messages.catalog import TextTrack
from tests.builders import make_rung


def test_the_opening_object_is_addressed_by_byte_ranges() -> None:
    assert media(100, [800, 400, 50], [1000, 1000, 33]).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:1",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="open.mp4",BYTERANGE="100@0"',
        "#EXTINF:1.000,",
        "#EXT-X-BYTERANGE:800@100",
        "open.mp4",
        "#EXTINF:1.000,",
        "#EXT-X-BYTERANGE:400@0",
        "1.m4s",
        "#EXTINF:0.033,",
        "#EXT-X-BYTERANGE:50@0",
        "2.m4s",
        "#EXT-X-ENDLIST",
    ]


@pytest.mark.parametrize(("sizes", "durations"), [([], []), ([1], [1, 2])])
def test_segments_without_durations_make_no_playlist(sizes: list[int], durations: list[int]) -> None:
    with pytest.raises(InvalidRequest):
        media(100, sizes, durations)


def test_the_master_lists_rungs_lowest_first() -> None:
    lines = master(
        [
            make_rung("720p", bandwidth_bps=2_000_000),
            make_rung("360p", bandwidth_bps=600_000, frame_rate=30.0),
        ]
    ).splitlines()
    assert lines[3] == (
        "#EXT-X-STREAM-INF:BANDWIDTH=600000,AVERAGE-BANDWIDTH=720000,"
        'CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=360x640,FRAME-RATE=30.000'
    )
    assert lines[4] == "360p-0123456789abcdef/index.m3u8"
    assert lines[6] == "720p-0123456789abcdef/index.m3u8"


def test_the_master_offers_the_captions_to_every_rung() -> None:
    lines = master([make_rung()], [TextTrack("pt-BR", "Português", "captions-pt-BR-0123.vtt")]).splitlines()
    assert lines[3] == (
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="Português",LANGUAGE="pt-BR",'
        'AUTOSELECT=YES,URI="captions-pt-BR-0123.m3u8"'
    )
    assert lines[4].endswith(',SUBTITLES="captions"')


def test_a_text_track_is_one_segment_as_long_as_the_video() -> None:
    lines = text("captions-en-0123.vtt", 12_040).splitlines()
    assert lines[2] == "#EXT-X-TARGETDURATION:13"
    assert lines[4:] == ["#EXTINF:12.040,", "captions-en-0123.vtt", "#EXT-X-ENDLIST"]


def test_the_peak_is_the_largest_second() -> None:
    assert peak_bps([1000, 3000, 2000], [1000, 1000, 1000]) == 24_000


def test_a_last_frame_alone_makes_no_peak() -> None:
    assert peak_bps([1000, 1000, 500], [1000, 1000, 33]) == round(1500 * 8000 / 1033)


def test_a_video_shorter_than_half_a_second_has_its_own_rate() -> None:
    assert peak_bps([1000], [400]) == 20_000
