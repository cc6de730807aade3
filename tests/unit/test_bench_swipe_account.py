"""Where the bytes of the browser bench went."""

from tests.bench.swipe_browser.account import AGAIN, GIVEN_UP, KINDS, NEVER, Fetched, media, wasted

URL = "http://127.0.0.1:80/v/clip007/540p-0a1b/"


def test_a_url_tells_video_rung_and_chunk() -> None:
    assert media(URL + "open.mp4?sig=1") == Fetched("clip007", "540p-0a1b", 0)
    assert media(URL + "11.m4s") == Fetched("clip007", "540p-0a1b", 11)
    assert media("http://127.0.0.1:80/v/clip007/master.m3u8") is None


def test_what_was_on_screen_is_no_waste() -> None:
    fetched = [Fetched("a", "low", chunk, 100, is_whole=True) for chunk in range(3)]

    assert wasted(fetched, {"a": 2}) == dict.fromkeys(KINDS, 0)


def test_seconds_behind_the_last_one_seen_are_told_apart() -> None:
    fetched = [Fetched("a", "low", chunk, 10**chunk, is_whole=True) for chunk in range(7)]

    assert list(wasted(fetched, {"a": 1}).values()) == [100, 1_000, 10_000, 1_100_000, 0, 0, 0]


def test_a_video_never_shown_is_wasted_and_so_is_what_was_given_up() -> None:
    found = wasted([Fetched("b", "low", 0, 7, is_whole=True), Fetched("a", "low", 1, 5)], {"a": 3})

    assert (found[NEVER], found[GIVEN_UP]) == (7, 5)


def test_of_a_second_in_two_rungs_the_later_one_counts() -> None:
    both = [Fetched("a", "low", 1, 50_000, is_whole=True), Fetched("a", "high", 1, 90_000, is_whole=True)]

    assert wasted(both, {"a": 3})[AGAIN] == 50_000


def test_an_init_segment_takes_no_seconds_place() -> None:
    opening = Fetched("a", "low", 0, 90_000, is_whole=True)
    init = Fetched("a", "high", 0, 1_271, is_whole=True)

    assert wasted([opening, init], {"a": 0})[AGAIN] == wasted([init, opening], {"a": 0})[AGAIN] == 0
