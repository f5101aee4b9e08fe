"""The way of a run's events from the training loop into the store."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from kdexplorer.events import Event, RunFailed, RunFinished, StepLogged, event_from_dict
from kdexplorer.params import ConfigError
from kdexplorer.runs.checkpoints import latest_checkpoint, resume_advice
from kdexplorer.runs.claims import Claim, Heartbeat, break_claim
from kdexplorer.runs.control import StoreControl
from kdexplorer.runs.database import StoreError
from kdexplorer.runs.limits import Limits
from kdexplorer.runs.log import LostRun
from kdexplorer.runs.store import Store

BATCH_SECONDS = 0.05  # points of a curve that come faster are written together
REPLAYED = ("started", "resumed", "checkpoint", "knob", "extended", "finished")
EVERYTHING = 1_000_000_000


class Recorder:
    """Writes events to the store: points of a curve in batches, everything else at once."""

    def __init__(self, store: Store, claimed: Claim) -> None:
        self._store, self._claim = store, claimed
        self._waiting: list[Event] = []
        self._written = 0.0

    def add(self, event: Event) -> None:
        self._waiting.append(event)
        if not isinstance(event, StepLogged) or time.monotonic() - self._written >= BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._store.append(self._claim.run_id, self._waiting, worker=self._claim.worker)
            self._waiting = []
            self._written = time.monotonic()


def drain(
    store: Store, claimed: Claim, limits: Limits, on_event: Callable[[Event], None] = lambda event: None
) -> None:
    """Train a claimed run to its end in this process; whatever happens, the store knows how it ended.

    It goes on from the run's newest checkpoint if there is one, and repeats the commands that were applied
    after it, so that the bits are those of a run that was never disturbed. SIGINT and SIGTERM stop it and
    keep everything; a second one aborts it.
    """
    run_id, step = claimed.run_id, 0
    ended = False
    try:
        with Heartbeat(store, claimed):
            config = store.run(run_id).config
            from kdexplorer.training import describe, fit, replay_commands, sizes

            found = sizes(config)  # on no device: a network that is too large is never built
            for place in config.networks:
                if found.get(place):
                    limits.check_parameters(place, found[place]["parameters"])
            if limits.max_term_bytes is not None:
                limits.check_terms(describe(config).get("terms", {}))
            recorder = Recorder(store, claimed)
            checkpoint = latest_checkpoint(store.folder(run_id))

            log = (event_from_dict(e.event) for e in store.events(run_id, 0, EVERYTHING, kinds=REPLAYED))
            script = replay_commands(log, int(checkpoint.name)) if checkpoint else {}
            control = StoreControl(
                store, run_id, script, seconds=limits.max_seconds, each_poll=recorder.flush
            )
            with _stopped_by_signals(control):
                events = fit(config, control, folder=store.folder(run_id), checkpoint=checkpoint)
                for event in events:
                    step = event.step
                    ended = isinstance(event, RunFinished | RunFailed)
                    recorder.add(event)
                    on_event(event)
            recorder.flush()
        if not ended:
            raise RuntimeError("the training loop ended without a word")
        if control.out_of_time:
            store.explain(
                run_id,
                f"Stopped after {limits.max_seconds:g} s, the most a run may take here.",
                "Fork or resume it.",
            )
    except LostRun:
        return
    except Exception as error:
        _fail(store, claimed, step, error)
    except BaseException:
        break_claim(store, claimed, "It was aborted.", resume_advice(store.folder(run_id)))
        raise


def _fail(store: Store, claimed: Claim, step: int, error: Exception) -> None:
    reason = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
    advice = "" if isinstance(error, ConfigError) else resume_advice(store.folder(claimed.run_id))
    if isinstance(error, MemoryError):
        reason, advice = "The memory was used up.", "Take a smaller batch, patch or model. " + advice
    if not isinstance(error, StoreError):
        import traceback

        traceback.print_exception(error)
    break_claim(store, claimed, reason, advice, status="failed")


@contextlib.contextmanager
def _stopped_by_signals(control: StoreControl) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops the run and keeps everything, the second aborts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        control.request_stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
