"""The store: every run's row, its append-only log of events and the commands sent to it."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from kdexplorer.commands import Command, command_from_dict
from kdexplorer.config import RunConfig
from kdexplorer.events import Event, RunQueued
from kdexplorer.home import home as default_home
from kdexplorer.params import ConfigError
from kdexplorer.runs.database import Database, StoreError
from kdexplorer.runs.keywords import keywords
from kdexplorer.runs.log import append_events
from kdexplorer.runs.run import Run, StoredEvent

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o, u: ids are read aloud and typed
SEARCH_WORDS = 8

_RUN = """SELECT id, name, status, owner, config, parent, parent_step, created, started, ended, step, steps,
    steps_per_second, reason, advice,
    CASE status WHEN 'queued' THEN
        (SELECT COUNT(*) FROM runs q WHERE q.status = 'queued' AND q.queued <= runs.queued) END,
    results, tags, note, batch, cost FROM runs"""

_FOUND_IN = "(id || ' ' || status || ' ' || name || ' ' || tags || ' ' || keywords || ' ' || note)"


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
        return self._queue({run_id or self.new_id(): config}, owner, "")[0]

    def create_batch(self, configs: Sequence[RunConfig], *, owner: str = "") -> list[str]:
        """Write runs that belong together into the queue, in this order; all of them, or none."""
        return self._queue({self.new_id(): config for config in configs}, owner, self._batch_id())

    def _queue(self, configs: Mapping[str, RunConfig], owner: str, batch: str) -> list[str]:
        try:
            for run_id, config in configs.items():
                self._write_config(run_id, config)
            with self.database.writing() as connection:
                for run_id, config in configs.items():
                    self._insert(connection, run_id, config, owner, batch)
        except StoreError:
            if batch:
                for run_id in configs:
                    shutil.rmtree(self.folder(run_id), ignore_errors=True)
            raise
        return list(configs)

    def _write_config(self, run_id: str, config: RunConfig) -> None:
        try:
            self.folder(run_id).mkdir(exist_ok=True)
            (self.folder(run_id) / "config.json").write_text(config.to_json(indent=2), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"Cannot write into {self.home}: {error.strerror}. Free space there.") from None

    def _insert(
        self, connection: sqlite3.Connection, run_id: str, config: RunConfig, owner: str, batch: str
    ) -> None:
        parent, text = config.parent, config.to_json()
        step = parent.step if parent else 0
        connection.execute(
            "INSERT INTO runs (id, name, status, owner, config, parent, parent_step, created, steps, step, batch,"
            " keywords, queued) VALUES"
            " (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(queued), 0) + 1 FROM runs))",
            (
                run_id,
                config.name,
                owner,
                text,
                parent.run if parent else None,
                parent.step if parent else None,
                time.time(),
                config.training.steps,
                step,
                batch,
                keywords(json.loads(text)),
            ),
        )
        append_events(connection, run_id, [RunQueued(step=step)])

    def _batch_id(self) -> str:
        return "".join(secrets.choice(ALPHABET) for _ in range(12))

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

    def runs(self, limit: int = 100, offset: int = 0, search: str = "") -> list[Run]:
        """The history, newest first; with `search`, the runs in whose name, tags, note, ids … all its words are."""
        where, words = _search(search)
        with self.database.reading() as connection:
            rows = connection.execute(
                f"{_RUN}{where} ORDER BY created DESC, rowid DESC LIMIT ? OFFSET ?", (*words, limit, offset)
            ).fetchall()
        return [Run(*row) for row in rows]

    def count(self, search: str = "") -> int:
        """How many runs `runs` would find."""
        where, words = _search(search)
        with self.database.reading() as connection:
            return int(connection.execute(f"SELECT COUNT(*) FROM runs{where}", words).fetchone()[0])

    def chosen(self, run_ids: Sequence[str]) -> list[Run]:
        """The rows of these runs, in this order; those that are gone are left out."""
        marks = ", ".join("?" * len(run_ids))
        with self.database.reading() as connection:
            rows = connection.execute(f"{_RUN} WHERE id IN ({marks})", tuple(run_ids)).fetchall()
        found = {row[0]: Run(*row) for row in rows}
        return [found[run_id] for run_id in dict.fromkeys(run_ids) if run_id in found]

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
        source, only = _narrowed(kinds)
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT seq, time, event FROM {source}"
                f" WHERE run_id = ? AND seq > ?{only} ORDER BY seq LIMIT ?",
                (run_id, after, *kinds, limit),
            ).fetchall()
        return [StoredEvent(seq, at, json.loads(event)) for seq, at, event in rows]

    def last(self, run_id: str, kind: str) -> StoredEvent | None:
        """The run's last event of a kind; None without one."""
        source, only = _narrowed((kind,))
        with self.database.reading() as connection:
            row = connection.execute(
                f"SELECT seq, time, event FROM {source} WHERE run_id = ?{only} ORDER BY seq DESC LIMIT 1",
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

    def label(self, run_id: str, *, tags: Sequence[str] | None = None, note: str | None = None) -> None:
        """Change a run's tags (without commas in them) or its note; None leaves one as it is."""
        self.run(run_id)
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE runs SET tags = COALESCE(?, tags), note = COALESCE(?, note) WHERE id = ?",
                (None if tags is None else ",".join(tags), note, run_id),
            )

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


def _search(text: str) -> tuple[str, tuple[str, ...]]:
    """A WHERE for runs that contain every word of `text`, and its values."""
    words = text.split()[:SEARCH_WORDS]
    where = " AND ".join(f"{_FOUND_IN} LIKE ? ESCAPE '!'" for _ in words)
    escaped = (re.sub(r"([%_!])", r"!\1", word) for word in words)
    return (f" WHERE {where}" if words else ""), tuple(f"%{word}%" for word in escaped)


def _narrowed(kinds: Sequence[str]) -> tuple[str, str]:
    """Where to look for events of some kinds, and the condition: the points of the curves are stepped over."""
    if not kinds:
        return "events", ""
    only = f" AND kind IN ({', '.join('?' * len(kinds))})"
    if "step" in kinds:
        return "events", only
    return "events INDEXED BY events_but_steps", f"{only} AND kind <> 'step'"
