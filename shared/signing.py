"""Signed tokens: HMAC-SHA-256 over a payload and its expiry.

Pure. Form: `<expiry as hex seconds>.<payload>.<signature>`, the last two in URL-safe base64 without padding:
a token stands in a URL or a header as it is. The payload is signed, not hidden.
"""

import base64
import binascii
import hashlib
import hmac

from shared.errors import Blame, ServiceError

MIN_KEY_BYTES = 16
MAX_TOKEN_CHARS = 2048


class Unauthorized(ServiceError):
    """A token is missing, forged or expired."""

    code = "unauthorized"
    blame = Blame.CALLER
    status = 401


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _signature(key: bytes, head: str) -> str:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"a signing key has at least {MIN_KEY_BYTES} bytes")
    return _text(hmac.digest(key, b"headstart-token-1\0" + head.encode("ascii"), hashlib.sha256))


def sign(key: bytes, payload: str, expires_s: int) -> str:
    """A token for `payload` that is good until `expires_s`, in Unix seconds."""
    head = f"{expires_s:x}.{_text(payload.encode('utf-8'))}"
    return f"{head}.{_signature(key, head)}"


def verify(key: bytes, token: str, now_s: float) -> str:
    """The token's payload. Raises Unauthorized for a token that is not ours, changed or expired."""
    head, _, signature = token.rpartition(".")
    expiry, dot, payload = head.partition(".")
    if len(token) > MAX_TOKEN_CHARS or not token.isascii() or not dot:
        raise Unauthorized("the token is not one of ours")
    try:
        is_ours = hmac.compare_digest(_signature(key, head), signature)
        expires_s, text = int(expiry, 16), _bytes(payload).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError) as exc:
        raise Unauthorized("the token is not one of ours") from exc
    if not is_ours:
        raise Unauthorized("the token is not one of ours")
    if now_s >= expires_s:
        raise Unauthorized("the token has expired")
    return text
