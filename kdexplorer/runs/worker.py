"""The process that trains: `python -m kdexplorer.runs.worker`.

It loads torch, then waits for orders on stdin, one a line, as JSON: `describe` is answered on stdout; `run`
makes it let go of its parent's pipes, train that run into the store and end. If stdin closes before, it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import logging
import os
import select
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from kdexplorer.config import RunConfig, with_values
from kdexplorer.params import ConfigError
from kdexplorer.runs.claims import Claim
from kdexplorer.runs.limits import Limits
from kdexplorer.runs.store import Store

log = logging.getLogger(__name__)
END = object()
HANDOVER_SECONDS = (
    2.0  # a server that is up starts the next run from its warm spare; else this process sees to it
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kdexplorer.runs.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--gently", action="store_true", help="load at low priority: another run is going on")
    arguments = parser.parse_args()
    faulthandler.enable()
    _load(gently=arguments.gently)
    _say({"op": "ready"})
    chores = warm_up()
    while True:
        while not _order_waits() and next(chores, END) is not END:
            pass
        line = sys.stdin.readline()
        if not line:
            return 0
        order = json.loads(line)
        if order["op"] == "run":
            chores.close()
            return _work(arguments.home, order)
        _say(_answer(order))


def _load(*, gently: bool) -> None:
    """Import torch, at low priority if asked: in a thread, as a process cannot take its priority back."""
    thread = threading.Thread(target=_import, args=(gently,))
    thread.start()
    thread.join()


def _import(gently: bool) -> None:
    if gently and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, 10)  # on Linux that is this thread only
    import kdexplorer.training  # noqa: F401


def warm_up() -> Generator[None, None, None]:
    """Do once what a first run would wait for (decode images, create kernels, draw a preview), bit by bit.

    For the presets that one begins with; all of them would keep a core busy for more than a minute.
    """
    from kdexplorer.presets import presets
    from kdexplorer.training import fit

    changes = {"training.steps": 2, "training.threads": 0, "data.held_out": 2}
    for preset in presets().values():
        if preset.get("group") != "start":
            continue
        config = RunConfig.from_dict(preset["config"])
        if config.teacher is not None:
            config = with_values(config, {"teacher.weights": "none"})
        with tempfile.TemporaryDirectory() as folder:
            for _ in fit(with_values(config, changes), folder=Path(folder)):
                yield


def _order_waits() -> bool:
    if sys.platform == "win32":  # select works on sockets only
        return False
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _say(answer: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    if order["op"] != "describe":
        return {"op": order["op"], "error": "unknown order"}
    from kdexplorer.training import describe

    try:
        return {"op": "describe", "id": order["id"], "facts": describe(RunConfig.from_dict(order["config"]))}
    except ConfigError as error:
        return {"op": "describe", "id": order["id"], "facts": {"problems": str(error).splitlines()}}
    except Exception as error:  # whatever a person's file brings about: this process is wanted for a run
        log.exception("describe failed")
        problem = f"This cannot be checked ({type(error).__name__}); spare.log in the home folder says why."
        return {"op": "describe", "id": order["id"], "facts": {"problems": [problem]}}


def _work(home: Path, order: dict[str, Any]) -> int:
    from kdexplorer.runs.drain import drain

    store, limits = Store(home), Limits.model_validate(order["limits"])
    claimed = Claim(order["run_id"], order["worker"])
    _let_go(store.folder(claimed.run_id) / "worker.log")
    drain(store, claimed, limits)
    _start_next(store, limits)
    return 0


def _let_go(log: Path) -> None:
    """Leave the parent's pipes: from here on nobody listens, and the parent may end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nowhere, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(nowhere)
    os.close(written)


def _start_next(store: Store, limits: Limits) -> None:
    """Start what waits, unless a server does it first."""
    from kdexplorer.runs.executors import LocalProcess
    from kdexplorer.runs.manager import Manager

    time.sleep(HANDOVER_SECONDS)
    Manager(store, limits, LocalProcess(store.home)).tick()


if __name__ == "__main__":
    sys.exit(main())
