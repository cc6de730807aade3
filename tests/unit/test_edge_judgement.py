"""Judging heads: a judgement that is remembered is the one that the rules give."""

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from edge.cache.freshness import Storable, StorageRules
from edge.cache.judgement import N_JUDGED, Judgements, judged

RULES = StorageRules(heuristic_share=0.1, negative_s=5)
DATES = (
    "Mon, 23 Nov 2026 08:00:00 GMT",
    "Mon, 23 Nov 2026 09:00:00 GMT",
    "Tue, 24 Nov 2026 08:00:00 GMT",
    "0",
)
said = st.lists(
    st.sampled_from(("max-age=60", "max-age=x", "s-maxage=5", "private", "no-store", "no-cache", "public"))
    | st.sampled_from(
        ("private=Server", "must-understand", "immutable", "stale-if-error=9", "must-revalidate")
    ),
    max_size=3,
).map(", ".join)
fields = st.lists(
    st.tuples(st.sampled_from(("Cache-Control", "CDN-Cache-Control")), said)
    | st.tuples(st.sampled_from(("Date", "Expires", "Last-Modified")), st.sampled_from(DATES))
    | st.sampled_from(
        (("Set-Cookie", "a=b"), ("Vary", "*"), ("Vary", "Accept"), ("ETag", '"a"'), ("Pragma", "no-cache"))
    ),
    max_size=6,
)


@given(st.lists(st.tuples(st.sampled_from((200, 203, 404, 500, 599)), fields), max_size=12))
def test_what_is_remembered_is_what_the_rules_say(heads: list[tuple[int, list[tuple[str, str]]]]) -> None:
    judgements = Judgements(RULES)

    for status, told in [*heads, *reversed(heads)]:
        response = CIMultiDict(told)
        assert judgements.of(status, response) == judged(status, response, RULES)


def test_only_so_many_are_remembered() -> None:
    judgements = Judgements(RULES)
    for seconds in range(N_JUDGED + 10):
        response = CIMultiDict({"Cache-Control": f"max-age={seconds}"})
        assert judgements.of(200, response).verdict is Storable.YES

    assert len(judgements._known) <= N_JUDGED
