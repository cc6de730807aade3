"""The words that come with a video."""

import pytest

from origin.uploads.metadata import SoundWish, TextLimits, video_text
from shared.errors import InvalidId, InvalidRequest

LIMITS = TextLimits(caption_chars=50, hashtags=3, hashtag_chars=10)


def test_nothing_said_means_anonymous_and_other() -> None:
    text = video_text({}, LIMITS)
    assert (text.caption, text.creator, text.category, text.hashtags) == ("", "anonymous", "other", ())


def test_hashtags_come_from_the_field_and_from_the_caption_once_each() -> None:
    text = video_text({"hashtags": "#Neon, city", "caption": "Look #neon #Lights!"}, LIMITS)
    assert text.hashtags == ("neon", "city", "lights")


def test_a_handle_may_be_written_with_its_at_sign() -> None:
    assert video_text({"creator": "@neon_waves"}, LIMITS).creator == "neon_waves"


def test_control_characters_are_dropped_and_accents_composed() -> None:
    assert video_text({"caption": "a\x00b\x1b[31m cafe\u0301\n"}, LIMITS).caption == "ab[31m café"


@pytest.mark.parametrize(
    ("fields", "limit", "actual"),
    [
        ({"caption": "x" * 51}, 50, 51),
        ({"hashtags": "a b c d"}, 3, 4),
        ({"hashtags": "x" * 11}, 10, 11),
        ({"category": "x" * 33}, 32, 33),
    ],
)
def test_too_much_text_is_refused_naming_limit_and_actual(
    fields: dict[str, str], limit: int, actual: int
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        video_text(fields, LIMITS)
    assert refusal.value.facts == {"limit": limit, "actual": actual}


@pytest.mark.parametrize("fields", [{"creator": "no spaces"}, {"category": "a/b"}])
def test_a_handle_or_category_that_is_no_id_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidId):
        video_text(fields, LIMITS)


def test_a_hashtag_of_other_signs_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="letters"):
        video_text({"hashtags": "<script>"}, LIMITS)


def test_a_chosen_sound_is_heard_alone_unless_the_volumes_say_otherwise() -> None:
    assert video_text({}, LIMITS).sound is None
    assert video_text({"sound": " v1 "}, LIMITS).sound == SoundWish("v1", 1.0, 0.0)
    told = {"sound": "v1", "sound_volume": "0.5", "original_volume": "2"}
    assert video_text(told, LIMITS).sound == SoundWish("v1", 0.5, 2.0)


@pytest.mark.parametrize("volume", ["-0.1", "2.01", "nan", "inf", "loud"])
def test_a_volume_that_is_no_number_in_range_is_refused_naming_the_field(volume: str) -> None:
    with pytest.raises(InvalidRequest, match="from 0 to 2") as refusal:
        video_text({"sound": "v1", "original_volume": volume}, LIMITS)
    assert refusal.value.facts == {"field": "original_volume", "limit": 2.0}


def test_a_volume_without_a_sound_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no sound is chosen") as refusal:
        video_text({"sound_volume": "1"}, LIMITS)
    assert refusal.value.facts == {"field": "sound_volume"}


def test_a_sound_that_is_no_id_is_refused() -> None:
    with pytest.raises(InvalidId, match="sound"):
        video_text({"sound": "../x"}, LIMITS)
