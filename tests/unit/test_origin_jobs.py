"""Retry rules of a transcoding job."""

import pytest

from origin.transcode.errors import BadOutput, BrokenMedia, EncodeFailed, JailFailed
from origin.transcode.jobs import JobLimits, Verdict, after_error, may_start, to_make
from origin.transcode.ladder import ladder
from shared.errors import NotFound, ServiceError, Unavailable
from tests.media_builders import make_probe

LADDER = ladder(make_probe())


def made(wanted: list[str], published: frozenset[str] = frozenset()) -> list[str]:
    return [rendition.name for rendition in to_make(wanted, LADDER, published)]


def test_rungs_are_made_lowest_first() -> None:
    assert made(["720p", "540p"]) == ["540p", "720p"]


def test_a_published_rung_is_not_made_again() -> None:
    assert made(["360p", "540p"], frozenset({"360p"})) == ["540p"]


def test_a_rung_that_the_source_is_too_small_for_is_left_out() -> None:
    assert made(["540p", "1080p"]) == ["540p"]


@pytest.mark.parametrize("error", [EncodeFailed("x"), BadOutput("x"), JailFailed("x")])
def test_a_failed_encode_is_tried_three_times(error: ServiceError) -> None:
    verdicts = [after_error(error, n, JobLimits()) for n in (1, 2, 3)]
    assert verdicts == [Verdict.RETRY, Verdict.RETRY, Verdict.FAIL]


@pytest.mark.parametrize("error", [BrokenMedia("x"), NotFound("x"), ServiceError("x")])
def test_what_will_never_work_is_not_tried_again(error: ServiceError) -> None:
    assert after_error(error, 1, JobLimits()) is Verdict.FAIL


def test_a_server_that_is_away_costs_no_try() -> None:
    assert after_error(Unavailable("x"), 40, JobLimits()) is Verdict.RETRY


def test_a_job_that_takes_its_workers_down_is_given_up() -> None:
    assert may_start(50, JobLimits())
    assert not may_start(51, JobLimits())


def test_a_lease_is_renewed_well_before_it_ends() -> None:
    limits = JobLimits()
    assert 2 * limits.sign_s < limits.lease_s
