"""What the cards at hand tell of a sound."""

from edge.feed.sounds import sound_of, videos_of
from shared.messages.catalog import VideoCard
from tests.edge_builders import make_card

SOURCE = make_card("v1", created_ms=1, sound_id="v1", sound_title="Rain on tin")
LATER = [make_card(f"v{n}", created_ms=n, sound_id="v1", sound_title="Rain on tin") for n in (2, 3)]
OTHER = make_card("v4", created_ms=4, sound_id="v4")


def ids(cards: list[VideoCard]) -> list[str]:
    return [card.id for card in cards]


def test_the_source_of_a_sound_comes_first_and_then_the_newest() -> None:
    assert ids(videos_of("v1", [*LATER, OTHER, SOURCE])) == ["v1", "v3", "v2"]


def test_a_card_that_names_no_sound_plays_its_own() -> None:
    assert ids(videos_of("v9", [make_card("v9"), OTHER])) == ["v9"]


def test_a_video_that_cannot_be_played_yet_is_in_no_list() -> None:
    assert videos_of("v9", [make_card("v9", rungs=[])]) == []


def test_a_sound_tells_its_title_its_creator_and_how_many_use_it() -> None:
    sound = sound_of(videos_of("v1", [*LATER, SOURCE]), "v1")

    assert (sound.title, sound.creator_id, sound.n_videos) == ("Rain on tin", SOURCE.creator_id, 3)
    assert sound.is_available and sound.video == SOURCE


def test_a_sound_whose_source_is_not_at_hand_names_no_creator() -> None:
    sound = sound_of(videos_of("v1", LATER), "v1")

    assert (sound.title, sound.creator_id, sound.video) == ("Rain on tin", "", None)
    assert not sound.is_available
