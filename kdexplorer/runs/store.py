"""The store: every run's row, its append-only log of events and the commands sent to it."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from kdexplorer.commands import Command, command_from_dict
from kdexplorer.config import RunConfig
from kdexplorer.events import Event, RunQueued
from kdexplorer.home import home as default_home
from kdexplorer.params import ConfigError
from kdexplorer.runs.database import Database, StoreError
from kdexplorer.runs.log import append_events
from kdexplorer.runs.run import Run, StoredEvent

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o, u: ids are read aloud and typed

_RUN = """SELECT id, name, status, owner, config, parent, parent_step, created, started, ended, step, steps,
    steps_per_second, reason, advice,
    CASE status WHEN 'queued' THEN
        (SELECT COUNT(*) FROM runs q WHERE q.status = 'queued' AND q.queued <= runs.queued) END,
    results, tags, note FROM runs"""


class UnknownRun(ConfigError):
    """There is no such run."""


class Store:
    """Runs under one home folder (default: `kdexplorer.home.home()`); safe for many threads and processes.

    Raises:
        StoreError: the folder or the database cannot be used; also from every method.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = default_home() if home is None else home
        try:
            (self.home / "runs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"Cannot use {self.home}: {error.strerror}. Set KDX_HOME to a folder you can write."
            ) from None
        self.database = Database(self.home)

    def close(self) -> None:
        """Close all connections; the store can be used again."""
        self.database.close()

    def folder(self, run_id: str) -> Path:
        """The run's folder.

        Raises:
            UnknownRun: `run_id` has not the form of an id.
        """
        if not re.fullmatch(r"[0-9a-z\-]{6,40}", run_id):
            raise UnknownRun(f"{run_id!r:.60} is not the id of a run.")
        return self.home / "runs" / run_id

    def create(self, config: RunConfig, *, owner: str = "", run_id: str | None = None) -> str:
        """Write a new run into the queue and return its id; `run_id` only from `new_id`."""
        run_id = run_id or self.new_id()
        parent = config.parent
        try:
            self.folder(run_id).mkdir(exist_ok=True)
            (self.folder(run_id) / "config.json").write_text(config.to_json(indent=2), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"Cannot write into {self.home}: {error.strerror}. Free space there.") from None
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO runs"
                " (id, name, status, owner, config, parent, parent_step, created, steps, step, queued) VALUES"
                " (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(queued), 0) + 1 FROM runs))",
                (
                    run_id,
                    config.name,
                    owner,
                    config.to_json(),
                    parent.run if parent else None,
                    parent.step if parent else None,
                    time.time(),
                    config.training.steps,
                    parent.step if parent else 0,
                ),
            )
            append_events(connection, run_id, [RunQueued(step=parent.step if parent else 0)])
        return run_id

    def new_id(self) -> str:
        """An id that no run has; its folder is made."""
        while True:
            run_id = "".join(secrets.choice(ALPHABET) for _ in range(8))
            try:
                self.folder(run_id).mkdir()
            except FileExistsError:
                continue
            except OSError as error:
                raise StoreError(f"Cannot write into {self.home}: {error.strerror}.") from None
            return run_id

    def run(self, run_id: str) -> Run:
        """The run's row.

        Raises:
            UnknownRun: there is none.
        """
        with self.database.reading() as connection:
            row = connection.execute(f"{_RUN} WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise UnknownRun(f"There is no run {run_id!r:.60}.")
        return Run(*row)

    def runs(self, limit: int = 100, offset: int = 0) -> list[Run]:
        """The history, newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{_RUN} ORDER BY created DESC, rowid DESC LIMIT ? OFFSET ?", (limit, offset)
            ).fetchall()
        return [Run(*row) for row in rows]

    def resolve(self, text: str) -> str:
        """The id that `text` means: itself, an unambiguous beginning of it, or `latest`.

        Raises:
            UnknownRun: no run fits, or several do.
        """
        with self.database.reading() as connection:
            if text == "latest":
                rows = connection.execute("SELECT id FROM runs ORDER BY created DESC, rowid DESC LIMIT 1")
            else:
                query = "SELECT id FROM runs WHERE substr(id, 1, ?) = ? LIMIT 5"
                rows = connection.execute(query, (len(text), text))
            found = [row[0] for row in rows]
        if text in found:
            return text
        if not found or not text:
            raise UnknownRun(
                "There are no runs yet." if text == "latest" else f"There is no run {text!r:.60}."
            )
        if len(found) > 1:
            raise UnknownRun(f"{text!r} is the beginning of several runs: {', '.join(found)}.")
        return str(found[0])

    def append(self, run_id: str, events: Sequence[Event], *, worker: str | None = None) -> None:
        """Add to the run's log, and bring its row up to date in the same transaction.

        Raises:
            LostRun: `worker` is given and does not hold the run any more.
        """
        with self.database.writing() as connection:
            append_events(connection, run_id, events, worker)

    def events(
        self, run_id: str, after: int = 0, limit: int = 5000, kinds: Sequence[str] = ()
    ) -> list[StoredEvent]:
        """The log beyond `seq` number `after`, in order; only some `kinds` if given."""
        only = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT seq, time, event FROM events"
                f" WHERE run_id = ? AND seq > ?{only} ORDER BY seq LIMIT ?",
                (run_id, after, *kinds, limit),
            ).fetchall()
        return [StoredEvent(seq, at, json.loads(event)) for seq, at, event in rows]

    def last(self, run_id: str, kind: str) -> StoredEvent | None:
        """The run's last event of a kind; None without one."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT seq, time, event FROM events WHERE run_id = ? AND kind = ? ORDER BY seq DESC LIMIT 1",
                (run_id, kind),
            ).fetchone()
        return StoredEvent(row[0], row[1], json.loads(row[2])) if row else None

    def send(self, run_id: str, command: Command) -> int:
        """Leave a command for the run's worker; returns the command's number."""
        self.run(run_id)
        with self.database.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO commands (run_id, payload, created) VALUES (?, ?, ?)",
                (run_id, command.model_dump_json(), time.time()),
            )
        return int(cursor.lastrowid or 0)

    def take_commands(self, run_id: str) -> list[Command]:
        """The commands sent since the last call, in order; each is handed out once."""
        pending = "FROM commands WHERE run_id = ? AND state = 'pending'"
        with self.database.reading() as connection:
            if connection.execute(f"SELECT 1 {pending} LIMIT 1", (run_id,)).fetchone() is None:
                return []
        with self.database.writing() as connection:
            rows = connection.execute(f"SELECT id, payload {pending} ORDER BY id", (run_id,)).fetchall()
            connection.executemany(
                "UPDATE commands SET state = 'applied' WHERE id = ?", [(number,) for number, _ in rows]
            )
        return [command_from_dict(json.loads(payload)) for _, payload in rows]

    def rename(self, run_id: str, name: str) -> None:
        """Change what the history calls the run; its config keeps the name it began with."""
        self.run(run_id)
        with self.database.writing() as connection:
            connection.execute("UPDATE runs SET name = ? WHERE id = ?", (name, run_id))

    def explain(self, run_id: str, reason: str, advice: str = "") -> None:
        """Write beside the run why it ended as it did."""
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE runs SET reason = ?, advice = ? WHERE id = ?", (reason, advice, run_id)
            )

    def forget(self, run_id: str) -> None:
        """Remove the run's row, log and commands; its folder stays."""
        with self.database.writing() as connection:
            connection.execute("DELETE FROM events WHERE run_id = ?", (run_id,))
            connection.execute("DELETE FROM commands WHERE run_id = ?", (run_id,))
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
