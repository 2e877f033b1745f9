"""Ray's metrics of a build, by stage, for its dashboard and for Prometheus: docs/clusters.md lists them."""

import threading
from collections import Counter as Counts
from collections.abc import Mapping

from ray.util.metrics import Counter, Gauge, Histogram

from actor18m.config.costs import GPU_SECONDS
from actor18m.execute.tally import Watcher

_BY = ("stage",)
_BOUNDS_S = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]


class Metered:
    """Tells them what a watcher is told, and the watcher, too. Clips stand for images where a stage has those."""

    def __init__(self, watcher: Watcher, gpus: Mapping[str, float]) -> None:
        """`gpus`: what a worker claims of them, by stage."""
        self._watcher, self._gpus = watcher, gpus
        self._counts: dict[str, Counts[str]] = {"pending": Counts(), "in_flight": Counts()}
        self._lock = threading.Lock()
        """Workers tell from threads of their own."""
        self._gauges = {
            "pending": Gauge("actor18m_clips_pending", "Clips that a stage has still to measure.", _BY),
            "in_flight": Gauge("actor18m_clips_in_flight", "Clips that are with a stage's workers.", _BY),
        }
        self._ended = {
            "measured": Counter("actor18m_clips_measured", "Clips that a stage measured: their rate is its pace.", _BY),
            "rejected": Counter("actor18m_clips_rejected", "Clips that a stage measured and its rules rejected.", _BY),
            "failed": Counter("actor18m_clips_failed", "Clips that failed in a stage.", _BY),
            "quarantined": Counter("actor18m_clips_quarantined", "Clips that killed or hung a stage's workers.", _BY),
            "unavailable": Counter("actor18m_clips_unavailable", "Images that a maker cannot make.", _BY),
        }
        self._returned = Counter("actor18m_clips_returned", "Clips that go to another worker of the stage.", _BY)
        self._lost = Counter(
            "actor18m_calls_lost", "Calls that did not come back, by what became of the worker.", (*_BY, "kind")
        )
        self._seconds = Counter("actor18m_worker_seconds", "Seconds that a stage's workers worked.", _BY)
        self._gpu_seconds = Counter("actor18m_gpu_seconds", "Seconds of a GPU that a stage's workers worked.", _BY)
        self._held = Counter("actor18m_worker_seconds_held", "Seconds that workers were there for a stage.", _BY)
        self._gpu_held = Counter("actor18m_gpu_seconds_held", "Seconds of a GPU that workers claimed for a stage.", _BY)
        self._held_told: dict[str, float] = {}
        self._spent = Counter(
            "actor18m_spent", "What a stage spent beside time: requests, tokens, dollars", (*_BY, "cost")
        )
        self._took = Histogram("actor18m_call_seconds", "How long calls took.", _BOUNDS_S, _BY)

    def expect(self, stage: str, more: int) -> None:
        self._watcher.expect(stage, more)
        self._move("pending", stage, more)

    def started(self, stage: str, n: int) -> None:
        self._watcher.started(stage, n)
        self._move("in_flight", stage, n)

    def moved(self, stage: str, n: int) -> None:
        self._watcher.moved(stage, n)

    def returned(self, stage: str, n: int) -> None:
        self._watcher.returned(stage, n)
        self._move("in_flight", stage, -n)
        self._returned.inc(n, {"stage": stage})

    def ended(
        self,
        stage: str,
        *,
        ok: int = 0,
        rejected: int = 0,
        failed: int = 0,
        quarantined: int = 0,
        unavailable: int = 0,
    ) -> None:
        bad = {"rejected": rejected, "failed": failed, "quarantined": quarantined, "unavailable": unavailable}
        self._watcher.ended(stage, ok=ok, **bad)
        for name, count in {"measured": ok + rejected, **bad}.items():
            if count:
                self._ended[name].inc(count, {"stage": stage})
        for of in self._gauges:
            self._move(of, stage, -(ok + sum(bad.values())))

    def came(self, stage: str, clips: int, seconds: float, took_s: float, costs: Mapping[str, float]) -> None:
        self._watcher.came(stage, clips, seconds, took_s, costs)
        by = {"stage": stage}
        self._took.observe(took_s, by)
        if seconds > 0:
            self._seconds.inc(seconds, by)
        for cost, spent in costs.items():
            if spent <= 0:
                continue
            if cost == GPU_SECONDS:
                self._gpu_seconds.inc(spent, by)
            else:
                self._spent.inc(spent, {**by, "cost": cost})

    def lost(self, stage: str, kind: str) -> None:
        self._watcher.lost(stage, kind)
        self._lost.inc(1, {"stage": stage, "kind": kind})

    def holds(self, held: Mapping[str, float]) -> None:
        """Told as far as it grew: an actor's time may turn out to be another stage's."""
        self._watcher.holds(held)
        for stage, seconds in held.items():
            if (more := seconds - self._held_told.get(stage, 0.0)) > 0:
                self._held_told[stage] = seconds
                self._held.inc(more, {"stage": stage})
                if self._gpus.get(stage):
                    self._gpu_held.inc(more * self._gpus[stage], {"stage": stage})

    def note(self, text: str) -> None:
        self._watcher.note(text)

    def _move(self, of: str, stage: str, by: int) -> None:
        with self._lock:
            counts = self._counts[of]
            counts[stage] = max(counts[stage] + by, 0)
            self._gauges[of].set(counts[stage], {"stage": stage})
