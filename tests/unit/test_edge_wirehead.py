"""Response heads with an Age and a Date that move."""

from email.utils import parsedate_to_datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.serving.wirehead import http_date, render, template

NAMES = st.from_regex(r"[A-Za-z%-]{1,12}", fullmatch=True).filter(lambda n: n.lower() not in ("age", "date"))
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(NAMES, VALUES), max_size=5), st.integers(0, 10**9))
def test_all_fields_stand_in_order_and_age_is_that_of_the_moment(
    fields: list[tuple[str, str]], age_s: int
) -> None:
    head = template("HTTP/1.1 200 OK", [*fields, ("Age", "7"), ("Date", "then")], moves_date=False)

    assert head is not None
    lines = render(head, age_s, 0).decode().split("\r\n")
    told = [f"{name}: {value}" for name, value in fields]
    assert lines == ["HTTP/1.1 200 OK", *told, f"Age: {age_s}", "Date: then", "", ""]


def test_a_date_of_ours_moves() -> None:
    head = template("HTTP/1.1 200 OK", [("Date", "then")], moves_date=True)

    assert head is not None
    assert render(head, 0, 1_800_000_000) == b"HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n\r\n"


@given(st.integers(0, 4_000_000_000))
def test_a_date_says_its_second(now_s: int) -> None:
    assert parsedate_to_datetime(http_date(now_s).decode()).timestamp() == now_s


def test_a_head_that_is_not_printable_ascii_has_no_template() -> None:
    assert template("HTTP/1.1 200 OK", [("X", "é")], moves_date=False) is None
    assert template("HTTP/1.1 200 OK", [("X", "a\x7f")], moves_date=False) is None
    assert template("HTTP/1.1 200 OK", [("X", "a\r\nY: b")], moves_date=False) is None
