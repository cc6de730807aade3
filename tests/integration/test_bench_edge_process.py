"""Servers under measurement: which modules they run, whose time counts, and that nobody is left behind."""

import os
import sys
from pathlib import Path

import pytest

from tests.bench.edge.__main__ import main
from tests.bench.edge.bench import Bench
from tests.bench.edge.build import Programs
from tests.bench.edge.load import Loader
from tests.bench.edge.peers import EdgeKind, Place
from tests.bench.edge.process import ROOT, Peer, started, told_port
from tests.waiting import eventually

ONE_CORE = frozenset([min(os.sched_getaffinity(0))])
TELLS_ITS_MODULES = """
import os, pathlib, time
import shared
pathlib.Path(os.environ["HEADSTART_DATA_DIR"], "edge-alone.url").write_text(f"{shared.__path__[0]}:80")
time.sleep(100)
"""


async def test_a_server_ends_with_its_children(tmp_path: Path) -> None:
    told = tmp_path / "child"
    child = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(100)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    with started([sys.executable, "-c", parent], ONE_CORE, lambda: told_port(told) > 0):
        pid = told_port(told)
        assert Path(f"/proc/{pid}").exists()

    await eventually(lambda: is_gone(pid))


async def test_a_descendant_with_a_session_of_its_own_ends_too_and_its_time_counts(tmp_path: Path) -> None:
    told = tmp_path / "child"
    child = f"import os, time; sum(range(10**7)); open({str(told)!r}, 'w').write(str(os.getpid()))"
    child += "; time.sleep(100)"
    parent = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit());"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True).wait()"
    )

    with started([sys.executable, "-c", parent], ONE_CORE, lambda: told_port(told) > 0) as pid:
        descendant = told_port(told)
        ticks = Path(f"/proc/{descendant}/stat").read_text().rpartition(")")[2].split()[11]
        assert Peer("x", pid, 0).cpu_s() >= int(ticks) / os.sysconf("SC_CLK_TCK") > 0

    await eventually(lambda: is_gone(descendant))


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_former_build_runs_with_the_modules_of_its_own_checkout(tmp_path: Path) -> None:
    former = tmp_path / "former"
    for package in ("edge", "shared"):
        (former / package).mkdir(parents=True)
        (former / package / "__init__.py").touch()
    (former / "edge" / "__main__.py").write_text(TELLS_ITS_MODULES)
    place = Place(tmp_path, Programs(tmp_path, tmp_path, has_tls=False), ONE_CORE, ())
    bench = Bench(
        place, Peer("origin", 1, 1), Loader(tmp_path, 0), 1, (1024,), builds={"former": former, "edge": ROOT}
    )

    with bench.edges(EdgeKind("small", disk_mib=0, is_reserved=False)) as peers:
        told = (tmp_path / "former-small" / "edge-alone.url").read_text()

        assert [peer.name for peer in peers] == ["former", "edge"]
        assert told == f"{former / 'shared'}:80"
        assert peers[1].port not in (0, 80)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--former", "/"], "is no checkout: it has no edge/__main__.py"),
        (["--former", str(ROOT), "--peers", "nginx", "C"], "--peers must name edge"),
    ],
)
def test_a_former_build_that_cannot_be_compared_is_refused_before_anything_starts(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)

    assert said in capsys.readouterr().err
