"""What may enter the cache, and what is remembered as refused."""

import pytest

from edge.cache.admission import SEGMENT_BYTES, AdmissionLimits, Predictor, RamAdmission, admit
from edge.cache.freshness import Storable
from edge.cache.key import primary_key

LIMITS = AdmissionLimits(object_bytes=100, filling_bytes=250)
ONE, TWO, THREE = (primary_key(f"/{name}") for name in ("one", "two", "three"))


@pytest.mark.parametrize(
    ("length", "filling", "verdict"),
    [
        (100, 0, Storable.YES),
        (101, 0, Storable.TOO_LARGE),
        (None, 0, Storable.YES),
        (100, 150, Storable.YES),
        (100, 151, Storable.BUSY),
        (None, 151, Storable.BUSY),
        (0, 250, Storable.YES),
    ],
)
def test_sizes_decide(length: int | None, filling: int, verdict: Storable) -> None:
    assert admit(Storable.YES, length, filling, LIMITS) is verdict


def test_an_earlier_no_stays_the_reason() -> None:
    assert admit(Storable.PRIVATE, 1000, 0, LIMITS) is Storable.PRIVATE


def test_a_refused_key_is_remembered_and_forgotten() -> None:
    predictor = Predictor(limit=10, hold_s=30)

    predictor.note(ONE, Storable.PRIVATE, now_s=100)

    assert predictor.predict(ONE, now_s=129) is Storable.PRIVATE
    assert predictor.predict(ONE, now_s=130) is Storable.YES
    assert predictor.predict(TWO, now_s=100) is Storable.YES


def test_a_key_that_becomes_storable_is_forgotten_at_once() -> None:
    predictor = Predictor(limit=10, hold_s=30)
    predictor.note(ONE, Storable.NO_STORE, now_s=100)

    predictor.note(ONE, Storable.YES, now_s=101)

    assert predictor.predict(ONE, now_s=102) is Storable.YES


@pytest.mark.parametrize("verdict", [Storable.AUTHORIZATION, Storable.REQUEST_NO_STORE, Storable.BUSY])
def test_a_reason_of_one_request_says_nothing_about_the_next(verdict: Storable) -> None:
    predictor = Predictor(limit=10, hold_s=30)

    predictor.note(ONE, verdict, now_s=100)

    assert predictor.predict(ONE, now_s=100) is Storable.YES


def test_the_memory_is_bounded_and_drops_the_oldest() -> None:
    predictor = Predictor(limit=2, hold_s=30)

    for key in (ONE, TWO, ONE, THREE):
        predictor.note(key, Storable.PRIVATE, now_s=100)

    assert len(predictor) == 2
    assert predictor.predict(TWO, now_s=100) is Storable.YES
    assert predictor.predict(ONE, now_s=100) is Storable.PRIVATE


def test_a_large_object_is_worth_ram_from_its_second_reference_on() -> None:
    admission = RamAdmission(memory_bytes=1024 * SEGMENT_BYTES, large_share=1 / 256)

    assert [admission.admits("/large", 5 * SEGMENT_BYTES) for _ in range(3)] == [False, True, True]


def test_segments_are_always_worth_ram_however_small_it_is() -> None:
    admission = RamAdmission(memory_bytes=1024, large_share=1 / 32)

    assert admission.admits("/segment", SEGMENT_BYTES)
    assert not admission.admits("/film", SEGMENT_BYTES + 1)


def test_what_a_plan_expects_is_worth_ram_at_once() -> None:
    admission = RamAdmission(memory_bytes=1024, large_share=1 / 32)

    admission.expect("/film")

    assert admission.admits("/film", 2 * SEGMENT_BYTES)
