"""Ways in which a folder of the disk tier comes to harm: flipped bytes, torn, zeroed and lost files."""

import random
from pathlib import Path

PAGE_BYTES = 4096


def objects(folder: Path) -> list[Path]:
    """The files of the stored objects, by number."""
    return sorted(folder.rglob("*.obj"))


def journal(folder: Path) -> Path:
    """The index."""
    (path,) = folder.rglob("index.journal")
    return path


def flip(path: Path, place: int, rng: random.Random) -> None:
    """Change one byte into another one."""
    data = bytearray(path.read_bytes())
    data[place] ^= rng.randrange(1, 256)
    path.write_bytes(data)


def tear(path: Path, rng: random.Random) -> None:
    """Only the beginning reached the medium."""
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def zero_page(path: Path, rng: random.Random) -> None:
    """The length reached the medium, one page of the content did not."""
    data = path.read_bytes()
    start = rng.randrange(0, len(data), PAGE_BYTES)
    path.write_bytes(data[:start] + bytes(len(data[start : start + PAGE_BYTES])) + data[start + PAGE_BYTES :])


def lose(path: Path, rng: random.Random) -> None:
    """The rename did not reach the medium: the file has its temporary name, or none."""
    if rng.random() < 0.5:
        path.unlink()
        return
    (tier,) = (parent for parent in path.parents if parent.name == "objects")
    path.rename(tier.parent / "tmp" / f"{rng.getrandbits(40):x}.tmp")


def swap(path: Path, rng: random.Random) -> None:
    """Directory blocks were mixed up: another object has this name now."""
    other = rng.choice(objects(path.parents[1]))
    content = other.read_bytes()
    other.write_bytes(path.read_bytes())
    path.write_bytes(content)


HARMS = (tear, zero_page, lose, swap)
