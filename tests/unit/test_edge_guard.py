"""What is refused before anything looks at a request, and why."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from edge.serving.guard import Reason, RequestLimits, refusal

LIMITS = RequestLimits()
LAX = RequestLimits(encoded_slash=True)


@dataclass
class Asked:
    """A request with dull defaults."""

    raw_path: str = "/v/one/240/1.m4s"
    method: str = "GET"
    version: tuple[int, int] = (1, 1)
    fields: list[tuple[str, str]] = field(default_factory=lambda: [("Host", "edge.example")])

    @property
    def headers(self) -> CIMultiDict[str]:
        return CIMultiDict(self.fields)

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name.encode(), value.encode()) for name, value in self.fields]


def reason(asked: Asked, limits: RequestLimits = LIMITS) -> Reason | None:
    refused = refusal(asked, limits)
    return refused.reason if refused else None


@pytest.mark.parametrize(
    "path",
    [
        *("/", "//", "/a", "/a/", "/v/one/240/1.m4s", "/a.b/c..d", "/.well-known/x", "/...", "/a//b"),
        *("/a?b=../c", "/a?b=/../", "/%20", "/a?q=%2F%41", "/~x", "/a;b=c", "/a?x={y}|z", "/%C3%A9"),
        *("http://edge.example/a", "HTTP://EDGE.example/a?b", "https://edge.example"),
    ],
)
def test_an_ordinary_target_passes(path: str) -> None:
    assert reason(Asked(path)) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        *(
            (path, Reason.TRAVERSAL)
            for path in ("/..", "/.", "/../a", "/a/../b", "/a/..", "/a/./b", "/a/..;/b")
        ),
        *((path, Reason.TRAVERSAL) for path in ("/%2e%2e/a", "/%2E./a", "/a/.%2e", "/..%2fa", "/%2e%2e%5ca")),
        *(
            (path, Reason.TRAVERSAL)
            for path in ("/..\\a", "/a\\..\\b", "/..%252fa", "http://edge.example/../a")
        ),
        *(
            (path, Reason.ENCODING)
            for path in ("/%", "/%2", "/%zz", "/a?b=%", "/a?%g0", "/%00", "/a%0d%0aX:1")
        ),
        *((path, Reason.ENCODING) for path in ("/a%2500", "/a%7f", "/a\\b")),
        *((path, Reason.TARGET_FORM) for path in ("", "a", "*", "ftp://edge.example/", "/a#b", "/a b", "/é")),
        *((path, Reason.TARGET_FORM) for path in ("/a?é", "/a\x7f", "/a?b\x00", "/a\n")),
        *((path, Reason.OTHER_HOST) for path in ("http://evil/a", "http://edge.example@evil/", "http:///a")),
        *((path, Reason.OTHER_HOST) for path in ("http://u:p@edge.example/a", "http://edge.example:81/")),
    ],
)
@pytest.mark.parametrize("limits", [LIMITS, LAX])
def test_an_odd_target_is_refused(path: str, why: Reason, limits: RequestLimits) -> None:
    assert reason(Asked(path), limits) is why


@pytest.mark.parametrize(
    "path", ["/a%2fb", "/a%5Cb", "/a%252fb", "/a%252eb", "/a%2Eb", "/%41", "/%7e", "/a%5f"]
)
def test_an_encoded_slash_or_letter_passes_only_where_it_is_the_origins(path: str) -> None:
    assert reason(Asked(path)) is Reason.ENCODING
    assert reason(Asked(path), LAX) is None


@given(st.lists(st.sampled_from([*"/.%2eEfF5cC;\\a?0"]), max_size=14), st.booleans())
def test_no_spelling_of_a_dot_segment_passes(letters: list[str], is_lax: bool) -> None:
    path = "/" + "".join(letters)

    if reason(Asked(path), LAX if is_lax else LIMITS) is None:
        for _ in range(2):
            assert not {".", ".."} & set(re.split(r"[/\\]", path.partition("?")[0]))
            path = unquote(path) if is_lax else unquote(unquote(path))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ([], Reason.HOST),
        ([("Host", "a"), ("host", "a")], Reason.HOST),
        *(
            ([("Host", value)], Reason.HOST)
            for value in ("", "a b", "a/b", "u@a", "a:b", "a,b/", "[::1", "a:123456")
        ),
        ([("Host", "a"), ("Transfer-Encoding", "gzip, chunked")], Reason.FRAMING),
        ([("Host", "a"), ("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], Reason.FRAMING),
        ([("Host", "a"), ("Transfer-Encoding", "chunked"), ("Content-Length", "3")], Reason.FRAMING),
        ([("Host", "a"), *[(f"X{i}", "") for i in range(100)]], Reason.N_FIELDS),
        ([("Host", "a"), ("X", "a" * 40_000)], Reason.HEAD_LENGTH),
    ],
)
def test_odd_fields_are_refused(fields: list[tuple[str, str]], why: Reason) -> None:
    assert reason(Asked(fields=fields)) is why


@pytest.mark.parametrize("host", ["a", "a.b:80", "127.0.0.1:8080", "[::1]:80", "a:", "xn--a_b"])
def test_an_ordinary_host_passes(host: str) -> None:
    assert reason(Asked(fields=[("Host", host)])) is None


def test_an_old_client_needs_no_host_but_may_not_chunk() -> None:
    assert reason(Asked(version=(1, 0), fields=[])) is None
    assert reason(Asked(version=(1, 0), fields=[("Transfer-Encoding", "chunked")])) is Reason.FRAMING


@pytest.mark.parametrize("version", [(0, 9), (2, 0), (1, 2)])
def test_another_version_is_refused(version: tuple[int, int]) -> None:
    assert reason(Asked(version=version)) is Reason.VERSION


def test_a_tunnel_is_refused() -> None:
    assert reason(Asked("edge.example:443", method="CONNECT")) is Reason.METHOD


def test_a_refusal_names_the_limit_and_the_value() -> None:
    refused = refusal(Asked("/" + "a" * 8000), LIMITS)

    assert refused is not None
    assert (refused.status, refused.reason, refused.limit, refused.actual) == (
        414,
        Reason.TARGET_LENGTH,
        8000,
        8001,
    )
