"""A run's log as a page draws it: read from the store once, kept, and given out by cursor."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

PAGE = 2_000  # points of the loss curves in one answer
KEPT = 5_000  # longer histories are thinned for a page that opens
READ = 5_000  # events asked of the store at once

Entry = TypeVar("Entry")


class Stored(Protocol):
    """An event with its place in the log."""

    @property
    def seq(self) -> int: ...

    @property
    def event(self) -> dict[str, Any]: ...


class EventSource(Protocol):
    def events(self, run_id: str, after: int = 0, limit: int = READ) -> Iterable[Stored]: ...


def _short(value: Any) -> float | None:
    """Six digits: more than a curve can show, half the bytes."""
    return None if value is None else float(f"{value:.6g}")


class RunLog:
    """The curves and marks of one run. Events are read once, however many pages watch."""

    def __init__(self, run_id: str, source: EventSource) -> None:
        self.run_id, self.source = run_id, source
        self.cursor = 0
        self._lock = threading.Lock()
        self._seqs: list[int] = []
        self._steps: list[int] = []
        self._rates: list[float] = []
        self._losses: list[dict[str, Any]] = []
        self._looks: list[tuple[int, int, dict[str, dict[str, float]]]] = []  # seq, step, gradient shares
        self._seen: list[tuple[int, int, dict[str, Any]]] = []  # seq, step, what methods noted
        self._marks: list[
            tuple[int, int, str, dict[str, Any]]
        ] = []  # seq, step, list it belongs to, what to send
        self._rewinds: list[tuple[int, int]] = []  # seq, step

    def refresh(self) -> None:
        """Read what is new."""
        with self._lock:
            while True:
                new = list(self.source.events(self.run_id, after=self.cursor, limit=READ))
                for stored in new:
                    self._take(stored.seq, stored.event)
                    self.cursor = stored.seq
                if len(new) < READ:
                    return

    def _take(self, seq: int, event: dict[str, Any]) -> None:
        kind, step = event.get("kind"), int(event.get("step", 0))
        if kind == "step":
            self._seqs.append(seq)
            self._steps.append(step)
            self._rates.append(event["learning_rate"])
            self._losses.append(event["losses"])
            if event.get("gradients"):
                self._looks.append((seq, step, event["gradients"]))
            if event.get("seen"):
                self._seen.append((seq, step, event["seen"]))
        elif kind == "resumed":
            self._rewind(step)
            self._rewinds.append((seq, step))
        elif kind in _MARKS:
            name, keep = _MARKS[kind]
            self._marks.append(
                (seq, step, name, {"step": step, **{key: event[key] for key in keep if key in event}})
            )

    def _rewind(self, step: int) -> None:
        """Drop what is later than `step`: it is trained again."""
        keep = bisect_right(self._steps, step)
        del self._seqs[keep:], self._steps[keep:], self._rates[keep:], self._losses[keep:]
        self._looks = [look for look in self._looks if look[1] <= step]
        self._seen = [note for note in self._seen if note[1] <= step]
        self._marks = [mark for mark in self._marks if mark[1] <= step or mark[2] in ("started", "refused")]

    def since(self, cursor: int) -> dict[str, Any]:
        """What a reader that knows everything up to `cursor` lacks, and the cursor to ask with next.

        `drop`: forget everything later than this step first. `more`: ask again at once. At most `PAGE` points.
        """
        with self._lock:
            cursor = max(0, min(cursor, self.cursor))
            first = bisect_right(self._seqs, cursor)
            chosen, until = list(range(first, len(self._seqs))), self.cursor
            if len(chosen) > KEPT:
                chosen = _thinned(chosen, PAGE)
            elif len(chosen) > PAGE:
                chosen = chosen[:PAGE]
                until = self._seqs[chosen[-1]]
            answer: dict[str, Any] = {"cursor": until, "more": until < self.cursor}
            drops = [step for seq, step in self._rewinds if cursor < seq]
            if drops and cursor:
                answer["drop"] = min(drops)
            if chosen:
                answer["points"] = self._points(chosen)
            looks = [look for look in self._looks[_after(self._looks, cursor) :] if look[0] <= until]
            if looks:
                answer["shares"] = _shares(_thinned(looks, PAGE))
            notes = [note for note in self._seen[_after(self._seen, cursor) :] if note[0] <= until]
            if notes:
                answer["seen"] = [{"step": step, "values": found} for _, step, found in _thinned(notes, PAGE)]
            for seq, _, name, payload in self._marks:
                if cursor < seq <= until:
                    answer.setdefault(name, []).append(payload)
            return answer

    def _points(self, chosen: list[int]) -> dict[str, Any]:
        """Columns: steps, learning rates, and by variant and term the values and the weights."""
        names = list(
            dict.fromkeys((v, t) for i in chosen for v, terms in self._losses[i].items() for t in terms)
        )
        columns: dict[str, dict[str, list[list[float | None]]]] = {}
        for variant, term in names:
            found = [self._losses[i].get(variant, {}).get(term) for i in chosen]
            columns.setdefault(variant, {})[term] = [
                [_short(point and point["value"]) for point in found],
                [_short(point and point["weight"]) for point in found],
            ]
        return {
            "step": [self._steps[i] for i in chosen],
            "rate": [_short(self._rates[i]) for i in chosen],
            "losses": columns,
        }


def _after(entries: list[tuple[int, int, dict[str, Any]]], cursor: int) -> int:
    """Where the entries begin that are later than `cursor`."""
    return bisect_right(entries, cursor, key=lambda entry: entry[0])


def _thinned(entries: list[Entry], limit: int) -> list[Entry]:
    """At most `limit` of them, evenly, both ends among them."""
    stride = -(-len(entries) // limit)
    if (len(entries) - 1) % stride == 0:
        return entries[::stride]
    return [*entries[::stride][: limit - 1], entries[-1]]


def _shares(looks: list[tuple[int, int, dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """Columns: steps, and by variant and term its share of the gradient norm; None where it had none."""
    names = dict.fromkeys((v, t) for _, _, found in looks for v, terms in found.items() for t in terms)
    columns: dict[str, dict[str, list[float | None]]] = {}
    for variant, term in names:
        values = [_share(found.get(variant, {}).get(term)) for _, _, found in looks]
        columns.setdefault(variant, {})[term] = values
    return {"step": [step for _, step, _ in looks], "variants": columns}


def _share(value: float | None) -> float | None:
    """Four digits after the point: a hundredth of a percent."""
    return None if value is None else round(value, 4)


_MARKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "started": (
        "started",
        ("steps", "device", "threads", "teacher", "student", "variants", "metrics", "notes"),
    ),
    "evaluated": ("evaluations", ("variants", "teacher", "input", "verdicts", "notes")),
    "knob": ("knobs", ("knob", "old", "new")),
    "preview": ("previews", ()),
    "checkpoint": ("checkpoints", ()),
    "extended": ("extensions", ("steps",)),
    "refused": ("refused", ("command", "reason")),
    "finished": ("finished", ("reason", "seconds")),
}


class RunLogs:
    """The logs of the runs that pages look at; the longest unseen are forgotten."""

    def __init__(self, source: EventSource, limit: int = 24) -> None:
        self._source, self._limit = source, limit
        self._logs: OrderedDict[str, RunLog] = OrderedDict()
        self._lock = threading.Lock()

    def since(self, run_id: str, cursor: int) -> dict[str, Any]:
        """As `RunLog.since`, after reading what is new."""
        with self._lock:
            log = self._logs.pop(run_id, None) or RunLog(run_id, self._source)
            self._logs[run_id] = log
            while len(self._logs) > self._limit:
                self._logs.popitem(last=False)
        log.refresh()
        return log.since(cursor)

    def forget(self, run_id: str) -> None:
        with self._lock:
            self._logs.pop(run_id, None)
