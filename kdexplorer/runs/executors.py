"""Where a claimed run is trained: in a process of its own, or in this one."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from kdexplorer.config import RunConfig
from kdexplorer.events import Event
from kdexplorer.runs.claims import Claim, hold
from kdexplorer.runs.limits import Limits
from kdexplorer.runs.store import Store

DYING_SECONDS = 2.0


class Executor(Protocol):
    """What the manager asks of a place to train."""

    def launch(self, store: Store, claimed: Claim, limits: Limits) -> None:
        """Begin to train a claimed run; raises OSError if that cannot begin."""
        ...

    def describe(self, config: RunConfig, seconds: float) -> dict[str, Any]:
        """The facts of `kdexplorer.training.describe`, or `{"reason": why not}` if they take longer."""
        ...

    def warm(self, *, gently: bool = False) -> None:
        """Prepare for the next run; returns at once."""
        ...

    def exit_code(self, pid: int) -> int | None:
        """How a process that is gone ended (-9: by signal 9); None if it was not started here."""
        ...

    def reap(self) -> bool:
        """Take note of the processes that ended; whether any that was started here is left."""
        ...

    def close(self) -> None:
        """Let the prepared go; runs that have begun go on."""
        ...


class Inline:
    """Trains in this process, so that `launch` returns at the end. For notebooks and the command line."""

    def __init__(self, on_event: Callable[[Event], None] = lambda event: None) -> None:
        self._on_event = on_event

    def launch(self, store: Store, claimed: Claim, limits: Limits) -> None:
        from kdexplorer.runs.drain import drain

        drain(store, claimed, limits, self._on_event)

    def describe(self, config: RunConfig, seconds: float) -> dict[str, Any]:
        from kdexplorer.training import describe

        return describe(config)

    def warm(self, *, gently: bool = False) -> None:
        pass

    def exit_code(self, pid: int) -> int | None:
        return None

    def reap(self) -> bool:
        return False

    def close(self) -> None:
        pass


class LocalProcess:
    """Trains in processes that outlive this one; keeps one spare that has loaded torch already."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._spare: Spare | None = None
        self._children: dict[int, subprocess.Popen[str]] = {}

    def launch(self, store: Store, claimed: Claim, limits: Limits) -> None:
        with self._lock:
            spare, self._spare = self._spare, None
        order = {"op": "run", **claimed._asdict(), "limits": limits.model_dump()}
        if spare is None or not spare.hand_over(order):
            spare = Spare(self._home, log=store.folder(claimed.run_id) / "worker.log")
            if not spare.hand_over(order):
                raise OSError("the worker process ended at once")
        self._children[spare.process.pid] = spare.process
        hold(store, claimed, spare.process.pid)

    def describe(self, config: RunConfig, seconds: float) -> dict[str, Any]:
        with self._lock:
            spare = self._spare
        if spare is None:
            return {"reason": "No worker is ready to look at the networks."}
        return spare.describe(config, seconds)

    def warm(self, *, gently: bool = False) -> None:
        with self._lock:
            if self._spare is None or self._spare.process.poll() is not None:
                self._spare = Spare(self._home, log=self._home / "spare.log", gently=gently)

    def exit_code(self, pid: int) -> int | None:
        child = self._children.get(pid)
        if child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):  # dead, but its threads may still be going
                return child.wait(DYING_SECONDS)
        return None

    def reap(self) -> bool:
        return None in [child.poll() for child in self._children.values()]

    def close(self) -> None:
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.dismiss()


def python_path() -> str:
    """`PYTHONPATH` with the folder this package lies in: it need not be installed."""
    own = Path(__file__).parents[2]
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(([given] if given else []) + ([] if own.name == "site-packages" else [str(own)]))


class Spare:
    """A worker that has no run yet. Its stderr goes to `log`."""

    def __init__(self, home: Path, *, log: Path, gently: bool = False) -> None:
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._ready = threading.Event()
        self._asking = threading.Lock()
        self._asked = 0
        # -P: a torch.py in the folder that the person works in is none of ours.
        command = [sys.executable, "-P", "-m", "kdexplorer.runs.worker", "--home", str(home)]
        with log.open("w", encoding="utf-8") as written:
            self.process = subprocess.Popen(
                [*command, *(["--gently"] if gently else [])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C in the server's terminal is not meant for it
                env={**os.environ, "KDX_HOME": str(home), "PYTHONPATH": python_path()},
            )
        self._reader = threading.Thread(target=self._read, name="spare-worker", daemon=True)
        self._reader.start()

    def hand_over(self, order: dict[str, Any]) -> bool:
        """Give it its run, and let it go; False if it is gone."""
        with self._asking:
            handed = self.process.poll() is None and self._write(order)
            self._hang_up()
            return handed

    def describe(self, config: RunConfig, seconds: float) -> dict[str, Any]:
        with self._asking:
            if not self._ready.wait(min(seconds, 0.05)):
                return {"reason": "The worker is still loading."}
            self._asked += 1
            if not self._write(
                {"op": "describe", "id": self._asked, "config": config.model_dump(mode="json")}
            ):
                return {"reason": "The worker has gone."}
            with contextlib.suppress(queue.Empty):
                while True:  # answers that came too late for those who asked are passed over
                    answer = self._answers.get(timeout=seconds)
                    if answer.get("id") == self._asked:
                        facts: dict[str, Any] = answer["facts"]
                        return facts
        return {"reason": "The worker takes too long."}

    def dismiss(self) -> None:
        """End it, whether it has loaded or not; it holds nothing that could be lost."""
        self._hang_up()
        self.process.terminate()
        self.process.wait()

    def _hang_up(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def _write(self, order: dict[str, Any]) -> bool:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                answer = json.loads(line)
                if answer.get("op") == "ready":
                    self._ready.set()
                else:
                    self._answers.put(answer)
