"""Who works on which run: the queue, and the claim a worker holds on a run while it lives."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

from kdexplorer.commands import Command
from kdexplorer.events import RunFailed, RunQueued
from kdexplorer.runs.database import Full, StoreError
from kdexplorer.runs.log import append_events
from kdexplorer.runs.run import ACTIVE
from kdexplorer.runs.store import Store

BEAT_SECONDS = 1.0
STALE_SECONDS = 10.0  # only where the process itself cannot be looked at

_ACTIVE = ", ".join(f"'{status}'" for status in ACTIVE)


class Claim(NamedTuple):
    """A run and the name of the only worker that may write to it."""

    run_id: str
    worker: str


class Held(NamedTuple):
    """A claimed run as its row shows it."""

    claim: Claim
    host: str
    pid: int
    pid_started: float
    heartbeat: float
    step: int

    @property
    def alive(self) -> bool:
        """Its process is there; judged by the heartbeat where it is another machine's (or container's).

        A stopped or suspended process lives: a laptop that slept must not lose its run.
        """
        if self.host != socket.gethostname():
            return time.time() - self.heartbeat < STALE_SECONDS
        started = process_started(self.pid)
        return started is not None and abs(started - self.pid_started) < 2


def process_started(pid: int) -> float | None:
    """When the process began (unix seconds); None if it is gone or a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return None


def claim(store: Store, *, concurrent: int | None, run_id: str | None = None) -> Claim | None:
    """Take the next run of the queue (or `run_id`, out of turn) for a worker to come.

    `concurrent` is how many runs may go on at a time; None asks no such question. Returns None if nothing
    waits or the machine is busy. Two callers never get the same run.
    """
    pick = "status = 'queued' ORDER BY queued LIMIT 1"
    values: tuple[str, ...] = ()
    if run_id is not None:
        pick, values = "status = 'queued' AND id = ?", (run_id,)
    with store.database.reading() as connection:  # an idle queue takes no write lock
        if connection.execute(f"SELECT 1 FROM runs WHERE {pick}", values).fetchone() is None:
            return None
    with store.database.writing() as connection:
        active = connection.execute(f"SELECT COUNT(*) FROM runs WHERE status IN ({_ACTIVE})").fetchone()[0]
        row = connection.execute(f"SELECT id FROM runs WHERE {pick}", values).fetchone()
        if row is None or (concurrent is not None and active >= concurrent):
            return None
        claimed = Claim(row[0], secrets.token_hex(8))
        connection.execute(
            "UPDATE runs SET status = 'running', started = ?, worker = ? WHERE id = ?",
            (time.time(), claimed.worker, claimed.run_id),
        )
        # Until a worker is there, this process answers for the run.
        connection.execute(*_hold(claimed, os.getpid()))
    return claimed


def hold(store: Store, claimed: Claim, pid: int) -> None:
    """Say which process works on the run, and that it lives now."""
    with store.database.writing() as connection:
        connection.execute(*_hold(claimed, pid))


def _hold(claimed: Claim, pid: int) -> tuple[str, tuple[object, ...]]:
    return (
        "UPDATE runs SET host = ?, pid = ?, pid_started = ?, heartbeat = ? WHERE id = ? AND worker = ?",
        (socket.gethostname(), pid, process_started(pid) or 0.0, time.time(), *claimed),
    )


def held(store: Store) -> list[Held]:
    """All claimed runs."""
    with store.database.reading() as connection:
        rows = connection.execute(
            "SELECT id, worker, host, pid, pid_started, heartbeat, step FROM runs"
            f" WHERE status IN ({_ACTIVE}) ORDER BY started"
        ).fetchall()
    return [Held(Claim(row[0], row[1]), *row[2:]) for row in rows]


def break_claim(
    store: Store, claimed: Claim, reason: str, advice: str, *, status: str = "interrupted"
) -> bool:
    """End a run whose worker cannot: the log gets a `RunFailed`, the row `status`.

    Returns False if the claim is over already. On a full disk the reserved space is given up for this.
    """

    def write() -> bool:
        with store.database.writing() as connection:
            row = connection.execute(
                f"SELECT step FROM runs WHERE id = ? AND worker = ? AND status IN ({_ACTIVE})", claimed
            ).fetchone()
            if row is None:
                return False
            append_events(connection, claimed.run_id, [RunFailed(step=row[0], reason=reason, advice=advice)])
            connection.execute(
                "UPDATE runs SET status = ?, worker = '' WHERE id = ?", (status, claimed.run_id)
            )
        return True

    try:
        return write()
    except Full:
        if store.database.free_reserve():
            return write()
        raise


def requeue(store: Store, run_id: str, commands: Sequence[Command] = ()) -> None:
    """Put a run that is over at the end of the queue again, with `commands` for its worker.

    Commands that it never saw are dropped: they were meant for another moment.
    """
    with store.database.writing() as connection:
        step = connection.execute("SELECT step FROM runs WHERE id = ?", (run_id,)).fetchone()[0]
        connection.execute(
            "UPDATE commands SET state = 'dropped' WHERE run_id = ? AND state = 'pending'", (run_id,)
        )
        connection.executemany(
            "INSERT INTO commands (run_id, payload, created) VALUES (?, ?, ?)",
            [(run_id, command.model_dump_json(), time.time()) for command in commands],
        )
        append_events(connection, run_id, [RunQueued(step=step)])
        connection.execute(
            "UPDATE runs SET worker = '', queued = (SELECT MAX(queued) + 1 FROM runs) WHERE id = ?", (run_id,)
        )


def waiting(store: Store, owner: str | None = None) -> int:
    """How many runs wait; with `owner`, how many of this owner's wait or run."""
    where = "status = 'queued'" if owner is None else f"status IN ('queued', {_ACTIVE}) AND owner = ?"
    with store.database.reading() as connection:
        row = connection.execute(
            f"SELECT COUNT(*) FROM runs WHERE {where}", () if owner is None else (owner,)
        ).fetchone()
    return int(row[0])


class Heartbeat:
    """A thread that says once a second that the worker lives, while the `with` block lasts."""

    def __init__(self, store: Store, claimed: Claim) -> None:
        self._store, self._claim = store, claimed
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        hold(self._store, self._claim, os.getpid())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS):
            try:
                with self._store.database.writing() as connection:
                    connection.execute(
                        "UPDATE runs SET heartbeat = ? WHERE id = ? AND worker = ?",
                        (time.time(), *self._claim),
                    )
            except StoreError:
                continue  # the training thread meets the same trouble and reports it
