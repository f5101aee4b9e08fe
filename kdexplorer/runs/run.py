"""A run as the store knows it, without its events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from kdexplorer.config import RunConfig

Status = Literal["queued", "running", "paused", "finished", "stopped", "failed", "interrupted"]
ACTIVE: tuple[Status, ...] = ("running", "paused")  # a worker holds it
RESUMABLE: tuple[Status, ...] = ("stopped", "failed", "interrupted")  # ended before its last step


@dataclass(frozen=True)
class Run:
    """One row of the history. Times are unix seconds; `owner` is a hash, empty for the command line."""

    id: str
    name: str
    status: Status
    owner: str
    config_json: str
    parent: str | None
    parent_step: int | None
    created: float
    started: float | None
    ended: float | None
    step: int
    steps: int
    steps_per_second: float
    reason: str
    advice: str
    queue_position: int | None  # 1 is next
    results_json: str
    tags: str  # separated by commas
    note: str
    batch: str  # shared by runs that were started together with several seeds
    cost_json: str

    @cached_property
    def config(self) -> RunConfig:
        """What was asked for.

        Raises:
            ConfigError: an older or newer version wrote it, and this one cannot read it.
        """
        return RunConfig.from_json(self.config_json)

    @cached_property
    def results(self) -> dict[str, Any]:
        """The last evaluation: step, variants, teacher, input, verdicts; empty before the first."""
        values: dict[str, Any] = json.loads(self.results_json) if self.results_json else {}
        return values

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What was asked for as its JSON holds it, whichever version wrote it."""
        values: dict[str, Any] = json.loads(self.config_json)
        return values

    @cached_property
    def cost(self) -> dict[str, dict[str, Any]]:
        """By network (teacher, student): parameters, multiply_adds, latency_ms, peak_bytes; empty before the run's end."""
        values: dict[str, Any] = json.loads(self.cost_json) if self.cost_json else {}
        return dict(values.get("networks", {}))

    @property
    def verdict(self) -> str:
        """The last verdict in one sentence; empty without one."""
        verdicts = self.results.get("verdicts") or [{}]
        return str(verdicts[0].get("sentence", ""))

    @property
    def tag_list(self) -> list[str]:
        """Its tags, in the order they were given."""
        return [tag for tag in self.tags.split(",") if tag]

    @property
    def active(self) -> bool:
        """A worker holds it, training or paused."""
        return self.status in ACTIVE

    @property
    def over(self) -> bool:
        """It neither waits nor runs."""
        return self.status != "queued" and not self.active

    def describe(self) -> dict[str, Any]:
        """This row as JSON; the owner stays behind."""
        return {
            "run_id": self.id,
            "name": self.name,
            "status": self.status,
            "step": self.step,
            "steps": self.steps,
            "steps_per_second": self.steps_per_second,
            "created": self.created,
            "started": self.started,
            "ended": self.ended,
            "parent": self.parent,
            "parent_step": self.parent_step,
            "queue_position": self.queue_position,
            "reason": self.reason,
            "advice": self.advice,
            "results": self.results,
            "tags": self.tag_list,
            "note": self.note,
            "batch": self.batch,
            "cost": self.cost,
        }


class StoredEvent(NamedTuple):
    """An event with its place in the run's log; `seq` counts from 1 without gaps."""

    seq: int
    time: float
    event: dict[str, Any]
