"""Requests that go in jobs: gathered, noted before they are sent, looked after until they are answered, and met again
after a death, so that nothing is paid for twice.

The notes of a job called `1764400000-9f86d081` are an empty file for each of its requests, with the request's digest as
its ending, which are there before the job is sent; and `1764400000-9f86d081.job`, with the endpoint's name for it. The
note of a request goes when its answer is in the ledger. Whoever finds requests without the endpoint's name asks the
endpoint whether it has a job called so.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from actor18m.models.asked_roles import BatchJobs, Edited, JobEnded, NoAnswer, Written
from actor18m.models.endpoint import EndpointError
from actor18m.waiting import Notes

_NOTE = re.compile(r"(\d+-[0-9a-f]+)\.([0-9a-f]+|job)")
_JOB = "job"
_FORGET_DAYS = 30
"""No endpoint keeps answers for so long: what was noted before and never asked again is not."""
_TOO_SLOW, _TOO_OFTEN = 408, 429
_log = logging.getLogger(__name__)

Answered = Edited | NoAnswer | Exception


@dataclass(eq=False)
class _Job:
    called: str
    digests: set[str]
    """Of its requests whose answers are not in the ledger."""
    name: str | None = None
    """The endpoint's; None while it is not known whether there is such a job."""
    following: "asyncio.Task[None] | None" = None
    answers: dict[str, Answered] = field(default_factory=dict)


