"""The C programs of the edge's bench: the load generator takes no wrong answer, the server tells no lie."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench.edge.build import HERE, Programs, build
from tests.bench.edge.process import Peer, started, told_port
from tests.certificates import self_signed

pytestmark = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="needs gcc (apt-get install gcc libc6-dev)"
)

BODY = bytes(range(256)) * 8
LARGE = BODY * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length: 2048\r\n\r\n" + BODY
LIMIT_S = 20
ONE_CORE = frozenset([min(os.sched_getaffinity(0))])
JUDGE = """
#define _GNU_SOURCE
#include "answer.h"
#include "histogram.h"
#include <stdio.h>
static char data[1 << 16];
static struct answer answer;
static enum verdict in_pieces(const struct expected *want, size_t n, size_t first, size_t second) {
    memset(&answer, 0, sizeof answer);
    size_t ends[] = {first, second, n}, place = 0;
    enum verdict verdict = MORE;
    for (int i = 0; i < 3 && verdict == MORE; place = ends[i++])
        if (ends[i] > place) verdict = take(&answer, want, data + place, ends[i] - place);
    return verdict;
}
int main(int argc, char **argv) {
    struct expected want = {.status = atoi(argv[1]), .length = atol(argv[2])};
    size_t n = fread(data, 1, sizeof data, stdin);
    static struct histogram histogram;
    for (uint64_t us = 0; argc > 3 && us < 3000000; us += 1 + us / 5000) {
        uint64_t low = lowest_of(bucket_of(us));
        if (low > us || (us - low) * 1000 > us || bucket_of(us) >= N_BUCKETS) return 3;
        record(&histogram, us);
    }
    const char *said = verdict_names[in_pieces(&want, n, n, n)];
    for (size_t first = 0; first <= n; first += 1 + first / 100)
        for (size_t second = first; second <= n; second += 97)
            if (verdict_names[in_pieces(&want, n, first, second)] != said) return 4;
    puts(said);
    return 0;
}
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge")
    (folder / "judge.c").write_text(JUDGE)
    command = [
        "gcc",
        "-O2",
        "-std=gnu17",
        "-fsanitize=address,undefined",
        f"-I{HERE}",
        "judge.c",
        "-o",
        "judge",
    ]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return folder / "judge"


