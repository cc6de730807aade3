"""What is known of the way to the origin, and who tries it."""

from edge.upstream.circuit import TRY_S, Circuit, Way


def answering() -> Circuit:
    """Of an origin that has answered."""
    circuit = Circuit()
    circuit.answered()
    return circuit


def test_an_origin_is_slow_when_two_requests_wait_in_vain_with_no_answer_between() -> None:
    circuit, ways = answering(), []
    for _ in range(2):
        circuit.waited(circuit.n_answers, 0)
        ways.append(circuit.way)

    assert ways == [Way.GOOD, Way.SLOW]


def test_one_request_in_vain_is_enough_of_an_origin_that_never_answered() -> None:
    circuit = Circuit()
    circuit.waited(circuit.n_answers, 0)

    assert circuit.way is Way.SLOW


def test_an_answer_between_two_waits_makes_each_the_trouble_of_its_own_url() -> None:
    circuit = answering()
    circuit.waited(circuit.n_answers, 0)
    circuit.answered()
    circuit.waited(circuit.n_answers, 0)

    assert circuit.way is Way.GOOD


def test_a_request_sent_before_the_latest_answer_says_nothing_of_the_way() -> None:
    circuit = answering()
    sent = circuit.n_answers
    circuit.answered()
    circuit.failed(sent, 0)
    circuit.waited(sent, 0)
    circuit.waited(sent, 0)

    assert circuit.way is Way.GOOD


def test_a_slow_origin_that_is_cut_stays_cut_until_it_answers() -> None:
    circuit, ways = Circuit(), []
    for report in (circuit.waited, circuit.failed, circuit.waited):
        report(circuit.n_answers, 0)
        ways.append(circuit.way)
    circuit.answered()

    assert [*ways, circuit.way] == [Way.SLOW, Way.CUT, Way.CUT, Way.GOOD]


def test_one_request_a_turn_tries_an_origin_that_failed() -> None:
    circuit = Circuit()
    circuit.failed(circuit.n_answers, 10)

    assert not circuit.takes_try(10 + TRY_S / 2)
    assert [circuit.takes_try(10 + TRY_S) for _ in range(3)] == [True, False, False]
    assert circuit.takes_try(10 + 2 * TRY_S)
