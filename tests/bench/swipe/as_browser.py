"""`python -m tests.bench.swipe.as_browser`: the browser bench's viewer, clips and 3G link in the simulator.

Step by step from the simulator's player to the browser's: which of the differences costs how many bytes.
"""

from collections.abc import Callable
from random import Random

from edge.prefetch.planner import PlanRules
from edge.prefetch.situation import Decision, Link, Situation
from shared.retention import assumed
from tests.bench.swipe.figures import figures
from tests.bench.swipe.links import Trace
from tests.bench.swipe.session import Policy, Setup, run
from tests.bench.swipe.told import Told
from tests.bench.swipe.videos import Video
from tests.bench.swipe_browser.schedule import dwells
from tests.bench.swipe_browser.shelf import CLIP_S, N_REELS, shelf

SEEDS = range(6)
N_VIDEOS = 51
ROOM = 3
"""Elements of the player for what comes next."""
MBPS, RTT_S = 1.5, 0.15
MEASURED = Link(1.45e6, 0.07, 0.16)
"""What the player in the browser says of this link once it is steady."""


class Misled(Told):
    """Is told the link as the browser measures it."""

    def judge(self, now: Situation) -> Decision:
        return super().judge(now._replace(link=MEASURED))


def sessions(videos: list[Video], *, is_pipelined: bool) -> list[Setup]:
    """One for each viewer: the browser bench's dwell times, no longer than a clip."""
    found = []
    for seed in SEEDS:
        watch_s = [min(dwell, float(CLIP_S)) for dwell in dwells(len(videos), Random(seed))]
        link = Trace([(0.0, MBPS), (10.0, MBPS)])
        found.append(Setup(videos, watch_s, link, 0.0, RTT_S, is_pipelined))
    return found


def clips() -> list[Video]:
    """The chunks of the browser bench's shelf."""
    made = []
    for reel in shelf(N_REELS).values():
        rungs = reel.card.rungs
        sizes = [[rung.open_bytes, *rung.chunk_bytes[1:]] for rung in rungs]
        rates = [0.008 * sum(rung.chunk_bytes) / sum(rung.chunk_ms) for rung in rungs]
        made.append(Video(sizes, list(assumed(CLIP_S)), rates))
    return [made[number % N_REELS] for number in range(N_VIDEOS)]


def main() -> None:
    """Print a row a step."""
    videos = clips()
    fitting = PlanRules(n_videos=ROOM)
    steps: dict[str, tuple[Callable[[], Policy], bool]] = {
        "the link exactly known": (lambda: Told(fitting, ROOM), False),
        "the link as a browser measures it": (lambda: Misled(fitting, ROOM), False),
        "and no pause between requests": (lambda: Misled(fitting, ROOM), True),
        "and a plan that counts on a fourth video": (lambda: Misled(PlanRules(), ROOM), True),
    }
    for name, (policy, is_pipelined) in steps.items():
        row = figures([run(setup, policy()) for setup in sessions(videos, is_pipelined=is_pipelined)])
        told = f"{row.waste_pct} % wasted, {row.stall_pct} % stalled, {row.no_wait_pct} % without a wait"
        print(f"{name}: {told}, {row.mbit_s} Mbit/s")


if __name__ == "__main__":
    main()
