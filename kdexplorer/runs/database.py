"""The SQLite file: its schema, one connection a thread, and its failures in plain words."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from kdexplorer.params import ConfigError
from kdexplorer.runs.keywords import keywords

VERSION = 2
BUSY_SECONDS = 10.0
RESERVE_BYTES = 256 * 1024

SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT NOT NULL,
    config TEXT NOT NULL,
    parent TEXT,
    parent_step INTEGER,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER NOT NULL,
    steps_per_second REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    advice TEXT NOT NULL DEFAULT '',
    results TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    seq INTEGER NOT NULL DEFAULT 0,       -- of the last event
    queued INTEGER NOT NULL DEFAULT 0,    -- place in the order of the queue
    worker TEXT NOT NULL DEFAULT '',      -- who holds the run: a name made at the claim
    host TEXT NOT NULL DEFAULT '',
    pid INTEGER NOT NULL DEFAULT 0,
    pid_started REAL NOT NULL DEFAULT 0,  -- tells a process from a later one with its number
    heartbeat REAL NOT NULL DEFAULT 0,
    batch TEXT NOT NULL DEFAULT '',       -- of runs that were started together with several seeds
    cost TEXT NOT NULL DEFAULT '',        -- what its networks cost: a `CostMeasured`
    keywords TEXT NOT NULL DEFAULT ''     -- what it is found by besides its name: see `keywords`
);
CREATE INDEX runs_by_age ON runs (created);
CREATE INDEX runs_by_status ON runs (status, queued);
CREATE TABLE events (
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE TABLE commands (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    created REAL NOT NULL
);
CREATE INDEX commands_pending ON commands (run_id, id) WHERE state = 'pending';
CREATE INDEX runs_by_batch ON runs (batch) WHERE batch <> '';
CREATE INDEX events_but_steps ON events (run_id, kind, seq) WHERE kind <> 'step';
"""
SINCE_1 = """
ALTER TABLE runs ADD COLUMN batch TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN cost TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN keywords TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_by_batch ON runs (batch) WHERE batch <> '';
CREATE INDEX events_but_steps ON events (run_id, kind, seq) WHERE kind <> 'step';
"""


class StoreError(ConfigError):
    """The store cannot be read or written; the message says what to change."""


class Full(StoreError):
    """No space is left for the store."""


class Database:
    """`kdexplorer.db` in a folder, in WAL mode, for all threads and processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "kdexplorer.db"
        self._reserve = folder / "reserve"
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        with self.errors():
            self._prepare(self.connection())

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        with self.errors():
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        self._local.connection = connection
        self._connections.append(connection)
        return connection

    def close(self) -> None:
        """Close the connections of all threads; the next use opens new ones."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._local = threading.local()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection for one query."""
        with self.errors():
            yield self.connection()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the only write lock; all of it happens, or nothing."""
        with self.errors():
            connection = self.connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def free_reserve(self) -> bool:
        """Give up the space kept for a run's last words on a full disk; False if it is gone already."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        return True

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            with self.writing():
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > VERSION:
                    raise StoreError(
                        f"{self.path} was written by a newer KD Explorer (tables {version}, this one knows "
                        f"{VERSION}): update KD Explorer, or set KDX_HOME to another folder."
                    )
                for statement in {0: SCHEMA, 1: SINCE_1}.get(version, "").split(";\n"):
                    connection.execute(statement)
                if version == 1:
                    _add_keywords(connection)
                connection.execute(f"PRAGMA user_version = {VERSION}")
        if not self._reserve.exists():
            with contextlib.suppress(OSError):
                self._reserve.write_bytes(b"\0" * RESERVE_BYTES)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Turn SQLite's errors into a `StoreError` that says what to change."""
        try:
            yield
        except sqlite3.Error as error:
            text = str(error)
            if "full" in text:
                raise Full(
                    f"No space is left for {self.path}: free some, delete old runs, "
                    "or set KDX_HOME to another disk."
                ) from error
            if "locked" in text or "busy" in text:
                advice = "another program holds it; close that program and try again"
            elif "readonly" in text or "unable to open" in text:
                advice = "make the file and its folder writable, or set KDX_HOME to another folder"
            elif "malformed" in text or "not a database" in text:
                advice = "the file is damaged; move it away to begin a new history"
            else:
                advice = "check the disk, or set KDX_HOME to another folder"
            raise StoreError(f"Cannot use {self.path} ({text}): {advice}.") from error


def _add_keywords(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT id, config FROM runs").fetchall()
    connection.executemany(
        "UPDATE runs SET keywords = ? WHERE id = ?",
        [(keywords(json.loads(config)), run_id) for run_id, config in rows],
    )
