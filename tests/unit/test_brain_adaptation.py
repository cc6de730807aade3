"""Two hundred simulated viewers: the feed follows a taste within five swipes, and leaves one as quickly."""

import asyncio

from tests.brain_builders import CATEGORIES, Viewer, world_of

N_VIEWERS = 200


async def test_five_finished_videos_of_a_category_fill_half_of_the_next_ten_and_others_still_appear() -> None:
    world = world_of(400)

    async def favourites(number: int) -> tuple[int, int]:
        favourite = CATEGORIES[number % len(CATEGORIES)]
        viewer = Viewer(world, f"viewer{number}", number)
        await viewer.watch_category(favourite, 5, completion=1.0)
        upcoming = await viewer.next(10)
        return upcoming.count(favourite), len(set(upcoming))

    outcomes = await asyncio.gather(*(favourites(number) for number in range(N_VIEWERS)))

    assert min(n_favourite for n_favourite, _ in outcomes) >= 5
    assert min(n_categories for _, n_categories in outcomes) >= 2
    assert sum(n_categories for _, n_categories in outcomes) / N_VIEWERS >= 3


async def test_a_category_that_is_skipped_recedes() -> None:
    world = world_of(400)
    counts = []
    for number in range(40):
        skipped = CATEGORIES[number % len(CATEGORIES)]
        viewer = Viewer(world, f"viewer{number}", number)
        await viewer.watch_category(skipped, 3, completion=1.0)
        before = (await viewer.next(10)).count(skipped)
        await viewer.watch_category(skipped, 5, completion=0.05)
        counts.append((before, (await viewer.next(10)).count(skipped)))

    assert sum(after for _, after in counts) <= sum(before for before, _ in counts) / 4


async def test_a_feed_without_end_never_breaks() -> None:
    viewer = Viewer(world_of(24))
    shown: list[str] = []
    for _ in range(60):
        video = (await viewer.queue()).items[0].video_id
        shown.append(video)
        await viewer.watch(video, 0.5)

    assert len(set(shown[:24])) == 24
    assert shown[24:48] == shown[:24]
