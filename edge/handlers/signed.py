"""Signed media URLs: `/s/<signature>/v/<video>/…`, taken off before anything else looks at the path.

Pure. The signature is a path segment, so what a playlist names relatively inherits it; one covers all objects
of a video (`shared.signing`). Key, fills, peers, purges and the origin know the bare path only.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from shared.config import setting
from shared.errors import Blame, ConfigError, ServiceError
from shared.signing import Flaw, Keyring, path_keys

MARK = "/s/"
MEDIA_DEPTH = 2
"""`/v/<video>/`."""
OFF, REQUIRED = "off", "required"
PEER_S = 60
"""A signature between two edges is good for so long."""

DETAIL = {
    Flaw.MISSING: "the URL is not signed",
    Flaw.INVALID: "the URL's signature is not good for it",
    Flaw.EXPIRED: "the URL's signature has expired",
}


class Unsigned(ServiceError):
    """A URL without a good signature, where one is required."""

    code = "forbidden"
    blame: ClassVar[Blame] = Blame.CALLER
    status = 403

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(DETAIL[flaw], reason=flaw)
        self.flaw = flaw


@dataclass(frozen=True)
class SignedLimits:
    """Signed media URLs."""

    mode: str = setting(OFF, "off, or required: media only by signed URLs, which the feed then gives")
    keys: tuple[str, ...] = setting(
        (),
        "id:secret[:not_before[:not_after]], Unix seconds; the first that is active signs, all are accepted",
        secret=True,
    )
    valid_s: int = setting(14_400, "a signed URL is good for between half of this and this", unit="s", low=60)


class Admitted(NamedTuple):
    """A path that may be asked for, without its signature."""

    path: str
    expires_s: float
    """Until when; Unix seconds. Infinite for a path that needs no signature."""


class Gate:
    """Takes signatures off, and puts them on. Without keys it lets everything pass as it is."""

    def __init__(self, limits: SignedLimits, below: str = "/") -> None:
        if limits.mode not in (OFF, REQUIRED):
            raise ConfigError(f"signed.mode is {limits.mode!r}, must be {OFF} or {REQUIRED}")
        self._keys = Keyring(path_keys(limits.keys))
        self.is_required = limits.mode == REQUIRED
        if self.is_required and not self._keys:
            raise ConfigError("signed.mode is required, but signed.keys is empty")
        self._valid_s = limits.valid_s
        self._below = below

    @property
    def is_open(self) -> bool:
        """Whether no path means anything here."""
        return not self._keys

    def admitted(self, target: str, now_s: float) -> Admitted:
        """The target that is meant, its query untouched. Raises Unsigned."""
        if not self._keys or not target.startswith(MARK):
            if self.is_required:
                raise Unsigned(Flaw.MISSING)
            return Admitted(target, float("inf"))
        signature, slash, rest = target[len(MARK) :].partition("/")
        bare = slash + rest
        signed = self._keys.check_path(signature, bare.partition("?")[0], now_s)
        if isinstance(signed, Flaw):
            raise Unsigned(signed)
        if not bare.startswith(self._below):
            raise Unsigned(Flaw.INVALID)
        return Admitted(bare, signed.expires_s)

    def bare(self, target: str) -> str:
        """The target without a signature, good or not: what an operator means who copied a player's URL."""
        if self.is_open or not target.startswith(MARK):
            return target
        return "/" + target[len(MARK) :].partition("/")[2]

    def may_sign(self, now_s: float) -> bool:
        """Whether URLs can be signed, if they must."""
        return not self.is_required or self._keys.may_sign(now_s)

    def media_base(self, video: str, now_s: float) -> str:
        """What a player puts before the names of a video's objects; alike for all viewers for a while."""
        home = f"/v/{video}/"
        if not self.is_required or not self._keys.may_sign(now_s):
            return home
        step_s = max(1, self._valid_s // 2)
        expires_s = (int(now_s) // step_s + 2) * step_s
        return f"{MARK}{self._keys.sign_path(home, MEDIA_DEPTH, expires_s, now_s)}{home}"

    def for_peer(self, target: str, now_s: float) -> str:
        """The target as another edge of the deployment takes it."""
        if not self.is_required or not self._keys.may_sign(now_s):
            return target
        path = target.partition("?")[0]
        return f"{MARK}{self._keys.sign_path(path, 0, int(now_s) + PEER_S, now_s)}{target}"
