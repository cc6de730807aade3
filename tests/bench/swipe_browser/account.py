"""Where the bytes of a run went: seen, or why not. Pure.

A second of a video is one chunk. What was on screen is the meter's word, what was fetched is DevTools'.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MEDIA = re.compile(r"/v/(?P<video>[^/]+)/(?P<rung>[^/]+)/(?P<chunk>open|\d+)\.(?:mp4|m4s)")
BEHIND = ("1st second behind", "2nd second behind", "3rd second behind", "later seconds")
"""Seconds after the one at which the viewer left."""
NEVER, GIVEN_UP, AGAIN = "never shown", "given up", "fetched again"
PART_BYTES = 8_192
"""Of an opening no more than this is its init segment, which says how to decode and shows nothing."""
KINDS = (*BEHIND, NEVER, GIVEN_UP, AGAIN)


@dataclass
class Fetched:
    """One request for a chunk, or for a part of one."""

    video: str
    rung: str
    chunk: int
    n_bytes: int = 0
    is_whole: bool = False


def media(url: str) -> Fetched | None:
    """What a URL asks for; None: nothing that is played."""
    found = MEDIA.search(url)
    if found is None:
        return None
    chunk = found["chunk"]
    return Fetched(found["video"], found["rung"], 0 if chunk == "open" else int(chunk))


def wasted(fetched: Iterable[Fetched], last_seen: Mapping[str, int]) -> dict[str, int]:
    """Bytes by kind of waste. `last_seen`: the last second of a video that was on screen.

    Of a second that came in two rungs the one that came last counts as seen.
    """
    kept: dict[tuple[str, int], list[Fetched]] = defaultdict(list)
    found = dict.fromkeys(KINDS, 0)
    for one in fetched:
        if not one.is_whole:
            found[GIVEN_UP] += one.n_bytes
        elif one.video not in last_seen:
            found[NEVER] += one.n_bytes
        elif one.chunk > (last := last_seen[one.video]):
            found[BEHIND[min(one.chunk - last, len(BEHIND)) - 1]] += one.n_bytes
        else:
            kept[one.video, one.chunk].append(one)
    for versions in kept.values():
        whole = [one for one in versions if one.n_bytes > PART_BYTES]
        found[AGAIN] += sum(one.n_bytes for one in whole if one.rung != whole[-1].rung)
    return found
