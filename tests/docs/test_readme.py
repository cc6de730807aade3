"""What the READMEs say is so: links lead somewhere, make targets exist, the commands of README.md run."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from shared.leash import leashed
from tests import viewer
from tests.clips import ffmpeg, make_clip
from tests.conftest import NEEDS
from tests.stack import ROOT, Stack, running
from tests.waiting import eventually

README = (ROOT / "README.md").read_text("utf-8")
LOCAL = {".git", ".venv", "data", "node_modules", "bench-results"}
PAGES = [page for page in ROOT.rglob("*.md") if not LOCAL & set(page.relative_to(ROOT).parts)]


def commands(text: str) -> list[str]:
    """The lines of every `sh` block, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+# .*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_pages_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def anchors(page: Path) -> set[str]:
    """Of its headings, as they are linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_pages_links_lead_to_headings(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", page.read_text("utf-8"))
    assert [link for file, link in links if link not in anchors(page.parent / file if file else page)] == []


def test_the_edges_contents_name_every_section() -> None:
    page = ROOT / "edge" / "README.md"
    listed = re.findall(r"\]\(#([^)]+)\)", page.read_text("utf-8"))
    assert len(listed) == len(set(listed)) and set(listed) == anchors(page) - {"edge"}


def test_every_folder_that_the_readme_names_exists() -> None:
    folders = re.findall(r"^\| `(\w+/)` \|", README, flags=re.MULTILINE)
    assert {"edge/", "origin/", "brain/", "shared/", "configs/", "docker/", "tests/"} == set(folders)
    assert all((ROOT / folder).is_dir() for folder in folders)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text("utf-8"), flags=re.MULTILINE)
    assert set(named) <= targets


def test_every_target_of_the_makefile_says_what_it_is_for() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE)[0].split())
    assert phony == set(re.findall(r"^([a-z-]+):.*## ", text, flags=re.MULTILINE))


def test_the_changelog_names_an_issue_in_every_line() -> None:
    entries = re.findall(r"^- (.*(?:\n  .*)*)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert entries
    assert all(re.search(r"\(#\d+\)\.$", entry) for entry in entries)


async def shell(command: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_shell(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, f"{command}\n{errors.decode()[-2000:]}"
    return output.decode()


@pytest.mark.timeout(180)
@pytest.mark.skipif(shutil.which("curl") is None, reason=NEEDS["curl"])
async def test_the_commands_for_ones_own_video_work_as_written(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4", seconds=2, width=180, height=320)
    upload, ask, play = [c for c in commands(README) if c.startswith(("curl", "ffplay"))]
    with running(tmp_path / "data") as stack:
        created = json.loads(await shell(moved(upload, stack), tmp_path))
        ask, play = (moved(command, stack).replace("<id>", created["id"]) for command in (ask, play))

        async def is_complete() -> bool:
            return bool(json.loads(await shell(ask, tmp_path))["status"] == "complete")

        await eventually(is_complete, within_s=60)
        decode = play.replace("ffplay", f"{shlex.quote(ffmpeg())} -v error -xerror -i") + " -f null -"
        await shell(decode, tmp_path)
        async with aiohttp.ClientSession() as http:
            assert await viewer.status(http, stack.origin, created["id"]) == "complete"


def moved(command: str, stack: Stack) -> str:
    """A command with the default addresses replaced by the stack's."""
    return command.replace("http://127.0.0.1:8081", stack.origin).replace("http://127.0.0.1:8080", stack.edge)


async def test_the_command_for_an_edge_alone_works_as_written(tmp_path: Path, free_port: int) -> None:
    (line,) = [c for c in commands(README) if "-m edge" in c]
    words = shlex.split(line.replace("127.0.0.1:8080", f"127.0.0.1:{free_port}"))
    assert words[0] == ".venv/bin/python"
    with (tmp_path / "log.jsonl").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *leashed([sys.executable, *words[1:]]), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stderr=log
        )

    async def answers() -> bool:
        assert process.returncode is None, (tmp_path / "log.jsonl").read_text()
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{free_port}/x") as answer,
            ):
                return answer.status in (502, 503, 504)
        except aiohttp.ClientConnectionError:
            return False

    await eventually(answers, within_s=20)
    process.terminate()
    assert await process.wait() == 0
