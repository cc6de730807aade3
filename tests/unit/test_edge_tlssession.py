"""TLS without sockets: what a session says, what it opens, and that sessions share a bench without mixing."""

import contextlib
import ssl
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.tls.session import HELD_BYTES, PIECE_BYTES, RECORD_BYTES, Plain, TlsBroken, TlsSession, Workbench
from tests.certificates import client_context, self_signed


class Client:
    """The other side, in memory."""

    def __init__(self, server: TlsSession, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self.server = server
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context(version).wrap_bio(self.incoming, self.outgoing)

    def connect(self) -> None:
        for _ in range(4):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            self.server.incoming.write(self.outgoing.read())
            is_done, answer = self.server.shake()
            self.incoming.write(answer)
            if is_done:
                return
        raise AssertionError("no handshake")

    def wrote(self, data: bytes) -> bytes:
        """What data is on the wire."""
        self.tls.write(data)
        return self.outgoing.read()

    def read(self, sealed: bytes) -> bytes:
        self.incoming.write(sealed)
        got = bytearray()
        while True:
            try:
                piece = self.tls.read(1 << 20)
            except ssl.SSLWantReadError:
                return bytes(got)
            if not piece:
                return bytes(got) + b"<end>"
            got += piece


@pytest.fixture(scope="module")
def context() -> Iterator[ssl.SSLContext]:
    chain, key = self_signed()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(chain, key)
    yield made


def opened(session: TlsSession) -> bytes:
    got = bytearray()
    while data := session.open()[0]:
        got += data
    return bytes(got)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_sides_read_what_the_other_wrote(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    session = TlsSession(context, Workbench())
    client = Client(session, version)
    client.connect()

    session.incoming.write(client.wrote(b"question"))

    assert opened(session) == b"question"
    assert client.read(session.seal([b"ans", b"wer"], 100)) == b"answer"


def test_a_handshake_cut_at_every_byte_ends_as_a_whole_one_does(context: ssl.SSLContext) -> None:
    session = TlsSession(context, Workbench())
    client = Client(session)
    is_done = False
    for _ in range(4):
        with contextlib.suppress(ssl.SSLWantReadError):
            client.tls.do_handshake()
        for byte in client.outgoing.read():
            assert not is_done
            session.incoming.write(bytes([byte]))
            is_done, answer = session.shake()
            client.incoming.write(answer)

    assert is_done
    for byte in client.wrote(b"dribble"):
        session.incoming.write(bytes([byte]))
        assert (last := session.open()[0]) in (None, b"dribble")
    assert last == b"dribble"


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.integers(1, 3 * RECORD_BYTES), min_size=1, max_size=6),
    n_bytes=st.sampled_from([1, 100, RECORD_BYTES, PIECE_BYTES]),
)
def test_what_is_sealed_in_parts_is_read_as_the_whole(
    context: ssl.SSLContext, pieces: list[int], n_bytes: int
) -> None:
    session = TlsSession(context, Workbench())
    client = Client(session)
    client.connect()
    given_pieces: list[Plain] = [bytes([size % 251]) * size for size in pieces]
    whole, got = b"".join(given_pieces), b""
    given_pieces = [memoryview(piece) for piece in given_pieces]

    while given_pieces:
        before, most = sum(map(len, given_pieces)), n_bytes if len(got) < 50 * n_bytes else PIECE_BYTES
        got += client.read(session.seal(given_pieces, most))
        assert before - sum(map(len, given_pieces)) == min(before, most)

    assert got == whole


def test_sessions_on_one_bench_do_not_mix_whatever_becomes_of_the_others(context: ssl.SSLContext) -> None:
    bench = Workbench()
    sessions = [TlsSession(context, bench) for _ in range(3)]
    clients = [Client(session) for session in sessions]
    clients[0].connect()
    with pytest.raises(TlsBroken):
        sessions[1].incoming.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        sessions[1].shake()
    clients[2].connect()
    wrong = bytearray(clients[0].wrote(b"x" * 100))
    wrong[50] ^= 1
    sessions[0].incoming.write(bytes(wrong))
    with pytest.raises(TlsBroken) as broken:
        sessions[0].open()

    assert broken.value.alert
    assert bench.sealed.pending == 0
    assert clients[2].read(sessions[2].seal([b"mine"], 100)) == b"mine"
    sessions[2].incoming.write(clients[2].wrote(b"yours"))
    assert opened(sessions[2]) == b"yours"


def test_a_broken_peer_is_told_by_an_alert(context: ssl.SSLContext) -> None:
    session = TlsSession(context, Workbench())
    session.incoming.write(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")

    with pytest.raises(TlsBroken) as broken:
        session.shake()

    assert broken.value.alert[:1] == b"\x15"


def test_the_end_is_told_and_heard(context: ssl.SSLContext) -> None:
    session = TlsSession(context, Workbench())
    client = Client(session)
    client.connect()

    assert client.read(session.seal([b"last"], 100) + session.end()) == b"last<end>"

    client.tls.unwrap()
    session.incoming.write(client.outgoing.read())
    assert session.open()[0] == b""


def test_what_was_not_sealed_by_the_peer_is_refused(context: ssl.SSLContext) -> None:
    session = TlsSession(context, Workbench())
    Client(session).connect()
    session.incoming.write(b"\x17\x03\x03\x00\x20" + bytes(32))

    with pytest.raises(TlsBroken):
        session.open()


def test_pieces_are_single_records_when_much_ciphertext_waits() -> None:
    bench = Workbench()
    assert bench.piece_bytes == PIECE_BYTES

    bench.n_held = HELD_BYTES

    assert bench.piece_bytes == RECORD_BYTES
