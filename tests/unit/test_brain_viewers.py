from dataclasses import replace

from brain.config import PipelineLimits
from brain.features.effects import effects_of
from brain.features.memory_store import MemoryFeatureStore
from brain.features.store import Profile
from brain.viewers import Viewers
from shared.errors import Unavailable
from tests.brain_builders import said
from tests.builders import make_batch


class ManualClock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return int(self.now_s * 1000)


class MoodyStore(MemoryFeatureStore):
    """A store that can be away."""

    def __init__(self) -> None:
        super().__init__(3600.0, 86_400.0)
        self.is_away = False
        self.n_reads = 0

    async def profile(self, user_id: str) -> Profile:
        self.n_reads += 1
        if self.is_away:
            raise Unavailable("away")
        return await super().profile(user_id)


def viewers(cached_profiles: int = 10) -> tuple[Viewers, MoodyStore, ManualClock]:
    store, clock = MoodyStore(), ManualClock()
    limits = replace(PipelineLimits(), cached_profiles=cached_profiles, redis_pause_s=1.0)
    return Viewers(store, limits, clock), store, clock


async def watch(store: MoodyStore, user: str) -> None:
    await store.apply(effects_of([make_batch(said(user, "v1", 1.0, category="space"))]))


async def test_a_profile_is_remembered_while_the_store_is_away() -> None:
    one, store, _ = viewers()
    await watch(store, "u1")
    await one.profile("u1")
    store.is_away = True

    assert (await one.profile("u1")).counters == {"space": 10}
    assert await one.profile("stranger") == Profile("stranger")


async def test_a_store_that_is_away_is_asked_once_a_pause() -> None:
    one, store, clock = viewers()
    store.is_away = True
    for _ in range(5):
        await one.profile("u1")
    assert store.n_reads == 1

    clock.now_s += 1.1
    for _ in range(5):
        await one.profile("u1")

    assert store.n_reads == 2


async def test_a_store_that_is_back_is_read_again() -> None:
    one, store, clock = viewers()
    store.is_away = True
    await one.profile("u1")
    store.is_away = False
    await watch(store, "u1")
    clock.now_s += 1.1

    profiles = [await one.profile("u1") for _ in range(2)]

    assert [profile.counters for profile in profiles] == [{"space": 10}] * 2


async def test_the_least_recent_profile_is_forgotten() -> None:
    one, store, _ = viewers(cached_profiles=2)
    for user in ("u1", "u2", "u3"):
        await watch(store, user)
        await one.profile(user)
    store.is_away = True

    assert (await one.profile("u1")).counters == {}
    assert (await one.profile("u3")).counters == {"space": 10}
