"""What the *Compare* tab asks of the server: finished runs side by side, and what a person writes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdexplorer.params import ConfigError
from kdexplorer.runs.comparison import batches, facts, varied
from kdexplorer.runs.manager import NOTE_LENGTH, Manager
from kdexplorer.runs.overlay import overlay
from kdexplorer.runs.store import Store
from kdexplorer.ui.answers import answers, text, token_of, whole

MOST_CHOSEN = 50
MOST_CURVES = 24
MOST_VARIED = 1_000


class CompareEndpoints:
    """Everybody may compare all runs; only the owner of one may write beside it."""

    def __init__(self, store: Store, manager: Manager) -> None:
        self.store, self.manager = store, manager

    @answers
    def chosen(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{runs: [ids]} → {runs: [facts], batches, titles: {path: [parts]}}: those that are gone are left out."""
        found = [facts(self.store, run) for run in self.store.chosen(_ids(query, MOST_CHOSEN))]
        titles = {path: title for run in found for path, title in run.pop("titles").items()}
        return {"runs": found, "batches": batches(found), "titles": titles}

    @answers
    def curves(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{runs: [ids], quantity: a metric's id or "loss"} → {curves: {id: {step, seconds, variants, teacher}}}."""
        quantity = text(query, "quantity", 64)
        runs = self.store.chosen(_ids(query, MOST_CURVES))
        return {"curves": {run.id: overlay(self.store, run.id, quantity) for run in runs}}

    @answers
    def varied(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{search, limit} or {runs: [ids]} → {paths, titles, runs, total}: many runs by what differs in them."""
        if "runs" in query:
            runs = self.store.chosen(_ids(query, MOST_CHOSEN))
            return {**varied(self.store, runs), "total": len(runs)}
        search, limit = text(query, "search", 200), whole(query, "limit", MOST_VARIED, MOST_VARIED)
        runs = self.store.runs(limit=limit, search=search)
        return {**varied(self.store, runs), "total": self.store.count(search)}

    @answers
    def tag(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, tags: "a, b", token} → {tags: [as kept]}."""
        tags = text(query, "tags", 1_000).split(",")
        return {"tags": self.manager.tag(text(query, "run", 64), tags, actor=token_of(query))}

    @answers
    def note(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, note, token} → {ok}."""
        note = text(query, "note", NOTE_LENGTH)
        self.manager.annotate(text(query, "run", 64), note, actor=token_of(query))
        return {"ok": True}


def _ids(query: Mapping[str, Any], most: int) -> list[str]:
    found = query.get("runs")
    if not isinstance(found, list) or len(found) > most or not all(isinstance(run, str) for run in found):
        raise ConfigError(f"runs: expected a list of at most {most} ids.")
    return [run for run in found if len(run) <= 64]
