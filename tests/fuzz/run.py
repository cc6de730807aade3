"""`make fuzz`: mutate the corpus for FUZZ_S seconds; by coverage with FUZZ_ENGINE=atheris, if that is there.

An input that breaks an invariant ends the run, is printed and kept in `fuzz-failures/`; put it into `corpus/`
with its mending. FUZZ_SEED repeats a run.
"""

import asyncio
import hashlib
import importlib
import logging
import os
import random
import sys
import time
from pathlib import Path

from tests.fuzz.generate import generated, mutated
from tests.fuzz.harness import Broken, Harness

CORPUS = Path(__file__).parent / "corpus"
FAILURES = Path("fuzz-failures")
N_AT_ONCE = 48
TOLD_S = 30.0


def _input(rng: random.Random, corpus: list[bytes]) -> tuple[bytes, list[int]]:
    data = rng.choice(corpus) if rng.random() < 0.4 else generated(rng)
    if rng.random() < 0.2:
        data += rng.choice(corpus)
    if rng.random() < 0.8:
        data = mutated(data, rng)
    return data, [rng.randrange(len(data) + 1) for _ in range(rng.randrange(4))]


async def _mutate(seconds: float, seed: int, corpus: list[bytes]) -> int:
    rng, n_inputs, began_s = random.Random(seed), 0, time.monotonic()
    told_s = began_s
    async with Harness() as harness:
        while (now_s := time.monotonic()) - began_s < seconds:
            await harness.check_all([_input(rng, corpus) for _ in range(N_AT_ONCE)])
            n_inputs += N_AT_ONCE
            if now_s - told_s > TOLD_S:
                told_s = now_s
                print(f"{n_inputs} inputs in {now_s - began_s:.0f} s", flush=True)
    return n_inputs


def _by_coverage(seconds: float) -> None:
    atheris = importlib.import_module("atheris")
    runner = asyncio.Runner()
    harness = runner.run(Harness().__aenter__())

    def one(data: bytes) -> None:
        cuts = [1 + data[0] * 7] if data else []
        runner.run(harness.check_all([(data, cuts)]))

    options = [f"-max_total_time={int(seconds)}", "-max_len=16384", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, str(CORPUS)], one)
    atheris.Fuzz()


def main() -> int:
    """The exit status: 1 when something broke."""
    seconds, seed = float(os.environ.get("FUZZ_S", "600")), int(os.environ.get("FUZZ_SEED", "1"))
    logging.basicConfig(level=logging.CRITICAL)
    if os.environ.get("FUZZ_ENGINE") == "atheris":
        _by_coverage(seconds)
        return 0
    try:
        n_inputs = asyncio.run(
            _mutate(seconds, seed, [path.read_bytes() for path in sorted(CORPUS.iterdir())])
        )
    except Broken as exc:
        FAILURES.mkdir(exist_ok=True)
        name = FAILURES / hashlib.sha256(str(exc).encode()).hexdigest()[:12]
        name.write_text(str(exc))
        print(f"BROKEN (seed {seed}, kept in {name}): {exc}")
        return 1
    print(f"clean: {n_inputs} inputs in {seconds:.0f} s, seed {seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
