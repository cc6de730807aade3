"""The search index and its threads, which write files in its folder."""

import contextlib
from pathlib import Path

from brain.search.index import SearchIndex
from brain.search.words import parse
from tests.builders import make_card
from tests.waiting import eventually

WRITERS = ("thrd-tantivy", "merge_thread")


def n_writers() -> int:
    """Threads of this process that write an index."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append((task / "comm").read_text())
    return sum(name.startswith(WRITERS) for name in names)


async def test_nothing_writes_in_the_folder_of_an_index_that_is_closed(tmp_path: Path) -> None:
    n_before = n_writers()
    index = SearchIndex(tmp_path / "search")
    for first in range(0, 2_000, 250):
        index.apply((f"v{n}", make_card(f"v{n}", caption=f"word{n}")) for n in range(first, first + 250))
    assert n_writers() > n_before

    index.close()

    await eventually(lambda: n_writers() <= n_before)
    assert index.find(parse("word7"), 1)[0][0] == "v7"
