"""The garbage collector, kept away while an index of many objects is built, and from the index later.

It would walk over all of them again and again for nothing: half as much processor time as the building
itself, and pauses of the event loop for as long as the index lives.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY_OBJECTS = 10_000


@contextmanager
def uncollected() -> Iterator[None]:
    """No collections meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def keep_out(n_objects: int) -> None:
    """What was made until now is not looked at any more, if it is worth that."""
    if n_objects >= MANY_OBJECTS:
        gc.freeze()
