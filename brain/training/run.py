"""`python -m brain train`: event log -> LightFM -> snapshot -> announcement.

Reads the whole log through the bus, so that it needs no shared disk with the brains but the models' folder.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from brain.catalogue import Catalogue
from brain.config import BrainConfig, TrainLimits
from brain.errors import NothingToLearn
from brain.items import Item, ItemTable
from brain.training import snapshot
from brain.training.dataset import EventLog, Interaction, split_by_time
from brain.training.evaluate import Quality
from brain.training.fit import compare, fit
from shared import subjects
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.messages.events import EventBatch
from shared.messages.vectors import ModelAnnouncement

CONNECT_S = 10.0
MIN_INTERACTIONS = 50
K = 10
DAY_MS = 86_400_000.0


@dataclass(frozen=True)
class Lesson:
    """What is learnt from: interactions on videos that live, by rows of `items`."""

    interactions: list[Interaction]
    users: list[str]
    items: list[Item]


def lesson(log: EventLog, table: ItemTable) -> Lesson:
    """The log's interactions on the catalogue's videos; what was withdrawn is not learnt."""
    items = [table.items[row] for row in sorted(table.row_of.values())]
    place = {item.id: number for number, item in enumerate(items)}
    kept = [
        one._replace(item=place[video])
        for one in log.interactions()
        if (video := log.videos.names[one.item]) in place
    ]
    return Lesson(kept, log.users.names, items)


async def train(config: BrainConfig, *, from_start: bool, console: Console) -> snapshot.Manifest:
    """Train on the event log and publish the model. Raises Unavailable, NothingToLearn."""
    bus = await Bus.connect(config.nats_url, "brain-train")
    try:
        await connected(bus)
        with _progress(console) as progress:
            table = await _catalogue(bus, config)
            log = await _events(bus, config.train, progress, from_start=from_start)
            manifest = await asyncio.to_thread(learn, lesson(log, table), config, console, _stages(progress))
        await _announce(bus, manifest, console)
        return manifest
    finally:
        await bus.close()


Stages = Callable[[str, int], Callable[[], None]]
"""Name and number of steps of a stage -> what to call after each step."""


def learn(lesson: Lesson, config: BrainConfig, console: Console, stages: Stages) -> snapshot.Manifest:
    """Fit on the earlier part, compare on the later one, fit on all, write the snapshot."""
    limits = config.train
    if len(lesson.interactions) < MIN_INTERACTIONS or not lesson.items:
        raise NothingToLearn(
            f"{len(lesson.interactions)} interactions with {len(lesson.items)} videos; at least "
            f"{MIN_INTERACTIONS} are needed",
            limit=MIN_INTERACTIONS,
            actual=len(lesson.interactions),
        )
    split = split_by_time(lesson.interactions, limits.test_share)
    trial = fit(split.train, lesson.users, lesson.items, limits, stages("evaluation", limits.epochs))
    quality = compare(trial, split.train, split.test, lesson.items, K)
    console.print(_table(quality, len(split.train), len(split.test)))
    factors = fit(lesson.interactions, lesson.users, lesson.items, limits, stages("model", limits.epochs))
    folder = config.data_dir / "models"
    told = {f"{name}_recall": one.recall for name, one in quality.items()}
    told |= {f"{name}_ndcg": one.ndcg for name, one in quality.items()}
    manifest = snapshot.write(folder, factors, SystemClock().wall_ms(), len(lesson.interactions), told)
    snapshot.prune(folder, config.models.keep_on_disk)
    return manifest


def _table(quality: dict[str, Quality], n_train: int, n_test: int) -> Table:
    table = Table(title=f"{n_train} interactions to learn from, {n_test} later ones held out")
    for heading in ("recommender", f"recall@{K}", f"NDCG@{K}", "coverage", "viewers"):
        table.add_column(heading, justify="left" if heading == "recommender" else "right")
    for name, one in quality.items():
        table.add_row(name, f"{one.recall:.3f}", f"{one.ndcg:.3f}", f"{one.coverage:.2f}", str(one.n_users))
    return table


async def connected(bus: Bus, within_s: float = CONNECT_S) -> None:
    """Wait for the bus; raises Unavailable when it is not there in time."""
    try:
        async with asyncio.timeout(within_s):
            while not bus.is_connected:  # noqa: ASYNC110 - the bus tells reconnects, not the first connection
                await asyncio.sleep(0.05)
    except TimeoutError as exc:
        raise Unavailable(f"no NATS within {within_s} s") from exc


async def _catalogue(bus: Bus, config: BrainConfig) -> ItemTable:
    async with aiohttp.ClientSession() as http:
        catalogue = Catalogue(ItemTable(), bus, http, config.origin_url, config.reconcile_s)
        has_replayed = await catalogue.replay()
        has_reconciled = await catalogue.reconcile()
        if not has_replayed and not has_reconciled:
            raise Unavailable("neither the CATALOG stream nor the origin answers")
        return catalogue.table


async def _events(bus: Bus, limits: TrainLimits, progress: Progress, *, from_start: bool) -> EventLog:
    now_ms = SystemClock().wall_ms()
    oldest_ms = 0 if from_start else int(now_ms - limits.window_days * DAY_MS)
    log = EventLog(limits.max_interactions, oldest_ms)
    task = progress.add_task("events", total=None)
    async for _, batch in bus.replay(subjects.EVENTS, EventBatch):
        log.add(batch.events)
        progress.update(task, completed=log.n_events)
    progress.update(task, total=log.n_events)
    return log


async def _announce(bus: Bus, manifest: snapshot.Manifest, console: Console) -> None:
    message = ModelAnnouncement(
        model=manifest.revision,
        dim=manifest.dim,
        n_items=manifest.n_items,
        n_users=manifest.n_users,
        trained_at_ms=manifest.trained_at_ms,
    )
    try:
        await bus.publish(subjects.MODEL_TRAINED, message)
        console.print(f"{manifest.revision} is trained and announced")
    except Unavailable:
        console.print(f"{manifest.revision} is trained; the brains will find it in their folder")


def _progress(console: Console) -> Progress:
    columns: Sequence[SpinnerColumn | TextColumn | BarColumn | MofNCompleteColumn | TimeElapsedColumn] = (
        SpinnerColumn(),
        TextColumn("{task.description:10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


def _stages(progress: Progress) -> Stages:
    def stage(name: str, n_steps: int) -> Callable[[], None]:
        task = progress.add_task(name, total=n_steps)
        return lambda: progress.advance(task)

    return stage
