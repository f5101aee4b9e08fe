"""Runs that were forked from each other: their tree, and the curves of which they are branches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer.runs.curves import effective
from kdexplorer.runs.store import Store

MOST = 60  # runs of one family
DEEPEST = 30
CURVE = 150  # evaluations, or points of the losses, of one branch


def family(store: Store, run_id: str) -> dict[str, Any]:
    """The tree that a run belongs to, and the curves around it.

    Returns:
        {"tree": [{id, name, status, step, parent, parent_step}], root first, each after its parent;
        "branches": [{id, name, from, until, evaluations: [{step, variants}], losses: [{step, losses}]}]}: the run's
        ancestors (`until`: where the line to this run leaves them; `from`: where they left their own parent; their
        losses in between) and its children (`until` None).

    Raises:
        UnknownRun: there is no such run.
    """
    run = store.run(run_id)
    ancestors = _ancestors(store, run_id)
    root = ancestors[-1][0] if ancestors else run_id
    tree = _descendants(store, root)
    branches = [
        {"id": node["id"], "name": node["name"], "from": node["parent_step"] or 0, "until": until,
         "evaluations": _evaluations(store, node["id"]),
         "losses": _losses(store, node["id"], node["parent_step"] or 0, until)}
        for ancestor, until in ancestors
        for node in tree
        if node["id"] == ancestor
    ]  # fmt: skip
    branches += [
        {"id": node["id"], "name": node["name"], "from": node["parent_step"], "until": None,
         "evaluations": _evaluations(store, node["id"]), "losses": []}
        for node in tree
        if node["parent"] == run.id
    ]  # fmt: skip
    return {"tree": tree, "branches": branches}


def _ancestors(store: Store, run_id: str) -> list[tuple[str, int]]:
    """(id, step at which the line to `run_id` leaves it), the parent first; ends where one was deleted."""
    found: list[tuple[str, int]] = []
    with store.database.reading() as connection:
        while len(found) < DEEPEST:
            row = connection.execute(
                "SELECT p.id, c.parent_step FROM runs c JOIN runs p ON p.id = c.parent WHERE c.id = ?",
                (run_id,),
            ).fetchone()
            if row is None:
                return found
            run_id = row[0]
            found.append((row[0], int(row[1])))
    return found


def _descendants(store: Store, root: str) -> list[dict[str, Any]]:
    query = """WITH RECURSIVE tree(id) AS (
        SELECT id FROM runs WHERE id = ? UNION SELECT runs.id FROM runs JOIN tree ON runs.parent = tree.id)
        SELECT id, name, status, step, parent, parent_step FROM runs WHERE id IN tree ORDER BY created, rowid LIMIT ?"""
    with store.database.reading() as connection:
        rows = connection.execute(query, (root, MOST)).fetchall()
    keys = ("id", "name", "status", "step", "parent", "parent_step")
    nodes = [dict(zip(keys, row, strict=True)) for row in rows]
    nodes[0]["parent"] = nodes[0]["parent_step"] = None  # whatever it came from is gone
    return nodes


def _evaluations(store: Store, run_id: str) -> list[dict[str, Any]]:
    events = _told(store, run_id, "evaluated")
    return _thinned([{"step": e["step"], "variants": e["variants"]} for e in events])


def _losses(store: Store, run_id: str, begin: int, until: int) -> list[dict[str, Any]]:
    events = [event for event in _told(store, run_id, "step") if begin < event["step"] <= until]
    return _thinned([{"step": e["step"], "losses": e["losses"]} for e in events])


def _told(store: Store, run_id: str, kind: str) -> list[Mapping[str, Any]]:
    with store.database.reading() as connection:
        rows: Sequence[tuple[str]] = connection.execute(
            "SELECT event FROM events WHERE run_id = ? AND kind IN (?, 'resumed') ORDER BY seq",
            (run_id, kind),
        ).fetchall()
    return [event for event in effective(json.loads(text) for (text,) in rows) if event["kind"] == kind]


def _thinned(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(found) > CURVE:
        return [found[round(i * (len(found) - 1) / (CURVE - 1))] for i in range(CURVE)]
    return found
