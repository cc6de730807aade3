"""A worker judges the signatures of media, and leaves the rest to its main process."""

import pytest

from edge.handlers.signed import SignedLimits, Unsigned
from edge.workers.worker import MediaGate

NOW_S = 1_000_000.0
GATE = MediaGate(SignedLimits(mode="required", keys=("one:a-secret-of-some-length",)))


@pytest.mark.parametrize("path", ["/", "/v1/feed?n=3", "/player/app.js", "/v1/events"])
def test_what_is_no_media_passes_as_it_is(path: str) -> None:
    assert GATE.admitted(path, NOW_S).path == path
    assert GATE.for_peer(path, NOW_S) == path


def test_media_without_a_signature_is_refused_before_any_look_up() -> None:
    with pytest.raises(Unsigned):
        GATE.admitted("/v/one/open.mp4", NOW_S)


def test_a_signed_url_means_the_bare_one_until_it_expires() -> None:
    base = GATE.media_base("one", NOW_S)

    admitted = GATE.admitted(f"{base}360p/open.mp4", NOW_S)

    assert admitted.path == "/v/one/360p/open.mp4"
    with pytest.raises(Unsigned):
        GATE.admitted(f"{base}360p/open.mp4", admitted.expires_s + 1)


def test_the_main_process_takes_what_a_worker_asks_for() -> None:
    asked = GATE.for_peer("/v/one/open.mp4", NOW_S)

    assert asked != "/v/one/open.mp4"
    assert GATE.admitted(asked, NOW_S).path == "/v/one/open.mp4"
