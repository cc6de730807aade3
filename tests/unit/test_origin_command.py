"""ffmpeg's arguments: nothing hostile in, one form out."""

from itertools import pairwise
from typing import Any

from origin.transcode.command import Material, encode, measure_loudness, posters
from origin.transcode.effects import Effects, Preset, SoundMix
from origin.transcode.ladder import ladder
from origin.transcode.sniff import Container
from tests.media_builders import make_probe


def make_material(effects: Effects | None = None, **changes: Any) -> Material:
    return Material("/jail/source", make_probe(**changes), effects or Effects())


def encoded(material: Material, rung: int = 0) -> list[str]:
    return encode(material, ladder(material.probe)[rung], threads=2)


def options(arguments: list[str]) -> dict[str, str]:
    return {name: value for name, value in pairwise(arguments) if name.startswith("-")}


def graph(arguments: list[str]) -> str:
    return options(arguments)["-filter_complex"]


def test_the_demuxer_is_forced_and_only_files_are_read() -> None:
    for arguments in (encoded(make_material()), posters(make_material()), measure_loudness(make_material())):
        before_input = arguments[: arguments.index("-i")]
        told = options([*before_input, ""])
        assert (told["-f"], told["-protocol_whitelist"]) == ("mov", "file")
        assert "h264" in told["-codec_whitelist"]
        assert arguments[arguments.index("-i") + 1] == "file:/jail/source"
        assert "-nostdin" in arguments


def test_every_second_starts_with_a_keyframe_of_a_closed_group() -> None:
    told = options(encoded(make_material(fps=50.0)))
    assert (told["-g"], told["-keyint_min"], told["-sc_threshold"]) == ("25", "25", "0")
    assert "cgop" in told["-flags:v"]
    assert "fps=25:" in graph(encoded(make_material(fps=50.0)))


def test_the_bit_rate_is_capped_over_one_second() -> None:
    told = options(encoded(make_material(), rung=2))
    assert told["-maxrate"] == told["-bufsize"] == "2600000"
    assert told["-profile:v"] == "high"


def test_metadata_and_chapters_stay_behind() -> None:
    told = options(encoded(make_material()))
    assert (told["-map_metadata"], told["-map_chapters"]) == ("-1", "-1")


def test_pixels_become_square_and_of_one_colour_space() -> None:
    text = graph(encoded(make_material()))
    assert "scale=360:640:" in text
    assert "setsar=1" in text
    assert "zscale" not in text


def test_hdr_is_tone_mapped_and_wide_gamut_converted() -> None:
    assert "tonemap=hable" in graph(encoded(make_material(transfer=16, primaries=9)))
    wide = graph(encoded(make_material(transfer=14, primaries=9)))
    assert "zscale=w=360:h=640:p=bt709" in wide
    assert "tonemap" not in wide


def test_interlaced_pictures_are_woven_first() -> None:
    assert graph(encoded(make_material(is_interlaced=True))).startswith("[0:0]yadif")
    assert "yadif" not in graph(encoded(make_material()))


def test_a_video_without_sound_gets_silence() -> None:
    text = graph(encoded(make_material(audio_index=-1, audio_codec="")))
    assert "anullsrc" in text
    assert "[0:-1]" not in text


def test_sound_is_filled_and_cut_to_the_pictures_length() -> None:
    text = graph(encoded(make_material(duration_ms=2345)))
    assert text.endswith("apad,atrim=end=2.345[a]")
    assert options(encoded(make_material(duration_ms=2345)))["-t"] == "2.345"


def test_streams_are_taken_by_the_index_that_was_probed() -> None:
    text = graph(encoded(make_material(video_index=3, audio_index=2)))
    assert text.startswith("[0:3]")
    assert "[0:2]" in text


def test_the_gain_is_applied_before_the_limiter() -> None:
    material = Material("/jail/source", make_probe(), Effects(), gain_db=6.25)
    assert "volume=6.2dB,alimiter" in graph(encoded(material))


def test_a_laid_under_sound_is_the_second_input_and_loops() -> None:
    sound = SoundMix("/jail/sound", Container.MOV, 0.25, sound_volume=1.5, duration_ms=2500)
    arguments = encoded(make_material(Effects(sound=sound)))
    assert arguments.count("-i") == 2
    assert "file:/jail/sound" in arguments
    assert ",atrim=end=2.500,aloop=loop=-1:" in graph(arguments)
    assert "volume=0.250" in graph(arguments)
    assert "[1:a:0]" in graph(arguments)


def test_posters_are_at_most_540_wide_and_never_upscaled() -> None:
    assert "scale=540:960:" in graph(posters(make_material(width=1080, height=1920)))
    assert "scale=120:200:" in graph(posters(make_material(width=120, height=200)))


def test_posters_wear_the_preset_too() -> None:
    assert "hue=s=0" in graph(posters(make_material(Effects(Preset.MONO))))
