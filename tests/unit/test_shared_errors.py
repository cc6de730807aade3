"""What an error tells a caller."""

import pytest

from shared import errors
from shared.errors import Blame, ServiceError, http_status


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequest("x"), 400),
        (errors.NotFound("x"), 404),
        (errors.TooLarge("x"), 413),
        (errors.DecodeError("x"), 502),
        (errors.Unavailable("x"), 503),
        (errors.ConfigError("x"), 500),
        (ServiceError("x"), 500),
    ],
)
def test_blame_and_retryability_decide_the_status(error: ServiceError, status: int) -> None:
    assert http_status(error) == status


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServiceError)
    ]

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(isinstance(kind.blame, Blame) for kind in kinds)


def test_facts_are_kept_beside_the_text() -> None:
    error = errors.TooLarge("over 5", limit_bytes=5)

    assert (str(error), error.facts) == ("over 5", {"limit_bytes": 5})
