"""What of the demo has been done already, in a file, so that an interrupted filling continues."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Journal:
    """One installation's record; every change is written as a whole."""

    path: Path
    uploaded: dict[str, str] = field(default_factory=dict)
    """Video id by caption."""
    is_done: bool = False
    """The simulated viewers have been there, and a model has been trained."""

    @classmethod
    def read(cls, path: Path) -> "Journal":
        """The journal at `path`, empty when there is none."""
        if not path.exists():
            return cls(path)
        told = json.loads(path.read_text("utf-8"))
        return cls(path, told["uploaded"], told["is_done"])

    def add(self, caption: str, video: str) -> None:
        """A clip is uploaded."""
        self.uploaded[caption] = video
        self._write()

    def close(self) -> None:
        """There is nothing left to do."""
        self.is_done = True
        self._write()

    def _write(self) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"uploaded": self.uploaded, "is_done": self.is_done}), "utf-8")
        temporary.replace(self.path)
