"""What the page may ask of the server. Every answer is JSON, every problem an `error` in words; nothing raises.

Anyone who knows the address can call these, with anything: each argument is checked here, and ownership and limits
by the manager.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from kdexplorer.catalog import check_config
from kdexplorer.commands import command_from_dict
from kdexplorer.home import preview_path
from kdexplorer.lessons import lesson
from kdexplorer.params import ConfigError
from kdexplorer.preview_pictures import addressed
from kdexplorer.runs.family import family
from kdexplorer.runs.manager import MOST_SEEDS, Manager
from kdexplorer.runs.run import Run
from kdexplorer.runs.store import Store, UnknownRun
from kdexplorer.ui.answers import answers, config_of, text, token_of, whole
from kdexplorer.ui.archive_routes import Archives
from kdexplorer.ui.compare_endpoints import CompareEndpoints
from kdexplorer.ui.inspect_endpoints import InspectEndpoints
from kdexplorer.ui.picture_routes import Pictures, prefix_of
from kdexplorer.ui.run_log import RunLogs
from kdexplorer.ui.share_endpoints import ShareEndpoints
from kdexplorer.ui.uploads import keep_upload


class Endpoints:
    """The server functions of every part of the page."""

    def __init__(self, store: Store, manager: Manager) -> None:
        self.store, self.manager = store, manager
        self.logs = RunLogs(store)
        self.inspect = InspectEndpoints(store, manager)
        self.compare = CompareEndpoints(store, manager)
        self.archives = Archives(store)
        self.pictures = Pictures(store)
        self.share = ShareEndpoints()

    @answers
    def start(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{config, seeds, token} → {run, runs}: begins, or queues behind the run that is going on.

        `seeds` (default 1) asks for as many runs that differ in nothing but the seed; `run` is the first.
        """
        config, seeds = config_of(query), whole(query, "seeds", 1, MOST_SEEDS)
        check_config(config)
        self.manager.limits.check(config)
        if problems := self.manager.describe(config).get("problems"):
            raise ConfigError("\n".join(problems))
        self.inspect.give_way()
        runs = self.manager.start_seeds(config, seeds, actor=token_of(query))
        return {"run": runs[0], "runs": runs}

    @answers
    def check(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{config} → {problems, …}: what stands against it; and `kdexplorer.training.describe`, once a worker is there."""
        try:
            config = config_of(query)
            check_config(config)
            self.manager.limits.check(config)
        except ConfigError as error:
            return {"problems": str(error).splitlines()}
        return {"problems": [], **self.manager.describe(config)}

    @answers
    def poll(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, cursor, token} → the run's row and what its log has gained since `cursor`; all of it at cursor 0; `gone` if there is none."""
        run_id, cursor = text(query, "run", 64), whole(query, "cursor")
        try:
            run = self.store.run(run_id)
        except UnknownRun as error:
            return {"error": str(error), "gone": True}
        answer = self.logs.since(run_id, cursor)
        answer["run"] = row(run)
        answer["mine"] = self.manager.may_control(run_id, token_of(query))
        if cursor == 0:
            answer["config"] = run.config.model_dump(mode="json")
        return answer

    @answers
    def preview(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step, part} → what there is to look at, at that step; `part` logits or scores: those, and only those.

        Pictures are data URIs, or addresses relative to the page.
        """
        run_id, step = text(query, "run", 64), whole(query, "step")
        part = text(query, "part", 20) if query.get("part") else ""
        try:
            read = preview_path(self.store.folder(run_id), step, part).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ConfigError("The pictures of this step are gone.") from None
        found: dict[str, Any] = addressed(json.loads(read), prefix_of(run_id))
        return found

    @answers
    def command(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, token, command} → {ok}: it is carried out between two steps, and shows in the log."""
        values = query.get("command")
        if not isinstance(values, Mapping):
            raise ConfigError("command: expected an object with a kind.")
        command = command_from_dict(dict(values))
        self.manager.command(text(query, "run", 64), command, actor=token_of(query))
        return {"ok": True}

    @answers
    def resume(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, token} → {ok}: goes on after a pause, or from the last checkpoint."""
        self.inspect.give_way()
        self.manager.resume(text(query, "run", 64), actor=token_of(query))
        return {"ok": True}

    @answers
    def fork(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step, changes, token} → {run}: a child that goes on from a checkpoint with other knobs."""
        changes = query.get("changes") or {}
        if not isinstance(changes, Mapping) or len(changes) > 100:
            raise ConfigError("changes: expected an object of settings.")
        for path, value in changes.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not isinstance(path, str) or (number and not math.isfinite(value)):
                raise ConfigError(f"{path}: expected a finite value.")
        step = None if query.get("step") is None else whole(query, "step")
        self.inspect.give_way()
        run_id = self.manager.fork(text(query, "run", 64), step=step, changes=changes, actor=token_of(query))
        return {"run": run_id}

    @answers
    def family(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run} → {tree, branches}: the runs it was forked from and into, with their curves."""
        return family(self.store, text(query, "run", 64))

    @answers
    def lesson(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{id, language} → a lesson, see `kdexplorer.lessons.lesson`."""
        return lesson(text(query, "id", 64), text(query, "language", 8))

    @answers
    def checkpoints(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run} → {steps}: where it can be forked."""
        return {"steps": self.manager.checkpoints(text(query, "run", 64))}

    @answers
    def runs(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{offset, limit, search} → {runs, total}: the history, newest first, each with its last verdict."""
        offset, limit = whole(query, "offset", 0, 1_000_000), whole(query, "limit", 50, 200)
        search = text(query, "search", 200) if "search" in query else ""
        runs = self.store.runs(limit=limit, offset=offset, search=search)
        return {"runs": [self._listed(run) for run in runs], "total": self.store.count(search)}

    def _listed(self, run: Run) -> dict[str, Any]:
        """A run in the history. Its config is read as it was written, unchecked: another version's shows too."""
        config, verdicts = run.settings, run.results.get("verdicts", [])
        started = self.store.last(run.id, "started") if verdicts else None
        teacher, variants = config.get("teacher"), config.get("variants") or []
        return {
            **row(run),
            "task": config.get("task"),
            "source": ((config.get("data") or {}).get("source") or {}).get("id"),
            "student": config.get("student"),
            "teacher": teacher and teacher.get("id"),
            "variants": [variant.get("name") for variant in variants],
            "seed": (config.get("training") or {}).get("seed"),
            "verdict": run.verdict,
            "verdicts": verdicts,
            "metric": started.event["metrics"][0] if started else None,
            "tags": run.tag_list,
            "note": run.note,
            "batch": run.batch,
        }

    @answers
    def delete(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, token} → {ok}."""
        run_id = text(query, "run", 64)
        self.manager.delete(run_id, actor=token_of(query))
        self.logs.forget(run_id)
        return {"ok": True}

    @answers
    def rename(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, name, token} → {ok}."""
        self.manager.rename(text(query, "run", 64), text(query, "name", 80), actor=token_of(query))
        return {"ok": True}

    @answers
    def keep(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{path, kind} → {id, note}: takes over a file that the browser has just sent."""
        return keep_upload(text(query, "path", 1000), text(query, "kind", 20))


def row(run: Run) -> dict[str, Any]:
    """A run's row as the page reads it; never the owner's mark."""
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "step": run.step,
        "steps": run.steps,
        "speed": run.steps_per_second,
        "reason": run.reason,
        "advice": run.advice,
        "queue": run.queue_position,
        "parent": run.parent,
        "parent_step": run.parent_step,
        "created": run.created,
        "started": run.started,
        "ended": run.ended,
    }
