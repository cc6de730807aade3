"""Whether this process lives and whether it should get traffic (/healthz, /readyz)."""

from collections.abc import Callable

Check = Callable[[], str | None]
"""None: fine. Text: the reason why not. It must not block."""


class Health:
    """The checks of one process. Not ready while draining, or while a check names a reason."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._is_draining = False

    def add(self, name: str, check: Check) -> None:
        """Make readiness depend on `check`; the same name replaces the former one."""
        self._checks[name] = check

    def set_draining(self) -> None:
        """From now on not ready, so that a load balancer sends no more."""
        self._is_draining = True

    def readiness(self) -> tuple[bool, dict[str, str]]:
        """Whether to send traffic here, and every check's reason or `ok`."""
        reasons = {name: check() for name, check in self._checks.items()}
        if self._is_draining:
            reasons["draining"] = "the process is stopping"
        told = {name: reason or "ok" for name, reason in reasons.items()}
        return all(reason is None for reason in reasons.values()), told
