"""Presets and sound mixes as filter graphs."""

import pytest

from origin.transcode.effects import Effects, Preset, SoundMix, picture_chain, sound_graph
from origin.transcode.sniff import Container


def test_every_preset_but_none_changes_the_picture() -> None:
    chains = {preset: picture_chain(Effects(preset)) for preset in Preset}
    assert chains.pop(Preset.NONE) == ()
    assert len(set(chains.values())) == len(chains)
    assert all(chains.values())


@pytest.mark.parametrize("volume", [-0.1, 2.1, float("nan")])
def test_a_volume_outside_its_range_is_refused(volume: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 2"):
        SoundMix("sound", Container.MOV, sound_volume=volume)


def test_a_sound_under_a_silent_video_is_mixed_with_silence() -> None:
    graph = sound_graph("", SoundMix("sound", Container.MOV), "3.000")
    assert graph.startswith("anullsrc")
    assert graph.endswith("amix=inputs=2:duration=longest:normalize=0")


def test_without_a_sound_the_original_is_only_brought_to_form() -> None:
    graph = sound_graph("[0:1]", None, "3.000")
    assert graph.startswith("[0:1]aresample=48000")
    assert ";" not in graph
