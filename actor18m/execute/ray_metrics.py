"""Ray's metrics of a build, by stage, for its dashboard and for Prometheus: clips measured, failed and pending."""

from ray.util.metrics import Counter, Gauge

from actor18m.execute.tally import Watcher

_BY = ("stage",)


class Metered:
    """Tells them what a watcher is told, and the watcher, too."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._left: dict[str, int] = {}
        self._pending = Gauge("actor18m_clips_pending", "Clips that a stage has still to measure.", _BY)
        self._measured = Counter("actor18m_clips_measured", "Clips that a stage measured; their rate is its pace.", _BY)
        self._failed = Counter("actor18m_clips_failed", "Clips that failed in a stage, or were quarantined.", _BY)

    def expect(self, stage: str, more: int) -> None:
        self._watcher.expect(stage, more)
        self._move(stage, more)

    def started(self, stage: str, n: int) -> None:
        self._watcher.started(stage, n)

    def moved(self, stage: str, n: int) -> None:
        self._watcher.moved(stage, n)

    def returned(self, stage: str, n: int) -> None:
        self._watcher.returned(stage, n)

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
        how = {"ok": ok, "rejected": rejected, "failed": failed, "quarantined": quarantined}
        self._watcher.ended(stage, **how, unavailable=unavailable)
        by = {"stage": stage}
        if ok + rejected:
            self._measured.inc(ok + rejected, by)
        if failed + quarantined:
            self._failed.inc(failed + quarantined, by)
        self._move(stage, -(sum(how.values()) + unavailable))

    def note(self, text: str) -> None:
        self._watcher.note(text)

    def _move(self, stage: str, by: int) -> None:
        self._left[stage] = max(self._left.get(stage, 0) + by, 0)
        self._pending.set(self._left[stage], {"stage": stage})
