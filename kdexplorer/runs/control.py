"""The control of a run that lives in the store: the training loop asks it for commands between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from kdexplorer.commands import Command, Stop
from kdexplorer.runs.store import Store

POLL_SECONDS = 0.05  # between two looks at the store; a look takes some 20 µs
WAIT_SECONDS = 0.02  # the same while paused


class StoreControl:
    """Hands out the commands sent to a run, those of a script first at their steps.

    Args:
        scripted: by finished steps, commands that were applied before the worker was lost.
        seconds: after that many, pauses included, the run is stopped; None never.
        each_poll: called at every look at the store.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        scripted: Mapping[int, list[Command]] | None = None,
        *,
        seconds: float | None = None,
        each_poll: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._run_id = store, run_id
        self._scripted = dict(scripted or {})
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._each_poll = each_poll
        self._next_poll = 0.0
        self._stop_asked = False
        self.out_of_time = False

    def request_stop(self) -> None:
        """Stop between two steps, as if the command had been sent; safe to call from a signal handler."""
        self._stop_asked = True

    def pending(self, step: int) -> list[Command]:
        """The commands to apply after `step`; looks into the store at most every 50 ms."""
        commands = self._scripted.pop(step, []) if self._scripted else []
        now = time.monotonic()
        if now >= self._next_poll:
            self._next_poll = now + POLL_SECONDS
            self._each_poll()
            commands = commands + self._store.take_commands(self._run_id)
            if self._deadline is not None and now >= self._deadline:
                self._deadline, self.out_of_time = None, True
                commands = [*commands, Stop()]
        if self._stop_asked:
            self._stop_asked = False
            commands = [*commands, Stop()]
        return commands

    def wait(self, step: int) -> list[Command]:
        """As `pending`, but sleeps until there is something."""
        while True:
            self._next_poll = 0.0
            if commands := self.pending(step):
                return commands
            time.sleep(WAIT_SECONDS)
