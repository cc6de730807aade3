"""The origin's JSON, changed where it names videos and nowhere else."""

import pytest

from edge.handlers.based import id_of, with_changed, with_each_changed, with_member


def based(video: bytes) -> bytes | None:
    name = id_of(video)
    return None if name == "gone" else with_member(video, "base", f"/v/{name}/")


def test_what_is_not_touched_stays_as_the_origin_wrote_it() -> None:
    assert with_member(b'{"n": 1.50, "big": 12345678901234567890}', "base", "/") == (
        b'{"n":1.50,"big":12345678901234567890,"base":"/"}'
    )


def test_each_video_of_a_list_is_changed_and_one_that_is_gone_is_left_out() -> None:
    body = b'{"items":[{"id":"a"},{"id":"gone"}],"next":"x"}'

    assert with_changed(body, "items", lambda items: with_each_changed(items, based)) == (
        b'{"items":[{"id":"a","base":"/v/a/"}],"next":"x"}'
    )


def test_a_member_that_is_gone_is_null() -> None:
    assert with_changed(b'{"video":{"id":"gone"}}', "video", based) == b'{"video":null}'


@pytest.mark.parametrize("body", [b"", b"[]", b"oops", b'"x"', b"{}", b'{"items":null}', b'{"items":{}}'])
def test_another_form_than_expected_stays_as_it_is(body: bytes) -> None:
    assert with_changed(body, "items", lambda items: with_each_changed(items, based)) == body


@pytest.mark.parametrize("body", [b"null", b"{}", b'{"id":7}', b"[1]", b"oops"])
def test_what_has_no_id_names_none(body: bytes) -> None:
    assert id_of(body) is None
