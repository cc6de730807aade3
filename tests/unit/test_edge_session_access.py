"""Session tokens: who they speak for, where they may stand, and which are refused."""

import pytest

from edge.handlers.access import Access, Claim
from shared.errors import InvalidId
from shared.ids import SessionId, UserId
from shared.signing import Unauthorized, sign

KEY = b"k" * 32
ACCESS = Access(KEY, token_s=100)
CLAIM = Claim(SessionId("s-1"), UserId("u_1"))


def test_a_token_speaks_for_its_session_in_header_or_query() -> None:
    token = ACCESS.token(CLAIM, 1_000)

    assert ACCESS.claim({"Authorization": f"Bearer {token}"}, {}, 1_050.0) == CLAIM
    assert ACCESS.claim({"Authorization": f"bearer {token}"}, {}, 1_050.0) == CLAIM
    assert ACCESS.claim({}, {"token": token}, 1_050.0) == CLAIM


def test_a_token_expires() -> None:
    with pytest.raises(Unauthorized, match="expired"):
        ACCESS.claim({}, {"token": ACCESS.token(CLAIM, 1_000)}, 1_100.0)


def test_a_token_of_another_key_is_refused() -> None:
    token = Access(b"x" * 32, 100).token(CLAIM, 1_000)

    with pytest.raises(Unauthorized):
        ACCESS.claim({}, {"token": token}, 1_000.0)


def test_no_token_is_told_how_to_send_one() -> None:
    with pytest.raises(Unauthorized, match="Bearer"):
        ACCESS.claim({"Authorization": "Basic abc"}, {}, 0.0)


@pytest.mark.parametrize("payload", ["", "s-1", "s-1.", ".u", "a b.c", "s.u.v"])
def test_a_signed_token_without_two_ids_is_refused(payload: str) -> None:
    with pytest.raises(InvalidId):
        ACCESS.claim({}, {"token": sign(KEY, payload, 2_000)}, 1_000.0)
