"""Prints the part of requirements.lock that one service needs, hashes and all: `requirements.py edge`.

A service needs what pyproject.toml asks for (the shared dependencies and the extra of its name) and, by the
lock's own `# via` notes, whatever those need. Standard library only: it runs before anything is installed.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

USAGE_ERROR = 2


class Pin(NamedTuple):
    """One package of the lock."""

    text: str
    """Its lines as they stand."""
    wanted_by: frozenset[str]


def canonical(name: str) -> str:
    """A project name as the index compares it (PEP 503), without extras."""
    return re.sub(r"[-_.]+", "-", name.split("[", maxsplit=1)[0]).lower()


def roots(pyproject: str, service: str) -> set[str]:
    """Names that pyproject asks for on behalf of `service`. Raises KeyError for an unknown one."""
    project = tomllib.loads(pyproject)["project"]
    wanted = project["dependencies"] + project["optional-dependencies"][service]
    return {canonical(re.split(r"[<>=!~;\s]", line, maxsplit=1)[0]) for line in wanted}


def pins(lock: str) -> Iterator[tuple[str, Pin]]:
    """Every package of a lock that pip-compile wrote, with who asked for it."""
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]:
        wanted_by = re.findall(r"^ +# +(?:via )?([A-Za-z0-9][\w.-]*)", block, flags=re.MULTILINE)
        yield canonical(block.split("==")[0]), Pin(block, frozenset(map(canonical, wanted_by)) - {"via"})


def closure(wanted: set[str], locked: Mapping[str, Pin]) -> set[str]:
    """`wanted` and everything that it needs, directly or not. Raises KeyError for what is not locked."""
    found = {name: locked[name] for name in wanted}
    while more := {n: p for n, p in locked.items() if n not in found and p.wanted_by & found.keys()}:
        found |= more
    return set(found)


def main(arguments: list[str]) -> int:
    """Print the pins of the service that is named; files are looked for in the working directory."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return USAGE_ERROR
    locked = dict(pins(Path("requirements.lock").read_text("utf-8")))
    needed = closure(roots(Path("pyproject.toml").read_text("utf-8"), arguments[0]), locked)
    print("".join(locked[name].text for name in sorted(needed)), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
