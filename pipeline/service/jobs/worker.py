"""The thread that runs jobs, one at a time, the oldest first; a lock on the folder of uploads lets only one do so.

A job that a stopped process left behind is taken up again, from its first row: its output is written whole or not at
all, and a message that was kept already is replaced by the same.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import traceback
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from pipeline.errors import NabdError, StoreError
from pipeline.service.batching import Refused
from pipeline.service.jobs import files
from pipeline.service.jobs.intake import said
from pipeline.service.jobs.run import Lost, Run
from pipeline.service.jobs.undo import undo
from pipeline.service.state import Service
from pipeline.service.store import jobs
from pipeline.service.store.tables import Job, Message

SILENT = timedelta(minutes=5)  # after which a job of a worker elsewhere is taken for abandoned
MOST_TRIES = 3  # a job that ends the process each time must not do so for ever
LOCK = ".worker"
FAULT = "a fault of Nabd; its log says where"
log = logging.getLogger(__name__)


class Worker:
    """`start` and `stop` the thread; `wake` it when a job was queued; `work` is one job in the caller's thread."""

    def __init__(self, service: Service, *, every: float = 2.0) -> None:
        assert service.store is not None  # nosec B101 # for the types: no worker without a store
        self._service, self._store, self._every = service, service.store, every
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock: int | None = None
        self._surprised = True  # jobs may have been left half done
        self._excused = ""  # the job that ended for want of the store, which is no fault of its own

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def stop(self, seconds: float = 10.0) -> None:
        """Leaves the job that runs, after the piece that it is at, to the next start."""
        self._stopped.set()
        self._woken.set()
        if self._thread:
            self._thread.join(seconds)
        self._unlock()

    def work(self) -> bool:
        """Takes the oldest job, if there is one, and runs it to its end; whether there was one.

        Raises Refused when the service stops meanwhile, StoreError when the store is not to be had.
        """
        if not self._has_lock():
            return False
        if self._surprised:
            self._recover()
            self._surprised = False
        job = self._claim()
        if job is None:
            return False
        path = files.upload(self._service.uploads, job.id)
        if path is None:
            self._fail(job, "its upload is gone; send the file again")
        elif _tries(job) > MOST_TRIES:
            self._fail(job, f"it was begun {MOST_TRIES} times and the service stopped each time; split the file")
        else:
            self._attempt(job, path)
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                if self.work():
                    continue
            except Refused:
                log.info("jobs wait: the service is stopping")
            except StoreError as error:
                self._surprised = True
                log.error("jobs wait: %s", error)
            except Exception as error:  # of a job it was caught before; the thread must live on
                self._surprised = True
                log.error("jobs wait: %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            self._woken.wait(self._every)

    def _attempt(self, job: Job, path: Path) -> None:
        log.info("job %s begins", job.id)
        try:
            Run(self._service, job, path, stops=self._stopped.is_set)()
        except Lost:
            self._void(job)
        except Refused:
            self._put_back(job)
            raise
        except StoreError:
            self._excused = job.id
            raise
        except NabdError as error:
            self._fail(job, said(error, path))
        except Exception as error:  # its message may quote a customer: the log gets its type and place alone
            log.error("job %s: %s\n%s", job.id, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            self._fail(job, FAULT)
        else:
            log.info("job %s is done", job.id)

    def _fail(self, job: Job, error: str) -> None:
        """Unless it was cancelled meanwhile."""
        with self._store.begin() as session:
            jobs.end(session, job.id, jobs.FAILED, self._service.clock(), error=error)
        self._void(job)
        log.warning("job %s failed", job.id)

    def _put_back(self, job: Job) -> None:
        """To be run again; that the service was stopped in good order is no fault of the job."""
        summary = {**job.summary, "tries": _tries(job) - 1}
        with self._store.begin() as session:
            jobs.advance(session, job.id, self._service.clock(), state=jobs.QUEUED, summary=summary)
        files.clear_output(self._service.uploads, job.id)

    def _void(self, job: Job) -> None:
        """Removes what the job wrote and kept."""
        if files.folder(self._service.uploads, job.id).is_dir():
            files.clear_output(self._service.uploads, job.id)
        undo(self._service, job)

    def _claim(self) -> Job | None:
        now = self._service.clock()
        with self._store.begin() as session:
            job = jobs.claim(session, now, silent_since=now - SILENT)
            if job is not None and job.id != self._excused:
                job.summary = {**job.summary, "tries": _tries(job) + 1}
        self._excused = ""
        return job

    def _recover(self) -> None:
        """Queues again what a process that is no more was running here; removes what ended jobs left behind, wherever
        they ran."""
        here = list(files.present(self._service.uploads))
        with self._store.begin() as session:
            for id in here:
                job = session.get(Job, id, with_for_update=True)
                if job is None or job.state == jobs.DONE:
                    continue
                files.clear_output(self._service.uploads, id)
                if job.state == jobs.RUNNING:
                    job.state = jobs.QUEUED
            void = Job.state.in_((jobs.FAILED, jobs.CANCELLED)) & Job.id.in_(select(Message.source).distinct())
            ended = session.scalars(select(Job).where(void)).all()
        for job in ended:
            undo(self._service, job)

    def _has_lock(self) -> bool:
        """Whether this process alone works on the folder; the system frees the lock of one that is killed."""
        if self._lock is None:
            self._service.uploads.mkdir(mode=files.FOLDER_MODE, parents=True, exist_ok=True)
            handle = os.open(self._service.uploads / LOCK, os.O_CREAT | os.O_RDWR, files.FILE_MODE)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                return False
            self._lock = handle
        return True

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _tries(job: Job) -> int:
    return int(job.summary.get("tries", 0))
