"""Reads a Dockerfile into stages and steps; enough of the language for ours, and loud about anything else."""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

KNOWN = {
    *("WORKDIR", "COPY", "RUN", "ENV", "VOLUME", "EXPOSE", "USER", "STOPSIGNAL", "HEALTHCHECK", "CMD"),
}


class Step(NamedTuple):
    """One instruction."""

    name: str
    argument: str

    @property
    def options(self) -> dict[str, str]:
        """Its leading `--name=value` words."""
        words = [word for word in self.argument.split() if word.startswith("--")]
        return dict(word[2:].split("=", 1) for word in words)

    @property
    def words(self) -> list[str]:
        """Its argument without options: the JSON list of an exec form, or shell words."""
        text = self.argument
        if "[" in text and text.rstrip().endswith("]"):
            listed: list[str] = json.loads(text[text.index("[") :])
            return listed
        return [word for word in shlex.split(text) if not word.startswith("--")]


@dataclass
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def of(self, name: str) -> list[Step]:
        return [step for step in self.steps if step.name == name]


def parse(path: Path) -> list[Stage]:
    """The stages of a Dockerfile. Raises ValueError for an instruction that we would not follow."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, argument = line.strip().split(maxsplit=1)
        if name == "FROM":
            base, *alias = argument.split(" AS ")
            stages.append(Stage(base, alias[0] if alias else ""))
        elif name in KNOWN:
            stages[-1].steps.append(Step(name, argument.strip()))
        else:
            raise ValueError(f"{path.name}: {name} is not followed by these tests")
    return stages
