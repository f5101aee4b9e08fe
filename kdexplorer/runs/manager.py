"""The manager: who may do what to which run, the queue, and what becomes of runs whose worker is lost."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import shutil
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from kdexplorer import catalog
from kdexplorer.commands import Command, Extend, Resume, Stop
from kdexplorer.config import Parent, RunConfig, with_values
from kdexplorer.events import RunFinished, event_from_dict
from kdexplorer.params import ConfigError
from kdexplorer.runs import claims
from kdexplorer.runs.checkpoints import (
    checkpoint_steps,
    config_at,
    copy_checkpoint,
    resume_advice,
)
from kdexplorer.runs.claims import Held
from kdexplorer.runs.executors import Executor, LocalProcess
from kdexplorer.runs.limits import LOCAL, Limits
from kdexplorer.runs.run import RESUMABLE, Run
from kdexplorer.runs.store import Store

REWARM_SECONDS = 10.0  # a run's first seconds are its own
EVERYTHING = 1_000_000_000
MOST_SEEDS = 10
MOST_TAGS, TAG_LENGTH = 12, 32
NOTE_LENGTH = 2_000  # characters


class Refused(ConfigError):
    """This person may not do this, or not now; the message says why."""


class Manager:
    """Starts, steers and removes runs. An `actor` is a browser's token; None is the machine's own person.

    Args:
        store: where runs live.
        limits: what one person may ask for.
        executor: where runs are trained; by default in processes that outlive this one.
    """

    def __init__(self, store: Store, limits: Limits = LOCAL, executor: Executor | None = None) -> None:
        self.store, self.limits = store, limits
        self._executor = executor or LocalProcess(store.home)
        self._ticking = threading.RLock()
        self._warm_from: float | None = None  # when a spare is due; None: nobody asked for one yet

    def start(
        self, config: RunConfig, *, actor: str | None, at_once: bool = False, run_id: str | None = None
    ) -> str:
        """Put a run into the queue, launch it if the machine is free, and return its id.

        `at_once` trains it out of turn, beside what is going on.

        Raises:
            ConfigError: it names what does not exist, or goes beyond the limits.
            Refused: the queue is full, or the person has enough runs.
        """
        owner = self._admit(config, 1, actor)
        run_id = self.store.create(config, owner=owner, run_id=run_id)
        if at_once:
            if (claimed := claims.claim(self.store, concurrent=None, run_id=run_id)) is not None:
                self._launch(claimed)
        else:
            self.tick()
        return run_id

    def start_seeds(self, config: RunConfig, seeds: int | Sequence[int], *, actor: str | None) -> list[str]:
        """Queue the same run with several seeds, as one batch, and return the ids in that order; all, or none.

        `seeds`: how many, counted up from the config's own; or which.

        Raises:
            ConfigError: as `start`; or the seeds are none, too many or the same.
            Refused: as `start`.
        """
        first = config.training.seed
        wanted = [first + n for n in range(min(seeds, 1000))] if isinstance(seeds, int) else list(seeds)
        if not 1 <= len(wanted) <= MOST_SEEDS:
            raise ConfigError(f"seeds: from 1 to {MOST_SEEDS} (got {len(wanted)}).")
        if len(set(wanted)) < len(wanted):
            raise ConfigError("seeds: each only once; the same seed gives the same run.")
        configs = [with_values(config, {"training.seed": seed}) for seed in wanted]
        if len(configs) == 1:
            return [self.start(configs[0], actor=actor)]
        owner = self._admit(config, len(configs), actor)
        run_ids = self.store.create_batch(configs, owner=owner)
        self.tick()
        return run_ids

    def _admit(self, config: RunConfig, count: int, actor: str | None) -> str:
        """The owner's mark, if this person may queue `count` such runs now."""
        catalog.check_config(config)
        self.limits.check(config)
        owner = hash_of(actor)
        most, room = self.limits.runs_per_owner, self.limits.queue_length
        if actor is not None and most is not None:
            mine = claims.waiting(self.store, owner)
            if mine >= most:
                raise Refused(f"You have {most} runs going on or waiting: wait for one, or stop it.")
            if mine + count > most:
                raise Refused(
                    f"You may have {most} runs going on or waiting, and have {mine}: take fewer seeds."
                )
        waiting = claims.waiting(self.store)
        if waiting >= room:
            raise Refused(f"{room} runs are waiting already: try again later.")
        if waiting + count > room:
            raise Refused(f"{waiting} runs are waiting, of at most {room}: take fewer seeds.")
        return owner

    def may_control(self, run_id: str, actor: str | None) -> bool:
        """Whether the actor may do more than watch; False for an unknown run."""
        try:
            return self._may_control(self.store.run(run_id), actor)
        except ConfigError:
            return False

    def command(self, run_id: str, command: Command, *, actor: str | None) -> None:
        """Send a command to a run that goes on. A waiting run can be stopped; a finished one can be extended.

        Raises:
            Refused: not this person's run, or the run is in no state for it.
        """
        run = self._controlled(run_id, actor)
        if isinstance(command, Extend):
            most = self.limits.max_steps
            if most is not None and run.steps + command.steps > most:
                raise Refused(f"A run may have at most {most:,} steps here; this one has {run.steps:,}.")
        if run.active:
            self.store.send(run_id, command)
        elif run.status == "queued" and isinstance(command, Stop):
            if claims.claim(self.store, concurrent=None, run_id=run_id) is not None:
                self.store.append(run_id, [RunFinished(step=run.step, reason="stopped", seconds=0.0)])
            else:
                self.store.send(run_id, command)
        elif run.status == "queued":
            raise Refused("This run waits for its turn: it can be stopped, nothing else yet.")
        elif isinstance(command, Extend) and self.checkpoints(run_id):
            claims.requeue(self.store, run_id, [command])
            self.tick()
        else:
            next_step = "give it more steps" if run.status == "finished" else "resume it"
            raise Refused(f"This run is {run.status}: {next_step}, or fork it from a checkpoint.")

    def resume(self, run_id: str, *, actor: str | None) -> None:
        """Go on after a pause, or from the last checkpoint of a run that ended early (else from its start).

        Raises:
            Refused: not this person's run, or there is nothing left to do.
        """
        run = self._controlled(run_id, actor)
        if run.active:
            self.store.send(run_id, Resume())
        elif run.status in RESUMABLE:
            claims.requeue(self.store, run_id)
            self.tick()
        elif run.status == "finished":
            raise Refused("This run has done all its steps: give it more steps, or fork it.")

    def fork(self, run_id: str, *, step: int | None, changes: Mapping[str, Any], actor: str | None) -> str:
        """Start a child from a checkpoint, with other knobs; returns its id. Everybody may fork any run.

        The child's config is the parent's with the knobs turned up to there, then `changes` (dotted paths).
        It begins at the parent's last checkpoint at or before `step`.

        Raises:
            Refused: there is no checkpoint to begin from.
            ConfigError: a change leads to no valid run.
        """
        parent = self.store.run(run_id)
        folder = self.store.folder(run_id)
        steps = checkpoint_steps(folder)
        usable = [at for at in steps if step is None or at <= step]
        if not usable:
            has = f"it has those of steps {', '.join(map(str, steps))}" if steps else "it has none yet"
            where = "" if step is None else f" at or before step {step}"
            raise Refused(f"There is no checkpoint{where} to fork from ({has}).")
        at = usable[-1]
        log = (
            event_from_dict(stored.event)
            for stored in self.store.events(run_id, 0, EVERYTHING, kinds=("knob", "extended", "checkpoint"))
        )
        config = with_values(config_at(parent.config, log, at), changes)
        if config.training.steps <= at:
            raise ConfigError(
                f"training.steps: the fork begins at step {at}, so it needs more than that (got "
                f"{config.training.steps})."
            )
        config = config.model_copy(update={"parent": Parent(run=run_id, step=at)})
        catalog.check_config(config)  # before anything is copied
        self.limits.check(config)
        child = self.store.new_id()
        try:
            copy_checkpoint(folder, self.store.folder(child), at)
            return self.start(config, actor=actor, run_id=child)
        except ConfigError:
            shutil.rmtree(self.store.folder(child), ignore_errors=True)
            raise

    def delete(self, run_id: str, *, actor: str | None) -> None:
        """Remove a run with everything it wrote.

        Raises:
            Refused: not this person's run, or it is going on.
        """
        run = self._controlled(run_id, actor)
        if run.active:
            raise Refused("This run is going on: stop it first.")
        folder = self.store.folder(run_id)
        if folder.is_symlink():  # what lies behind it is not ours
            raise Refused(f"{folder} is a link: remove it by hand.")
        self.store.forget(run_id)
        shutil.rmtree(folder, ignore_errors=True)

    def rename(self, run_id: str, name: str, *, actor: str | None) -> None:
        """Change what the history calls a run (at most 80 characters)."""
        self._controlled(run_id, actor)
        self.store.rename(run_id, " ".join(name.split())[:80])

    def tag(self, run_id: str, tags: Sequence[str], *, actor: str | None) -> list[str]:
        """Give a run these tags instead of those it has; returns them as they are kept.

        Raises:
            ConfigError: there are too many, or one is too long.
            Refused: not this person's run.
        """
        self._controlled(run_id, actor)
        words = (" ".join(part.split()) for tag in tags for part in tag.split(","))
        kept = list(dict.fromkeys(word for word in words if word))
        if len(kept) > MOST_TAGS or any(len(word) > TAG_LENGTH for word in kept):
            raise ConfigError(f"tags: at most {MOST_TAGS}, each of at most {TAG_LENGTH} characters.")
        self.store.label(run_id, tags=kept)
        return kept

    def annotate(self, run_id: str, note: str, *, actor: str | None) -> None:
        """Keep a note beside a run instead of the one it has (plain text).

        Raises:
            ConfigError: it is too long.
            Refused: not this person's run.
        """
        self._controlled(run_id, actor)
        if len(note) > NOTE_LENGTH:
            raise ConfigError(f"note: at most {NOTE_LENGTH:,} characters (got {len(note):,}).")
        self.store.label(run_id, note=note.strip())

    def checkpoints(self, run_id: str) -> list[int]:
        """The steps a run can be forked at, ascending."""
        self.store.run(run_id)
        return checkpoint_steps(self.store.folder(run_id))

    def describe(self, config: RunConfig, *, seconds: float = 2.0) -> dict[str, Any]:
        """Parameter counts and compression ratio of the pair, or `{"reason": why not now}`."""
        return self._executor.describe(config, seconds)

    def warm(self) -> None:
        """Keep a spare worker ready from now on; returns at once."""
        self._warm_from = self._warm_from or time.monotonic()
        self._keep_warm()

    def tick(self) -> None:
        """End what has lost its worker, launch what can be launched, warm a spare. Cheap; call it often."""
        with self._ticking:
            self.mourn()
            while claimed := claims.claim(self.store, concurrent=self.limits.concurrent_runs):
                self._launch(claimed)
            self._keep_warm()

    def mourn(self) -> None:
        """End the runs whose worker is gone: they show as interrupted, with the reason."""
        self._executor.reap()
        for found in claims.held(self.store):
            if not found.alive:
                self._lost(found)

    def close(self) -> None:
        """Let the spare worker go; runs go on."""
        self._executor.close()

    def _launch(self, claimed: claims.Claim) -> None:
        if self._warm_from is not None:
            self._warm_from = time.monotonic() + REWARM_SECONDS
        try:
            self._executor.launch(self.store, claimed, self.limits)
        except OSError as error:
            claims.break_claim(
                self.store,
                claimed,
                f"No worker could be started: {error}",
                "Close other programs.",
                status="failed",
            )

    def _keep_warm(self) -> None:
        if self._warm_from is not None and time.monotonic() >= self._warm_from:
            with contextlib.suppress(OSError):  # no process can be made just now: the next tick tries again
                self._executor.warm(gently=bool(claims.held(self.store)))

    def _lost(self, found: Held) -> None:
        code = self._executor.exit_code(found.pid)
        advice = resume_advice(self.store.folder(found.claim.run_id))
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
            reason = f"The worker was killed (signal {-code}, {name})."
            if -code == signal.SIGKILL:
                advice = f"Often the system ran out of memory: take a smaller batch or model. {advice}"
        else:
            reason = f"The worker ended without a word{f' (exit code {code})' if code else ''}."
            if last := self._last_words(found.claim.run_id):
                reason = f"{reason} Its last words: {last}"
        claims.break_claim(self.store, found.claim, reason, advice)

    def _last_words(self, run_id: str) -> str:
        try:
            log = self.store.folder(run_id) / "worker.log"
            lines = log.read_text(encoding="utf-8", errors="replace")[-4000:].split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip()]
        fatal = [line for line in said if line.startswith("Fatal Python error")]
        return (fatal or said or [""])[-1][:200]

    def _may_control(self, run: Run, actor: str | None) -> bool:
        if actor is None or (not run.owner and self.limits.share_local):
            return True
        return hmac.compare_digest(run.owner, hash_of(actor))

    def _controlled(self, run_id: str, actor: str | None) -> Run:
        run = self.store.run(run_id)
        if not self._may_control(run, actor):
            raise Refused("This is someone else's run: you can watch it or fork it, not control it.")
        return run


def hash_of(actor: str | None) -> str:
    """What the store keeps of a browser's token; empty for the machine's own person."""
    return "" if actor is None else hashlib.sha256(actor.encode()).hexdigest()
