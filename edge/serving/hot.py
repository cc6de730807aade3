"""Answers that are ready to be sent: what the fast path finds by a request's bytes.

Filled with what the ordinary path has just sent for a fresh, plain hit in RAM; emptied when the entry leaves
RAM, is replaced or purged, when its URL gets variants, and at the end of its freshness. Hits are counted in
plain integers and folded into metrics and eviction before anybody reads those: a scrape, an admission.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.cache import metrics
from edge.cache.freshness import NO_RULES, Verdict, judge
from edge.cache.memory import Hot, MemoryTier
from edge.serving.answers import JOINED_BYTES, HotAnswer, Sent, part_of, request_line, status_of
from edge.serving.guard import RequestLimits
from edge.serving.headblock import WHOLE, Asked
from edge.serving.headblock import judge as judge_block
from edge.serving.memfile import MemFile, allowed_files, file_of
from edge.serving.misses import Misses
from edge.serving.wirehead import render, template
from shared.clock import Clock, call_later, wall_ns
from shared.config import setting
from shared.metrics import before_scrape

MS = 1_000_000
"""Nanoseconds."""
SUFFIX_BYTES = 1024
"""Of a header block that a connection is known by; each may hold another."""
N_PARTS = 8
"""Ranges and entity tags of one object that have a prepared answer."""

CLIENT_DATA = b"\r\ncmcd-"
"""Fields that differ from request to request (CTA-5004): judged each time, they would push the others out."""

_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*")


@dataclass(frozen=True)
class HotLimits:
    """What the fast path may hold."""

    is_on: bool = setting(True, "answer plain hits in RAM before the HTTP parser")
    n_objects: int = setting(65_536, "objects with prepared answers", low=1, high=10_000_000)
    n_blocks: int = setting(4096, "header blocks known to be harmless, 4 KiB at most each", low=1)
    sendfile_bytes: int = setting(
        32 * 1024, "a larger body is sent from a file in memory", unit="bytes", low=JOINED_BYTES
    )
    n_files: int = setting(2048, "such files; two descriptors each", low=0, high=1_000_000)


class HotTable:
    """Prepared answers by request line, and by range. Every one belongs to an entry that RAM holds."""

    def __init__(self, memory: MemoryTier, clock: Clock, limits: HotLimits) -> None:
        self.whole: dict[bytes, HotAnswer] = {}
        self.current: dict[bytes, HotAnswer] = {}
        """Those of `whole` that are asked for often, while their head is good: a timer takes them out."""
        self.parts: dict[bytes, dict[Asked, HotAnswer]] = {}
        self.blocks: dict[bytes, Asked] = {}
        self.suffixes: dict[bytes, bytes] = {}
        """What stands after the request line, by the block in it: of short blocks that ask for the whole."""
        self.dirty: list[HotAnswer] = []
        """Answers with hits that are not folded yet."""
        self.misses: Misses | None = None
        """Answers what is asked for the first time."""
        self.now_ns: Callable[[], int] = wall_ns(clock)
        self._call_later = call_later(clock)
        self._memory = memory
        self._limits = limits
        self._n_files = allowed_files(limits.n_files) if limits.is_on else 0
        self._hits = metrics.REQUESTS.labels("memory", "hit")
        self._bytes = metrics.BODY_BYTES.labels("memory")
        self.restrict(RequestLimits())
        memory.watch(self.gone, self.fold)
        before_scrape(self.fold)

    def restrict(self, limits: RequestLimits) -> None:
        """Leave to the ordinary path whatever it refuses."""
        self._max_block_bytes = min(limits.head_bytes, limits.field_bytes)
        self._max_fields = limits.n_fields
        self._forget_blocks()

    def span(self, block: bytes) -> Asked | None:
        """What a header block asks for, judged once; None: not for the fast path."""
        known = self.blocks.get(block)
        if known is not None:
            return known
        if len(block) > self._max_block_bytes or block.count(b"\r\n") > self._max_fields:
            return None
        judged = judge_block(block)
        if judged is not None and CLIENT_DATA not in block.lower():
            if len(self.blocks) >= self._limits.n_blocks:
                self._forget_blocks()
            self.blocks[block] = judged
            if judged is WHOLE and len(block) <= SUFFIX_BYTES:
                self.suffixes[block] = b"\r\n" + block
        return judged

    def _forget_blocks(self) -> None:
        self.blocks.clear()
        self.suffixes.clear()

    def find(self, line: bytes, block: bytes) -> HotAnswer | None:
        """The prepared answer to a request: for the whole, a range, or a tag that is held."""
        span = self.span(block)
        if span is None or span == WHOLE:
            return None if span is None else self.whole.get(line)
        parts = self.parts.get(line)
        return None if parts is None else parts.get(span)

    def gone(self, key: str) -> None:
        """Forget everything about a storage key."""
        line = request_line(key)
        self.whole.pop(line, None)
        self.current.pop(line, None)
        self.parts.pop(line, None)

    def renew(self, answer: HotAnswer, now_ns: int) -> bool:
        """Tell the age and date of now; False: the answer is no longer fresh, and is forgotten."""
        meta, now_ms = answer.hot.entry.meta, now_ns // MS
        age_s = meta.age_s(now_ms)
        if judge(meta.policy, age_s, NO_RULES) is not Verdict.FRESH:
            self.gone(str(meta.key))
            return False
        began_ms = meta.times.response_ms - meta.initial_age_s * 1000
        until_ms = min(
            int(began_ms + (int(age_s) + 1) * 1000),
            int(began_ms + meta.policy.lifetime_s * 1000),
            (now_ms // 1000 + 1) * 1000,
        )
        answer.from_ns, answer.until_ns = now_ms * MS, until_ms * MS
        answer.head = render(answer.template, int(age_s), now_ms // 1000)
        if answer.is_joined:
            answer.head += answer.hot.entry.body[answer.start : answer.start + answer.size]
        return True

    def keep_current(self, answer: HotAnswer, now_ns: int) -> None:
        """Answer without a look at the clock until the head is no longer good, to a turn of the loop."""
        if self._call_later is not None and self.current.get(answer.line) is not answer:
            self.current[answer.line] = answer
            self._call_later((answer.until_ns - now_ns) / 1e9, self._lapse, answer)

    def _lapse(self, answer: HotAnswer) -> None:
        if self.current.get(answer.line) is answer:
            del self.current[answer.line]

    def fold(self) -> None:
        """Tell metrics and eviction of the hits so far."""
        if not self.dirty:
            return
        dirty, self.dirty = self.dirty, []
        for answer in dirty:
            n_hits, answer.n_hits = answer.n_hits, 0
            self._hits.inc(n_hits)
            self._bytes.inc(n_hits * answer.size)
            self._memory.touch(str(answer.hot.entry.key), n_hits)

    def turn_off(self) -> None:
        """Answer nothing any more."""
        self._limits, self.misses = replace(self._limits, is_on=False), None
        self.clear()

    def publish(self, target: str, span: Asked, hot: Hot, sent: Sent) -> bool:
        """Prepare what was `sent` for `target` as the answer to that request; False: it is not fit for it."""
        if not self._limits.is_on:
            return False
        meta = hot.entry.meta
        part = part_of(sent, len(hot.entry.body))
        if meta.vary or target != meta.primary or _TARGET.fullmatch(target) is None or part is None:
            return False
        if sent.status != status_of(span) or self._memory.peek(str(meta.key)) is not hot:
            return False
        head = template(
            f"HTTP/1.1 {sent.status} {sent.reason}", sent.fields, moves_date="Date" not in hot.entry.headers
        )
        if head is None:
            return False
        answer = HotAnswer(request_line(target), hot, head, part)
        self._place(answer)
        if not self.renew(answer, self.now_ns()):
            return False
        self._keep(answer, span)
        hot.is_offered = True
        return True

    def _keep(self, answer: HotAnswer, span: Asked) -> None:
        if len(self.whole) + len(self.parts) >= self._limits.n_objects:
            self.clear()
        if span == WHOLE:
            self.whole[answer.line] = answer
            self.current.pop(answer.line, None)
            return
        parts = self.parts.setdefault(answer.line, {})
        if len(parts) >= N_PARTS:
            del parts[next(iter(parts))]
        parts[span] = answer

    def clear(self) -> None:
        """Forget all answers; those that are asked for come back."""
        self.fold()
        self.whole.clear()
        self.current.clear()
        self.parts.clear()

    def _place(self, answer: HotAnswer) -> None:
        """Where the body is sent from: joined to the head, a buffer, or a file."""
        if answer.is_joined:
            return
        if answer.size > self._limits.sendfile_bytes:
            answer.file = self._file(answer)
        if answer.file is None:
            answer.body = memoryview(answer.hot.entry.body)[answer.start : answer.start + answer.size]

    def _file(self, answer: HotAnswer) -> MemFile | None:
        """The file of the answer's object; its entry's body becomes a view of that, so RAM holds it once."""
        hot = answer.hot
        file = file_of(hot.entry.body)
        if file is None:
            if MemFile.n_open >= self._n_files:
                return None
            try:
                file = MemFile(hot.entry.body)
            except OSError:
                return None  # no descriptor or no memory for it: the transport sends it
            hot.entry = replace(hot.entry, body=memoryview(file))
        return file
