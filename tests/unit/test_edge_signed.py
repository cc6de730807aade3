"""What a signed URL means on an edge: the bare path, or a refusal with its reason."""

import pytest

from edge.handlers.signed import Gate, SignedLimits, Unsigned
from shared.errors import ConfigError
from shared.signing import Flaw

KEYS = ("k1:0123456789abcdef",)
NOW_S = 1_800_000_000.0
GATE = Gate(SignedLimits("required", KEYS, valid_s=1000), below="/v/")


def flaw(gate: Gate, target: str, now_s: float = NOW_S) -> Flaw:
    with pytest.raises(Unsigned) as refused:
        gate.admitted(target, now_s)
    return refused.value.flaw


def test_what_a_playlist_names_relatively_inherits_the_signature() -> None:
    base = GATE.media_base("one", NOW_S)

    assert base.startswith("/s/k1.") and base.endswith("/v/one/")
    assert GATE.admitted(base + "240/1.m4s?x=/y", NOW_S).path == "/v/one/240/1.m4s?x=/y"
    assert flaw(GATE, base.replace("/v/one/", "/v/two/") + "open.mp4") is Flaw.INVALID


def test_without_a_signature_nothing_passes() -> None:
    assert [flaw(GATE, target) for target in ("/v/one/a", "/s/", "/s/v/one/a", "/s//v/one/a")] == [
        Flaw.MISSING,
        *[Flaw.INVALID] * 3,
    ]


def test_all_viewers_of_a_while_get_the_same_url_which_then_lasts_long_enough() -> None:
    bases = {GATE.media_base("one", NOW_S + second) for second in range(500)}

    assert len(bases) == 1
    for second in range(0, 3000, 7):
        admitted = GATE.admitted(GATE.media_base("one", NOW_S + second), NOW_S + second)
        assert 500 <= admitted.expires_s - NOW_S - second <= 1000


def test_an_old_url_is_told_as_expired() -> None:
    assert flaw(GATE, GATE.media_base("one", NOW_S) + "a", NOW_S + 1000) is Flaw.EXPIRED


def test_another_edge_takes_what_is_signed_for_it() -> None:
    target = GATE.for_peer("/v/one/a?b", NOW_S)

    assert GATE.admitted(target, NOW_S).path == "/v/one/a?b"
    assert flaw(GATE, target.replace("/a?b", "/b?b")) is Flaw.INVALID


def test_a_signature_for_another_part_of_the_site_is_none_for_media() -> None:
    everywhere = Gate(SignedLimits("required", KEYS))

    assert flaw(GATE, everywhere.for_peer("/v1/feed", NOW_S)) is Flaw.INVALID


def test_off_with_keys_takes_both_and_gives_plain_urls() -> None:
    gate = Gate(SignedLimits("off", KEYS), below="/v/")

    assert gate.media_base("one", NOW_S) == "/v/one/"
    assert gate.admitted("/v/one/a", NOW_S).path == "/v/one/a"
    assert gate.admitted(GATE.media_base("one", NOW_S) + "a", NOW_S).path == "/v/one/a"


def test_off_without_keys_means_nothing_by_any_path() -> None:
    gate = Gate(SignedLimits())

    assert gate.is_open and gate.admitted("/s/x/v/one/a", NOW_S).path == "/s/x/v/one/a"


@pytest.mark.parametrize("limits", [SignedLimits("required"), SignedLimits("maybe", KEYS)])
def test_a_wrong_setting_is_refused(limits: SignedLimits) -> None:
    with pytest.raises(ConfigError):
        Gate(limits)


def test_an_operator_may_name_a_players_url() -> None:
    signed = GATE.media_base("one", 1000.0) + "open.mp4"

    assert signed.startswith("/s/")
    assert GATE.bare(signed) == GATE.bare("/v/one/open.mp4") == "/v/one/open.mp4"
    assert GATE.bare("/s/expired-or-forged/v/one/open.mp4") == "/v/one/open.mp4"
    assert Gate(SignedLimits()).bare("/s/x/y") == "/s/x/y"
