"""Readiness is the checks' word."""

from shared.health import Health


def test_a_process_without_checks_is_ready() -> None:
    assert Health().readiness() == (True, {})


def test_one_reason_makes_a_process_unready_and_is_told() -> None:
    health = Health()
    reason: list[str | None] = ["not connected"]
    health.add("nats", lambda: reason[0])
    health.add("disk", lambda: None)

    assert health.readiness() == (False, {"nats": "not connected", "disk": "ok"})
    reason[0] = None
    assert health.readiness() == (True, {"nats": "ok", "disk": "ok"})


def test_a_draining_process_is_not_ready() -> None:
    health = Health()
    health.set_draining()

    assert health.readiness() == (False, {"draining": "the process is stopping"})
