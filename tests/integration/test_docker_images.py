"""Follows each Dockerfile step by step in a clean folder: copy, install from the lock, start, health.

No container engine runs here: the image itself is NOT built. What differs from a build is said in LEFT_OUT.
"""

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.leash import leashed
from tests.dockerfile import Stage, Step, parse
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("apt-get", "useradd")
"""Steps of an image's own system, which a test must not do to this one."""
INSTALL_S = 240

pytestmark = pytest.mark.timeout(2 * INSTALL_S)


class Follower:
    """Does a stage's steps below a folder that stands for the image's root."""

    def __init__(self, root: Path) -> None:
        self.workdir = root / "app"
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(root)}
        self.environ |= {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))}
        self._root = root
        self.left_out: list[str] = []

    def moved(self, text: str) -> str:
        """Absolute paths of the image, as they are below the root."""
        for top in ("/app", "/data"):
            text = text.replace(top, f"{self._root}{top}")
        return text

    def follow(self, stage: Stage, former: Path | None) -> None:
        """COPY, ENV and RUN; what else a Dockerfile says has no effect on files."""
        self.workdir.mkdir(parents=True)
        (self._root / "data").mkdir()
        for step in stage.steps:
            if step.name == "COPY":
                self._copy(step, former)
            elif step.name == "ENV":
                pairs = (word.split("=", 1) for word in shlex.split(step.argument))
                known = self.environ["PATH"]
                self.environ |= {k: self.moved(v).replace("$PATH", known) for k, v in pairs}
            elif step.name == "RUN":
                self._run(step.argument)

    def _copy(self, step: Step, former: Path | None) -> None:
        *sources, target = step.words
        for source in sources:
            origin = ROOT / source
            if "from" in step.options:
                assert former
                origin = former / source.lstrip("/")
            into = self.workdir / target
            if origin.is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(origin, into, symlinks=True, ignore=ignore, dirs_exist_ok=True)
            else:
                shutil.copy(origin, into / origin.name if target.endswith("/") else into)

    def _run(self, command: str) -> None:
        if any(word in command for word in LEFT_OUT):
            self.left_out.append(command)
            return
        # pip may use its cache and need not compile: that saves minutes, and changes nothing that is tested.
        command = (
            self.moved(command).replace("--no-cache-dir ", "").replace("python ", f"{sys.executable} ", 1)
        )
        environ = self.environ | {"HOME": str(Path.home()), "PIP_NO_COMPILE": "1"}
        done = subprocess.run(
            command,
            shell=True,
            check=False,
            cwd=self.workdir,
            env=environ,
            capture_output=True,
            text=True,
            timeout=INSTALL_S,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr[-3000:]}"


@contextmanager
def started(
    follower: Follower, command: list[str], environ: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The image's CMD, with an interpreter of its own environment."""
    python = str(follower.workdir / ".venv/bin/python")
    with (follower.workdir / "log.jsonl").open("wb") as log:
        process = subprocess.Popen(
            leashed([python, *command[1:]]),
            cwd=follower.workdir,
            env=follower.environ | environ,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("service", ["edge", "origin", "brain"])
async def test_an_images_steps_lead_to_a_service_that_answers_for_its_health(
    service: str, tmp_path: Path, nats: str, valkey: str, capsys: pytest.CaptureFixture[str]
) -> None:
    build, final = parse(ROOT / f"docker/{service}.Dockerfile")
    first, image = Follower(tmp_path / "build"), Follower(tmp_path / "image")
    await asyncio.to_thread(first.follow, build, None)
    await asyncio.to_thread(image.follow, final, tmp_path / "build")
    listen = {f"HEADSTART_{service.upper()}_LISTEN": "127.0.0.1:0"}
    wire = {"HEADSTART_NATS_URL": nats, "HEADSTART_REDIS_URL": valkey, "HEADSTART_MEDIA_URL": ""}
    url_file = tmp_path / "image/data" / f"{service}.url"
    (check,), (command,) = final.of("HEALTHCHECK"), final.of("CMD")
    default = f"http://127.0.0.1:{final.of('EXPOSE')[0].argument}"
    with started(image, command.words, wire | listen) as process:

        def is_ready() -> bool:
            assert process.poll() is None, (image.workdir / "log.jsonl").read_text()
            return url_file.exists() and bool(url_file.read_text().strip())

        await eventually(is_ready, within_s=30)
        probe = [word.replace(default, url_file.read_text().strip()) for word in check.words]
        probe[0] = str(image.workdir / ".venv/bin/python")
        done = await asyncio.create_subprocess_exec(*probe, stderr=subprocess.PIPE)
        assert await done.wait() == 0, await done.stderr.read() if done.stderr else ""
    assert process.returncode == 0
    present = {path.name for path in image.workdir.iterdir() if path.is_dir()}
    assert present == {".venv", "shared", service}
    with capsys.disabled():
        skipped = f"{len(first.left_out) + len(image.left_out)} system steps left out"
        print(f"\n{service}: Dockerfile followed, {skipped}; the image itself was not built")