@contextmanager
def answering(reply: bytes, *, closes: bool = True) -> Iterator[int]:
    """The port of a server that sends these bytes for each request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with link:
                while link.recv(65536):
                    link.sendall(reply)
                    if closes:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(LIMIT_S)


def load(programs: Programs, port: int, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [str(programs.load), "--port", str(port), "--connections", "1", "--requests", "1", *words]
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=LIMIT_S, check=False
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OK, "done"),
        (OK.replace(b"200", b"206", 1), "wrong status"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "wrong status"),
        (OK.replace(b"2048", b"2049"), "wrong length"),
        (OK.replace(b"content-length", b"x-length"), "no length"),
        (OK.replace(b"content-length: 2048", b"transfer-encoding: chunked"), "no length"),
        (OK[:-1], "cut short"),
        (OK[:40], "cut short"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 9000, "head too large"),
    ],
)
def test_an_answer_is_judged_alike_however_it_is_cut(judge: Path, answer: bytes, said: str) -> None:
    done = subprocess.run(
        [judge, "200", "2048", "x"], input=answer, capture_output=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout.decode().strip()) == (0, said)


def test_a_right_answer_is_counted(programs: Programs) -> None:
    with answering(OK) as port:
        done = load(programs, port, "--length", "2048")

    assert done.returncode == 0 and '"requests": 1,' in done.stdout


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (OK[:-1], "cut short after 2047 of 2048"),
        (b"", "cut short"),
        (OK + b"H", "excess bytes"),
        (OK.replace(b"200", b"500", 1), "wrong status"),
        (OK.replace(b"2048", b"2047"), "wrong length"),
    ],
)
def test_a_wrong_answer_ends_the_run(programs: Programs, reply: bytes, said: str) -> None:
    with answering(reply) as port:
        done = load(programs, port, "--length", "2048")

    assert done.returncode == 1 and said in done.stderr


def test_one_wrong_byte_ends_the_run_when_bytes_are_compared(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY)
    wrong = bytearray(OK)
    wrong[-1] ^= 1

    with answering(OK) as port:
        right = load(programs, port, "--body", str(tmp_path / "body"))
    with answering(bytes(wrong)) as port:
        done = load(programs, port, "--body", str(tmp_path / "body"))

    assert right.returncode == 0
    assert done.returncode == 1 and "wrong bytes" in done.stderr


def serve_tls(link: socket.socket, context: ssl.SSLContext, reply: bytes) -> None:
    """Send the reply for each request, its records cut into 1,000 bytes."""
    received, sealed = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, sealed, server_side=True)

    def until_done(call: Callable[[], object]) -> object:
        while True:
            try:
                with contextlib.suppress(ssl.SSLWantReadError):
                    return call()
            finally:
                while piece := sealed.read(1000):
                    link.sendall(piece)
            if received.write(link.recv(65536)) == 0:
                raise ConnectionAbortedError

    with link, contextlib.suppress(OSError):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        until_done(tls.do_handshake)
        while until_done(lambda: tls.read(65536)):
            until_done(lambda: tls.write(reply))


def test_records_of_several_connections_may_be_cut_anywhere(programs: Programs, tmp_path: Path) -> None:
    if not programs.has_tls:
        pytest.skip("built without OpenSSL")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed())
    reply = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(LARGE[:300_000]) + LARGE[:300_000]
    (tmp_path / "body").write_bytes(LARGE[:300_000])
    words = ["--tls", "--connections", "3", "--requests", "30", "--body", str(tmp_path / "body")]

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(3):
                link = listener.accept()[0]
                threading.Thread(target=serve_tls, args=(link, context, reply), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        done = load(programs, listener.getsockname()[1], *words)

    assert (done.returncode, done.stderr) == (0, "")
    assert '"requests": 30,' in done.stdout


@pytest.fixture(scope="module")
def bare(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    folder = tmp_path_factory.mktemp("bare")
    (folder / "small").write_bytes(BODY)
    (folder / "large").write_bytes(LARGE)
    told = folder / "port"
    command = [str(programs.bare), str(told), "65536", str(folder / "small"), str(folder / "large")]
    with started(command, ONE_CORE, lambda: told_port(told) > 0) as pid:
        yield Peer("C", pid, told_port(told))


def asked(peer: Peer, n_answers: int, *pieces: bytes) -> list[bytes]:
    """The bodies of so many answers to these pieces; less when the server ends the connection."""
    bodies: list[bytes] = []
    with (
        socket.create_connection(("127.0.0.1", peer.port), timeout=LIMIT_S) as link,
        link.makefile("rb") as said,
    ):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            link.sendall(piece)
        while len(bodies) < n_answers and (line := said.readline()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            if line == b"\r\n":
                bodies.append(said.read(length))
    return bodies


def test_the_bare_server_answers_pipelined_and_cut_requests_in_order(bare: Peer) -> None:
    small, large = b"GET /1/2/small HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /large HTTP/1.1\r\n\r\n"
    stream = small + large + small + large + large
    pieces = [stream[at : at + 7] for at in range(0, len(stream), 7)]

    for cut in ([stream], pieces):
        assert asked(bare, 5, *cut) == [BODY, LARGE, BODY, LARGE, LARGE]


def test_the_bare_server_answers_more_requests_than_its_buffer_holds(bare: Peer) -> None:
    stream = b"GET /large HTTP/1.1\r\n" + b"x: " + b"y" * 300 + b"\r\n\r\n"

    assert asked(bare, 40, stream * 40) == [LARGE] * 40


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /small HTTP/1.1\r\n\r\n",
        b"GET /missing HTTP/1.1\r\n\r\n",
        b"GET /smal HTTP/1.1\r\n\r\n",
        b"GET small HTTP/1.1\r\n\r\n",
        b"GET /small HTTP/1.0\r\n\r\n",
        b"GET /" + b"x" * 9000,
        b"\r\n\r\n",
    ],
)
def test_the_bare_server_ends_a_connection_that_asks_for_anything_else(
    bare: Peer, request_bytes: bytes
) -> None:
    try:
        bodies = asked(bare, 1, request_bytes)
    except OSError:
        bodies = []

    assert bodies == []
    assert asked(bare, 1, b"GET /small HTTP/1.1\r\n\r\n") == [BODY]