class Batched:
    """Of one stage in one process. All is asked in one event loop."""

    def __init__(self, jobs: BatchJobs, notes: Notes, before: "Batched | None" = None) -> None:
        """`before` asked in another loop, and may have fetched answers that are wanted here."""
        self._jobs, self._notes = jobs, notes
        self._fetched = {} if before is None else {job.called: job.answers for job in before._of.values()}
        self._of: dict[str, _Job] = {}
        """By digest, the job in which it was sent."""
        self._digests: dict[str, str] = {}
        """By clip or image."""
        self._gathered: dict[str, Written] = {}
        self._has_more = asyncio.Event()
        self._gathering: asyncio.Task[None] | None = None
        self._sent: dict[str, asyncio.Future[_Job]] = {}
        """By digest, what waits to be sent."""
        self._recalling: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()

    async def ask(self, unit: str, request: Written) -> Edited | NoAnswer:
        """What the endpoint answers to the request for this clip or image, in whichever job."""
        if self._recalling is None:
            self._recalling = asyncio.create_task(self._recall())
        await asyncio.shield(self._recalling)
        self._digests[unit] = request.digest
        job = await self._sent_before(request.digest)
        if job is None:
            job = await asyncio.shield(self._in_the_next(request))
        if request.digest not in job.answers:
            if job.following is None or job.following.done():
                job.following = asyncio.create_task(self._follow(job))
            await asyncio.shield(job.following)
        answer = job.answers[request.digest]
        if isinstance(answer, Exception):  # it may be asked again, and then in another job
            await asyncio.to_thread(self._forget, job, [request.digest])
            raise answer
        return answer

    def kept(self, units: Iterable[str]) -> None:
        """Their answers are in the ledger."""
        for unit in units:
            if (digest := self._digests.pop(unit, None)) is not None and (job := self._of.get(digest)) is not None:
                self._forget(job, [digest])

    async def _recall(self) -> None:
        """Jobs that were sent before this process lived, and are not done with."""
        noted, names = await asyncio.to_thread(self._noted)
        for called, digests in noted.items():
            job = _Job(called, digests, names.get(called), answers=self._fetched.get(called, {}))
            self._of |= dict.fromkeys(digests, job)
        if noted:
            _log.info("%d requests of %d jobs were sent before and are met again", len(self._of), len(noted))

    def _noted(self) -> tuple[dict[str, set[str]], dict[str, str]]:
        noted: dict[str, set[str]] = {}
        with_name = set[str]()
        for called, what in (match.groups() for match in map(_NOTE.fullmatch, self._notes.names()) if match):
            if int(called.partition("-")[0]) < time.time() - _FORGET_DAYS * 86400:
                self._notes.forget(f"{called}.{what}")
            elif what == _JOB:
                with_name.add(called)
            else:
                noted.setdefault(called, set()).add(what)
        for called in with_name - noted.keys():
            self._notes.forget(f"{called}.{_JOB}")
        return noted, {called: self._notes.read(f"{called}.{_JOB}").decode() for called in with_name & noted.keys()}

    async def _sent_before(self, digest: str) -> _Job | None:
        """In which job. One whose sending nobody saw succeed may have come about all the same."""
        async with self._looking:
            job = self._of.get(digest)
            if job is None or digest in self._sent:
                return None
            if job.name is not None:
                return job
            if (name := await self._jobs.find(job.called)) is None:
                await asyncio.to_thread(self._forget, job, list(job.digests))
                return None
            await self._is_called(job, name)
            return job

    def _in_the_next(self, request: Written) -> asyncio.Future[_Job]:
        """Which job that will be is known when it was sent."""
        if request.digest not in self._sent:
            self._sent[request.digest] = asyncio.get_running_loop().create_future()
            self._gathered[request.digest] = request
            self._has_more.set()
            if self._gathering is None or self._gathering.done():
                self._gathering = asyncio.create_task(self._gather())
        return self._sent[request.digest]

    async def _gather(self) -> None:
        """Sends what there is once nothing more comes for a while, or there is enough for a job."""
        while self._gathered:
            self._has_more.clear()
            if len(self._gathered) < self._jobs.most:
                try:
                    await asyncio.wait_for(self._has_more.wait(), self._jobs.gather_s)
                    continue
                except TimeoutError:
                    pass
            some = dict(list(self._gathered.items())[: self._jobs.most])
            for digest in some:
                del self._gathered[digest]
            await self._send(some)

    async def _send(self, requests: Mapping[str, Written]) -> None:
        job = _Job(f"{int(time.time())}-{uuid.uuid4().hex[:12]}", set(requests))
        failed: Exception | None = None
        try:
            await asyncio.to_thread(self._note, job)
            self._of |= dict.fromkeys(requests, job)
            await self._is_called(job, await self._jobs.begin(job.called, requests))
        except Exception as error:
            failed = error
            if _was_refused(error):
                await asyncio.to_thread(self._forget, job, list(requests))
        for future in [self._sent.pop(digest) for digest in requests]:
            if failed is None:
                future.set_result(job)
            else:
                future.set_exception(failed)
                future.exception()  # whoever waited may have gone

    async def _is_called(self, job: _Job, name: str) -> None:
        await asyncio.to_thread(self._notes.write, f"{job.called}.{_JOB}", name.encode())
        job.name = name

    async def _follow(self, job: _Job) -> None:
        """Until it has ended. What is in the way of looking is no matter of the job's."""
        assert job.name is not None
        wanted = set(job.digests)
        while True:
            try:
                answers = await self._jobs.answers(job.name)
            except JobEnded as error:
                job.answers = dict.fromkeys(wanted, error.cause)
                return
            except Exception as error:
                if _was_refused(error) and getattr(error, "status", None) != _TOO_OFTEN:
                    raise
                _log.warning("nobody tells how the job %s goes on: %s", job.name, error)
            else:
                if answers is not None:
                    lacks = EndpointError(f"the job {job.name} ended without an answer to it", 502, {})
                    job.answers = {digest: answers.get(digest, lacks) for digest in wanted}
                    return
            await asyncio.sleep(self._jobs.look_every_s)

    def _note(self, job: _Job) -> None:
        for digest in sorted(job.digests):
            self._notes.write(f"{job.called}.{digest}", b"")

    def _forget(self, job: _Job, digests: list[str]) -> None:
        for digest in digests:
            self._notes.forget(f"{job.called}.{digest}")
            job.digests.discard(digest)
            job.answers.pop(digest, None)
            if self._of.get(digest) is job:
                del self._of[digest]
        if not job.digests:
            self._notes.forget(f"{job.called}.{_JOB}")


def _was_refused(error: Exception) -> bool:
    """The endpoint had it, and did nothing of it."""
    status = error.status if isinstance(error, EndpointError) else None
    return status is not None and 400 <= status < 500 and status != _TOO_SLOW
