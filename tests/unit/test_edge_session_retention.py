"""The edge's bounded table of retention curves."""

import pytest

from edge.session.retention import RetentionTable
from shared.messages.retention import Curve, Retention
from shared.retention import assumed


def told(at_ms: int = 1, priors: dict[str, Curve] | None = None, **curves: bytes) -> Retention:
    return Retention(
        at_ms=at_ms, curves={name: Curve(shares, 9.0) for name, shares in curves.items()}, priors=priors or {}
    )


def test_a_curve_starts_at_1_and_has_a_point_for_each_second() -> None:
    table = RetentionTable(10)
    table.take(told(v=bytes([204, 102, 51])))

    assert table.curve("v", 3_000) == pytest.approx([1.0, 0.8, 0.4, 0.2])
    assert table.weight("v") == 9.0


def test_past_its_curve_a_video_is_left_as_on_average_before() -> None:
    table = RetentionTable(10)
    table.take(told(v=bytes([204, 51])))

    assert table.curve("v", 4_000) == pytest.approx([1.0, 0.8, 0.2, 0.2 * 0.2**0.5, 0.04])
    assert len(table.curve("v", 10**9)) == 601


def test_an_unknown_video_has_its_categorys_curve_then_everybodys_then_the_assumed() -> None:
    table = RetentionTable(10)
    assert table.curve("v", 3_000, "space") == assumed(3)

    table.take(told(priors={"": Curve(bytes([102] * 120)), "space": Curve(bytes([204] * 120))}))

    assert table.curve("v", 2_000, "space") == pytest.approx([1.0, 0.8, 0.8])
    assert table.curve("v", 2_000, "cats") == pytest.approx([1.0, 0.4, 0.4])
    assert table.weight("v") == 0.0


def test_what_is_told_later_wins_in_any_order() -> None:
    table = RetentionTable(10)
    table.take(told(2, v=bytes([200]), priors={"": Curve(bytes([20]))}))
    table.take(told(1, v=bytes([100]), priors={"": Curve(bytes([10]))}))

    assert table.curve("v", 1_000)[1] == pytest.approx(200 / 255)
    assert table.curve("w", 1_000)[1] == pytest.approx(20 / 255)


def test_the_oldest_leaves_a_full_table() -> None:
    table = RetentionTable(2)
    table.take(told(a=b"\x80"))
    table.take(told(b=b"\x80"))
    table.take(told(c=b"\x80"))

    assert len(table) == 2
    assert table.missing(["a", "b", "c"]) == ["a"]


def test_what_the_brain_does_not_know_is_asked_for_once_until_in_doubt() -> None:
    table = RetentionTable(10)
    table.take(told(a=b"\x80"), asked=["a", "b"])

    assert table.missing(["a", "b", "c"]) == ["c"]
    table.doubt()
    assert table.missing(["a", "b", "c"]) == ["a", "b", "c"]
    assert table.curve("a", 1_000)[1] == pytest.approx(128 / 255)


def test_an_empty_curve_is_as_if_all_stayed() -> None:
    table = RetentionTable(10)
    table.take(told(v=b""))

    assert table.curve("v", 2_000) == (1.0, 1.0, 1.0)
