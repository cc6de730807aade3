"""The demo's clips: variety, names that pass the upload's checks, and well-formed filter graphs."""

import re
from collections import Counter

import pytest

from shared.demo.clips import CLIPS, SOUND_OF, Clip, command, tags
from shared.demo.looks import LOOKS, score, tint
from shared.ids import check_id


def graph_of(clip: Clip) -> str:
    arguments = command("ffmpeg", clip, "title.png", "clip.mp4")
    return arguments[arguments.index("-filter_complex") + 1]


def test_there_are_three_clips_of_each_of_eight_categories() -> None:
    assert Counter(clip.category for clip in CLIPS) == dict.fromkeys(LOOKS, 3)
    assert len(LOOKS) == 8


def test_the_first_eight_clips_are_of_eight_categories() -> None:
    assert len({clip.category for clip in CLIPS[:8]}) == 8


def test_clips_last_8_to_12_seconds_and_say_different_things() -> None:
    assert all(8 <= clip.seconds <= 12 for clip in CLIPS)
    assert len({clip.caption for clip in CLIPS}) == len(CLIPS)
    assert len({clip.shade for clip in CLIPS}) == len(CLIPS)


def test_creators_and_hashtags_pass_the_checks_of_an_upload() -> None:
    for clip in CLIPS:
        assert check_id(clip.creator, "creator") == clip.creator
        assert all(re.fullmatch(r"[a-z0-9]+", tag) for tag in clip.hashtags)
        assert len(clip.hashtags) >= 3


def test_several_creators_post_and_some_post_more_than_once() -> None:
    posts = Counter(clip.creator for clip in CLIPS)
    assert len(posts) >= 10
    assert max(posts.values()) >= 2


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.subtitle)
def test_a_graph_opens_and_uses_each_label_once(clip: Clip) -> None:
    made = Counter(re.findall(r"\[(\w+)\](?=[;,]|$)", graph_of(clip)))
    labels = Counter(label for label in re.findall(r"\[([a-z]\w*)\]", graph_of(clip)))
    assert set(made.values()) == {1}
    assert all(count == (1 if label in {"video", "sound"} else 2) for label, count in labels.items())


def test_a_tint_goes_from_the_first_colour_to_the_last() -> None:
    table = tint(("000000", "ff8000"))
    assert "r='if(lt(val\\,255.0)\\,0+(255)*(val-0.0)/255.0\\,255)'" in table
    assert table.endswith("b='if(lt(val\\,255.0)\\,0+(0)*(val-0.0)/255.0\\,0)'")


def test_the_music_differs_from_clip_to_clip_and_lasts_as_long() -> None:
    scores = {score(LOOKS[clip.category], clip.shade, clip.seconds) for clip in CLIPS}
    assert len(scores) == len(CLIPS)
    assert score(LOOKS["lava"], CLIPS[0].shade, 9).endswith(":d=9")


def test_hashtags_are_written_as_a_viewer_writes_them() -> None:
    assert tags(("lava", "slowtv")) == "#lava #slowtv"


def test_sounds_are_taken_from_clips_made_long_before_of_other_creators() -> None:
    places = {clip.caption: n for n, clip in enumerate(CLIPS)}
    for user, source in SOUND_OF.items():
        assert places[source] + 8 < places[user]
        assert CLIPS[places[user]].creator != CLIPS[places[source]].creator
    assert not set(SOUND_OF) & set(SOUND_OF.values())
    assert max(Counter(SOUND_OF.values()).values()) >= 2
