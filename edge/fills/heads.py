"""What the head of an origin's answer means here: completed, judged, and what is kept of it."""

from multidict import CIMultiDictProxy

from edge.cache.admission import admit
from edge.cache.blocks import part_meta
from edge.cache.entry import Meta, judged_meta, tags_in
from edge.cache.freshness import NO_RULES, Storable, Verdict, judge, storable
from edge.cache.judgement import Judgements
from edge.cache.key import vary_names, vary_values
from edge.cache.written import Written
from edge.fills.headplan import Plan, Plans
from edge.fills.want import Arrived, Fetched, FillSettings
from edge.headers import Completion, end_to_end
from shared.clock import Clock


class Heads:
    """Judges heads by one set of rules."""

    def __init__(self, settings: FillSettings, completion: Completion, clock: Clock) -> None:
        self._clock = clock
        self._completion = completion
        self._storage = settings.limits.storage()
        self._admission = settings.limits.admission()
        self._judgements = Judgements(self._storage)
        self._plans = Plans(self._storage, completion)

    def judged(self, arrived: Arrived, filling_bytes: int) -> Fetched:
        """What an answer means while fills under way hold so many bytes. Completes its fields."""
        plain = arrived.response.plain
        plan = self._plans.of(plain) if plain is not None and arrived.want.is_plain else None
        planned = None if plan is None else self._planned(arrived, plan, filling_bytes)
        return planned or self._ordinary(arrived, filling_bytes)

    def _planned(self, arrived: Arrived, plan: Plan, filling_bytes: int) -> Fetched | None:
        """The same by a plan; None: its Date is none."""
        want, response, times, revision = arrived
        head = response.plain
        assert head is not None  # it has a plan
        age_s = plan.age_s(head, times)
        if age_s is None:
            return None
        fields, policy = Written(head.text, plan.outline), plan.judgement.policy
        tags, n_bytes = tags_in(head.tags) if head.tags else (), head.n_bytes
        meta = Meta(want.primary, (), 200, fields, times, policy, age_s, tags, n_bytes)
        verdict = admit(Storable.YES, n_bytes, filling_bytes, self._admission)
        is_shared = verdict is Storable.YES and age_s < plan.fresh_s
        return Fetched(response, (), verdict, is_shared, meta, revision, plan)

    def _ordinary(self, arrived: Arrived, filling_bytes: int) -> Fetched:
        want, response, times, revision = arrived
        headers = CIMultiDictProxy(self._completion.completed(response.headers, times.response_ms))
        is_part = response.status == 206 and want.span != ""
        status = 200 if is_part else response.status
        judgement = self._judgements.of(status, headers)
        verdict = judgement.verdict
        if not want.is_plain:  # the request has a say, too
            verdict = storable("GET", want.headers, status, headers, self._storage)
        verdict = admit(verdict, response.length, filling_bytes, self._admission)
        # What the origin did not see did not choose its answer: a client may name any field in Connection.
        names = vary_names(headers) if "Vary" in headers else ()
        vary = vary_values(names, end_to_end(want.headers)) if names else ()
        meta = judged_meta((want.primary, vary), status, headers, times, judgement)
        placed = part_meta(meta, headers, response.length) if is_part else meta
        if placed is None or (status == 416 and want.span):  # it answers this one span only
            verdict = Storable.STATUS
        is_shared = verdict is Storable.YES and self._is_fresh(meta) and not judgement.withheld
        return Fetched(response, vary, verdict, is_shared, placed or meta, revision, None, headers)

    def _is_fresh(self, meta: Meta) -> bool:
        return judge(meta.policy, meta.age_s(self._clock.wall_ms()), NO_RULES) is Verdict.FRESH
