"""Reads a trace in the public CSV form, a row a request: time, object id, size, and maybe more columns.

With a header the columns are found by their usual names; without one they are the first three, or what
`columns` says (1-based, as libCacheSim counts). Separators: comma, semicolon, tab, blanks. Plain, .gz, .zst.
The file is streamed; ids of any form become numbers in the order of their first appearance.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

import zstandard

NAMES = {
    "id": {"id", "obj_id", "object_id", "objectid", "object", "obj", "key", "anonymized_key", "hash", "url"}
    | {"path", "hashed_path", "hashed_path_query", "hashed_host_path_query", "block", "block_id", "cachekey"}
    | {"cache_key", "lbn", "lba", "blocknumber", "contentid", "content_id", "video_id"},
    "size": {"size", "obj_size", "object_size", "objectsize", "size_bytes", "bytes", "length", "len"}
    | {
        "response_size",
        "value_size",
        "content_length",
        "contentlength",
        "io_size",
        "responsesize",
        "op_size",
    },
}
"""Header names in lower case, blanks and dashes as underscores."""


class Columns(NamedTuple):
    """Places of what is read, from 0."""

    id: int
    size: int


class TraceError(ValueError):
    """The file is no such trace; tells file and line."""


def columns_of(text: str) -> Columns:
    """`id=5,size=4` as columns; raises TraceError."""
    try:
        told = {name.strip(): int(place) for name, place in (part.split("=") for part in text.split(","))}
        return Columns(told["id"] - 1, told["size"] - 1)
    except (KeyError, ValueError) as exc:
        raise TraceError(f"columns are told as id=2,size=3, not {text!r}") from exc


def read(path: Path, columns: Columns | None = None) -> Iterator[tuple[int, int]]:
    """(number of the object, size in bytes) of each request. Raises TraceError at the first bad row."""
    numbers: dict[str, int] = {}
    with _opened(path) as lines:
        separator: str | None = None
        is_first = True
        for n_line, line in enumerate(lines, start=1):
            if not (text := line.strip().lstrip("\ufeff")) or (text.startswith("#") and not is_first):
                continue
            if is_first:
                is_first = False
                separator = next((sign for sign in ",;\t" if sign in text), None)
                fields = _split(text.lstrip("# "), separator)
                found = _from_header(fields)
                columns = columns or found or Columns(1, 2)
                if found or not _is_number(fields, columns):
                    if not found and not _looks_like_header(fields):
                        raise TraceError(
                            f"{path}:{n_line}: neither a header nor time, id, size: {text[:80]!r}"
                        )
                    continue
            assert columns is not None
            key, size = _row(_split(text, separator), columns, f"{path}:{n_line}")
            yield numbers.setdefault(key, len(numbers)), size
    if not numbers:
        raise TraceError(f"{path}: no request in it")


def _row(fields: list[str], columns: Columns, where: str) -> tuple[str, int]:
    if len(fields) <= max(columns):
        raise TraceError(f"{where}: {len(fields)} columns, expected at least {max(columns) + 1}")
    key, size = fields[columns.id], fields[columns.size]
    if not key:
        raise TraceError(f"{where}: the object id is empty")
    try:
        size_bytes = int(size) if size.isdigit() else int(float(size))
    except (ValueError, OverflowError) as exc:
        raise TraceError(f"{where}: the size {size!r} is not a number") from exc
    if size_bytes < 0:
        raise TraceError(f"{where}: the size {size!r} is below 0")
    return key, max(1, size_bytes)


def _from_header(fields: list[str]) -> Columns | None:
    names = [field.lower().replace(" ", "_").replace("-", "_") for field in fields]
    found: Mapping[str, list[int]] = {
        what: [place for place, name in enumerate(names) if name in known] for what, known in NAMES.items()
    }
    return Columns(found["id"][0], found["size"][0]) if found["id"] and found["size"] else None


def _is_number(fields: list[str], columns: Columns) -> bool:
    return len(fields) > columns.size and fields[columns.size].replace(".", "", 1).lstrip("-").isdigit()


def _looks_like_header(fields: list[str]) -> bool:
    return not any(character.isdigit() for character in "".join(fields))


def _split(text: str, separator: str | None) -> list[str]:
    if separator and '"' in text:  # a URL may hold the separator
        return [
            field.strip() for field in next(csv.reader([text], delimiter=separator, skipinitialspace=True))
        ]
    return [field.strip().strip("\"'") for field in text.split(separator)]


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as packed:
            yield packed
    elif path.suffix == ".zst":
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            yield io.TextIOWrapper(stream, encoding="utf-8", errors="replace")
    else:
        with path.open(encoding="utf-8", errors="replace") as plain:
            yield plain
