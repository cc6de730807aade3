"""Signed tokens and signed paths: HMAC-SHA-256 over a payload, or a path prefix, and its expiry.

Pure. A token is `<expiry as hex seconds>.<payload>.<signature>`, the last two in URL-safe base64 without
padding: a token stands in a URL or a header as it is. The payload is signed, not hidden.

Form of a path's signature: `<key id>.<expiry as hex seconds>.<depth>.<signature>`. It covers every path whose
first `depth` segments are the signed ones; depth 0 covers one path exactly. Nothing in it names the viewer:
all viewers of an hour share the URL, and caches in between serve them all.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import inf
from typing import NamedTuple

from shared.errors import Blame, ConfigError, ServiceError

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


SKEW_S = 60.0
"""A key is accepted so long before it may sign: the clocks of two nodes differ."""
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,16}\Z")
_SIGNED = re.compile(r"([A-Za-z0-9_-]{1,16})\.([0-9a-f]{1,11})\.([0-9])\.([A-Za-z0-9_-]{43})\Z")
_NOBODYS = bytes(32)


class Flaw(StrEnum):
    """Why a signed path is refused. A wrong key, id, path or signature are not told apart."""

    MISSING = "missing"
    INVALID = "invalid"
    EXPIRED = "expired"


class Signed(NamedTuple):
    """What a good signature says."""

    expires_s: int


class PathKey(NamedTuple):
    """A key that signs paths, and when; Unix seconds."""

    id: str
    secret: bytes
    not_before_s: float = 0.0
    not_after_s: float = inf


def path_keys(texts: Iterable[str]) -> tuple[PathKey, ...]:
    """Keys of the form `id:secret[:not_before[:not_after]]`. Raises ConfigError, without any secret."""
    keys = []
    for number, text in enumerate(texts, 1):
        key_id, _, rest = text.partition(":")
        secret, *times = rest.split(":")
        if not _KEY_ID.match(key_id) or len(secret) < MIN_KEY_BYTES or len(times) > 2:
            raise ConfigError(
                f"signing key {number} must be id:secret[:not_before[:not_after]] with a secret of at least "
                f"{MIN_KEY_BYTES} characters and times in Unix seconds"
            )
        try:
            not_before, not_after = [*times, "", ""][:2]
            end_s = int(not_after) if not_after else inf
            keys.append(PathKey(key_id, secret.encode(), int(not_before or 0), end_s))
        except ValueError:
            raise ConfigError(f"signing key {number} ({key_id}) has a time that is no number") from None
    if len({key.id for key in keys}) < len(keys):
        raise ConfigError("two signing keys have the same id")
    return tuple(keys)


def path_prefix(path: str, depth: int) -> str | None:
    """The part of path that a signature of this depth covers; None when path is shorter."""
    if depth == 0:
        return path
    parts = path.split("/", depth + 1)
    return "/".join(parts[: depth + 1]) + "/" if len(parts) > depth + 1 else None


class Keyring:
    """The keys of a deployment, the one that should sign first."""

    def __init__(self, keys: Sequence[PathKey]) -> None:
        self._keys = tuple(keys)
        self._by_id = {key.id: key for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def may_sign(self, now_s: float) -> bool:
        """Whether a key is active."""
        return any(key.not_before_s <= now_s < key.not_after_s for key in self._keys)

    def sign_path(self, path: str, depth: int, expires_s: int, now_s: float) -> str:
        """A signature of path by the first key that may sign now, good until `expires_s` or until that key
        ends. Raises ConfigError when none may."""
        key = next((key for key in self._keys if key.not_before_s <= now_s < key.not_after_s), None)
        prefix = path_prefix(path, depth)
        if key is None or prefix is None:
            raise ConfigError("no signing key is active" if key is None else "the path is too short to sign")
        head = f"{key.id}.{int(min(expires_s, key.not_after_s)):x}.{depth}"
        return f"{head}.{_path_signature(key.secret, head, prefix)}"

    def check_path(self, signature: str, path: str, now_s: float) -> Signed | Flaw:
        """What the signature says of path. An unknown key takes the same time as a wrong signature."""
        match = _SIGNED.match(signature)
        if match is None:
            return Flaw.INVALID
        key_id, expiry, depth, _ = match.groups()
        key = self._by_id.get(key_id)
        prefix = path_prefix(path, int(depth))
        head = signature[: match.start(4) - 1]
        made = _path_signature(key.secret if key else _NOBODYS, head, prefix or "")
        is_ours = hmac.compare_digest(made, match[4])
        if not is_ours or key is None or prefix is None or now_s < key.not_before_s - SKEW_S:
            return Flaw.INVALID
        expires_s = int(expiry, 16)
        return Flaw.EXPIRED if now_s >= min(expires_s, key.not_after_s) else Signed(expires_s)


def _path_signature(secret: bytes, head: str, prefix: str) -> str:
    text = f"headstart-path-1\0{head}\0{prefix}"
    return _text(hmac.digest(secret, text.encode("utf-8", "surrogateescape"), hashlib.sha256))
