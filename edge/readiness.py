"""Readiness of a node that serves without its neighbours: what is degraded is told, and no more."""

from shared.health import Check, Health


class EdgeHealth(Health):
    """Ready unless draining or a real check fails; `watched` parts are only told."""

    def __init__(self) -> None:
        super().__init__()
        self._watched: dict[str, Check] = {}

    def watch(self, name: str, check: Check) -> None:
        """Tell of this part, whatever its state."""
        self._watched[name] = check

    def readiness(self) -> tuple[bool, dict[str, str]]:
        """As Health's, with the watched parts added: `ok`, or `degraded: …`."""
        is_ready, told = super().readiness()
        for name, check in self._watched.items():
            reason = check()
            told[name] = f"degraded: {reason}" if reason else "ok"
        return is_ready, told
