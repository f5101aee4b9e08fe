"""How the page's process asks the inspector: one question at a time, with a time limit, restarted when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kdexplorer.params import ConfigError
from kdexplorer.runs.executors import python_path

LOADING_SECONDS = 120.0
WAITING = 8  # questions that may wait for the one that is being answered
MAX_CACHED = 16_000_000  # characters of answers that are kept
GIVE_WAY_SECONDS = 0.2  # between requests to a measurement that it give way
MEASURE = "measure"
GONE = object()


class Busy(ConfigError):
    """Not now: the same question may be answered in a moment."""


class InspectionClient:
    """Asks an inspector process over `home`, which is started at the first question; safe for many threads."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(WAITING)
        self._process: _Process | None = None
        self._cached: OrderedDict[str, str] = OrderedDict()
        self._cached_size = 0
        self._caching = threading.Lock()

    def ask(
        self,
        op: str,
        seconds: float,
        *,
        busy: bool = False,
        keep: bool = False,
        still: Callable[[], bool] = lambda: True,
        **question: Any,
    ) -> Any:
        """The answer to one question.

        Args:
            op: what is asked, see `kdexplorer.runs.inspector`.
            seconds: what it may take once the inspector has loaded.
            busy: a run is training: use one thread.
            keep: the same question has the same answer for good.
            still: whether that holds, asked when the answer is there.

        Raises:
            ConfigError: the inspector says why not, takes too long, or has ended; in words.
        """
        key = json.dumps([op, question], sort_keys=True)
        with self._caching:
            if keep and key in self._cached:
                self._cached.move_to_end(key)
                return json.loads(self._cached[key])
        if not self._places.acquire(blocking=False):
            raise Busy("Many are asking at once: try again in a moment.")
        try:
            if not self._its_turn(op, seconds):
                raise Busy("Another question is being answered: try again in a moment.")
            try:
                answer = self._answer({"op": op, "busy": busy, **question}, seconds)
            finally:
                self._lock.release()
        finally:
            self._places.release()
        if "busy" in answer:
            raise Busy(answer["busy"])
        if "error" in answer:
            raise ConfigError(answer["error"])
        if keep and still():
            self._keep(key, json.dumps(answer))
        return answer

    def _its_turn(self, op: str, seconds: float) -> bool:
        """Wait for the lock; a measurement gives way to whatever somebody wants to look at."""
        until = time.monotonic() + seconds
        while not self._lock.acquire(timeout=max(0.0, min(GIVE_WAY_SECONDS, until - time.monotonic()))):
            if time.monotonic() >= until:
                return False
            if op != MEASURE:
                self.give_way()
        return True

    def give_way(self) -> None:
        """A measurement that is going on ends at its next step, and its question gets `Busy`; nothing else does."""
        if (process := self._process) is not None:
            process.give_way()

    def warm(self) -> None:
        """Start the inspector, and return at once."""
        if self._lock.acquire(blocking=False):
            try:
                self._running()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End the inspector."""
        with self._lock:
            if self._process is not None:
                self._process.end()
            self._process = None

    def _running(self) -> _Process:
        if self._process is None or self._process.ended:
            if self._process is not None:
                self._process.end()
            self._process = _Process(self._home)
        return self._process

    def _answer(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            process = self._running()
        except OSError as error:
            raise ConfigError(f"No process can be started to look into runs: {error.strerror}.") from None
        try:
            return process.ask(question, seconds)
        except TimeoutError:
            if not process.ready:
                raise Busy(
                    "The process that looks into runs is still loading: try again in a moment."
                ) from None
            process.end()
            raise ConfigError(
                f"This takes longer than {seconds:g} s here: choose less of it (fewer images, a smaller network)."
            ) from None
        except EOFError:
            process.end()
            if not process.ready:
                raise ConfigError(
                    "The process that looks into runs could not start: inspector.log in the home folder says why."
                ) from None
            raise ConfigError(
                "The process that looks into runs has ended, often because the memory was used up. It starts anew: "
                "try again, or choose less."
            ) from None

    def _keep(self, key: str, answer: str) -> None:
        with self._caching:
            if key not in self._cached:
                self._cached[key] = answer
                self._cached_size += len(key) + len(answer)
            while self._cached_size > MAX_CACHED:
                old, kept = self._cached.popitem(last=False)
                self._cached_size -= len(old) + len(kept)


class _Process:
    """One inspector process. Its stderr goes to `inspector.log` under home."""

    def __init__(self, home: Path) -> None:
        self._answers: queue.Queue[Any] = queue.Queue()
        self._asked = 0
        self._doing = ""
        self.ready = False
        command = [sys.executable, "-P", "-m", "kdexplorer.runs.inspector", "--home", str(home)]
        with (home / "inspector.log").open("w", encoding="utf-8") as written:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C in the server's terminal: it ends when its stdin closes
                env={**os.environ, "KDX_HOME": str(home), "PYTHONPATH": python_path()},
            )
        threading.Thread(
            target=_read, args=(self.process, self._answers), name="inspector-answers", daemon=True
        ).start()
        self._finalizer = weakref.finalize(self, _end, self.process)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Raises TimeoutError or EOFError; then the process is of no more use, unless it was still loading."""
        if not self.ready:
            self._next(time.monotonic() + LOADING_SECONDS)
            self.ready = True
        self._asked += 1
        self._doing = question["op"]
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({**question, "id": self._asked}) + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            raise EOFError from None
        answer: dict[str, Any] = self._next(time.monotonic() + seconds)["answer"]
        self._doing = ""
        return answer

    def give_way(self) -> None:
        """Ask a measurement to end before its time; where there are no such signals, it ends in its own."""
        if self._doing == MEASURE and hasattr(signal, "SIGUSR1"):
            self.process.send_signal(signal.SIGUSR1)

    def _next(self, deadline: float) -> dict[str, Any]:
        try:
            said = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None
        if said is GONE:
            raise EOFError
        found: dict[str, Any] = said
        return found

    def end(self) -> None:
        """End it, whatever it is doing; it holds nothing that could be lost."""
        self._finalizer()


def _read(process: subprocess.Popen[str], answers: queue.Queue[Any]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError), process.stdout as lines:
        for line in lines:
            answers.put(json.loads(line))
    answers.put(GONE)


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.kill()
    process.wait()
