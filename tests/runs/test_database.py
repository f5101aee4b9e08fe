"""The tables: a home of version 1 goes on as if it had always been of this one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from kdexplorer.config import RunConfig
from kdexplorer.presets import preset_config
from kdexplorer.runs import Store
from kdexplorer.runs.database import VERSION
from kdexplorer.runs.keywords import keywords

# The tables as version 1 wrote them.
VERSION_1 = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL, config TEXT NOT NULL,
    parent TEXT, parent_step INTEGER, created REAL NOT NULL, started REAL, ended REAL,
    step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL, steps_per_second REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', advice TEXT NOT NULL DEFAULT '', results TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', seq INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL DEFAULT 0, worker TEXT NOT NULL DEFAULT '', host TEXT NOT NULL DEFAULT '',
    pid INTEGER NOT NULL DEFAULT 0, pid_started REAL NOT NULL DEFAULT 0, heartbeat REAL NOT NULL DEFAULT 0
);
CREATE INDEX runs_by_age ON runs (created);
CREATE INDEX runs_by_status ON runs (status, queued);
CREATE TABLE events (
    run_id TEXT NOT NULL, seq INTEGER NOT NULL, time REAL NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;
CREATE TABLE commands (
    id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, payload TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', created REAL NOT NULL
);
CREATE INDEX commands_pending ON commands (run_id, id) WHERE state = 'pending';
PRAGMA user_version = 1;
"""


def old_home(home: Path) -> RunConfig:
    """A home of version 1 with one run in it."""
    config = preset_config("denoise")
    with sqlite3.connect(home / "kdexplorer.db") as connection:
        connection.executescript(VERSION_1)
        connection.execute(
            "INSERT INTO runs (id, name, status, owner, config, created, steps, seq)"
            " VALUES ('old00000', 'Before', 'finished', '', ?, 5, 600, 3)",
            (config.to_json(),),
        )
        connection.executemany(
            "INSERT INTO events VALUES ('old00000', ?, 0, ?, ?)",
            [(1, "queued", '{"kind": "queued"}'), (2, "step", '{"kind": "step"}'), (3, "finished", "{}")],
        )
    connection.close()
    return config


def schema(path: Path) -> set[tuple[str, str]]:
    """Names and columns of all tables and indices."""
    with sqlite3.connect(path) as connection:
        names = connection.execute(
            "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
        ).fetchall()
        found = {(kind, name) for kind, name in names}
        for kind, name in names:
            if kind == "table":
                found |= {(name, row[1]) for row in connection.execute(f"PRAGMA table_info({name})")}
    connection.close()
    return found


def test_a_home_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    config = old_home(tmp_path)
    store = Store(tmp_path)
    run = store.run("old00000")
    assert (run.name, run.config, run.batch, run.cost, run.tag_list) == ("Before", config, "", {}, [])
    assert [found.id for found in store.runs(search="GAUSSIAN dncnn")] == ["old00000"]
    assert [event.seq for event in store.events("old00000", kinds=("queued", "finished"))] == [1, 3]
    store.label("old00000", tags=["kept"])
    new = store.create(config)
    assert [run.id for run in store.runs()] == [new, "old00000"]
    store.close()
    again = Store(tmp_path)
    assert again.run("old00000").tags == "kept"
    assert again.database.connection().execute("PRAGMA user_version").fetchone() == (VERSION,)
    again.close()


def test_an_old_home_ends_with_the_tables_of_a_new_one(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old_home(tmp_path / "old")
    for name in ("old", "new"):
        Store(tmp_path / name).close()
    assert schema(tmp_path / "old" / "kdexplorer.db") == schema(tmp_path / "new" / "kdexplorer.db")


def test_keywords_name_what_a_run_is_made_of() -> None:
    words = keywords(json.loads(preset_config("denoise").to_json())).split()
    assert {"restoration", "photos", "gaussian_noise", "ffdnet", "dncnn", "response"} <= set(words)
    assert len(words) == len(set(words))
    assert keywords({"task": 5, "data": [], "variants": [None, {"terms": "x"}], "teacher": "?"}) == ""
