"""Session tokens: what a player shows with each request, and how it is made.

Pure. The payload is `<session>.<user>`; neither id has a dot. No cookies: the token is the player's own to
keep and to send, and works on any edge that has the same key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from shared import signing
from shared.ids import SessionId, UserId, session_id, user_id
from shared.signing import Unauthorized

_SCHEME = "bearer "


class Claim(NamedTuple):
    """Who a valid token speaks for."""

    session_id: SessionId
    user_id: UserId


@dataclass(frozen=True)
class Access:
    """Makes and checks tokens with one key."""

    key: bytes
    token_s: int

    def token(self, claim: Claim, now_s: int) -> str:
        """A token for this session, good for token_s."""
        return signing.sign(self.key, f"{claim.session_id}.{claim.user_id}", now_s + self.token_s)

    def claim(self, headers: Mapping[str, str], query: Mapping[str, str], now_s: float) -> Claim:
        """Who asks: by Authorization, or by `?token=` where no header can be set. Raises Unauthorized."""
        header = headers.get("Authorization", "")
        is_bearer = header[: len(_SCHEME)].lower() == _SCHEME
        token = header[len(_SCHEME) :].strip() if is_bearer else query.get("token", "")
        if not token:
            raise Unauthorized("send the session's token as `Authorization: Bearer <token>`")
        session, _, user = signing.verify(self.key, token, now_s).partition(".")
        return Claim(session_id(session), user_id(user))
