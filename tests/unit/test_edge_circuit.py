"""What is known of the way to the origin, and who tries it."""

from edge.circuit import TRY_S, Circuit, Way


def test_a_slow_origin_that_is_cut_stays_cut_until_it_answers() -> None:
    circuit, ways = Circuit(), []
    for way in (Way.SLOW, Way.CUT, Way.SLOW):
        circuit.failed(way, 0)
        ways.append(circuit.way)
    circuit.answered()

    assert [*ways, circuit.way] == [Way.SLOW, Way.CUT, Way.CUT, Way.GOOD]


def test_one_request_a_turn_tries_an_origin_that_failed() -> None:
    circuit = Circuit()
    circuit.failed(Way.CUT, 10)

    assert not circuit.takes_try(10 + TRY_S / 2)
    assert [circuit.takes_try(10 + TRY_S) for _ in range(3)] == [True, False, False]
    assert circuit.takes_try(10 + 2 * TRY_S)
