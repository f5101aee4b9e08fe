"""The process that looks into runs, and measures what a run would cost: `python -m kdexplorer.runs.inspector`.

It loads torch at low priority, then answers questions on stdin, one a line, as JSON, each with one line on stdout.
A bad question is answered in words and ends nothing; when stdin closes, it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import logging
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdexplorer.config import DataConfig, RunConfig
from kdexplorer.home import upload_path
from kdexplorer.params import ConfigError
from kdexplorer.runs.checkpoints import checkpoint_folder
from kdexplorer.runs.limits import Limits

if TYPE_CHECKING:
    from kdexplorer.training.inspection import Inspection

log = logging.getLogger(__name__)
KEPT = 3  # opened runs
MAX_BYTES = 2 * 1024**3  # resident memory beyond which only the last opened run is kept
NICE = 10
NICE_SESSION = 5  # a third of the weight of another session: a look is answered in seconds also beside a run


class Inspector:
    """Answers questions about the runs under `home`; keeps a few of them open."""

    def __init__(self, home: Path) -> None:
        import torch

        from kdexplorer.training.degradation_preview import DegradationPreview
        from kdexplorer.training.measurement import resident_bytes

        self._home, self._torch, self._resident = home, torch, resident_bytes
        self._threads = torch.get_num_threads()
        self._at_start = resident_bytes()
        self._opened: OrderedDict[str, Inspection] = OrderedDict()
        self._degradations = DegradationPreview()
        self._give_way = False
        self._questions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "facts": self._facts,
            "attribute": self._attribute,
            "align": self._align,
            "local": self._local,
            "photo": self._photo,
            "restored": self._restored,
            "measure": self._measure,
            "degraded": self._degraded,
        }

    def give_way(self, *_: object) -> None:
        """A measurement that is going on ends at its next step; anything else goes on."""
        self._give_way = True

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer, or `{"error": in words}`; does not raise."""
        self._torch.set_num_threads(1 if question.get("busy") else self._threads)
        try:
            return self._questions[question["op"]](question)
        except ConfigError as error:
            return {"error": str(error)}
        except Exception as error:
            log.exception("%s failed", question.get("op"))
            if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
                self._opened.clear()
                return {"error": "The memory does not suffice: choose a smaller network, batch or image."}
            return {"error": "This could not be computed; inspector.log in the home folder says why."}
        finally:
            self._give_way = False  # not before: it may have been told as soon as it was asked

    def _run(self, question: dict[str, Any]) -> Inspection:
        from kdexplorer.training.inspection import Inspection

        run_id = question["run"]
        if run_id not in self._opened:
            self._opened[run_id] = Inspection(RunConfig.from_dict(question["config"]))
        self._opened.move_to_end(run_id)
        large = (self._resident() or 0) > MAX_BYTES
        while len(self._opened) > (1 if large else KEPT):
            self._opened.popitem(last=False)
        found = self._opened[run_id]
        if question.get("step") is not None:
            found.go_to(checkpoint_folder(self._home / "runs" / run_id, question["step"]))
        return found

    def _facts(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._run(question).facts()

    def _attribute(self, question: dict[str, Any]) -> dict[str, Any]:
        run = self._run(question)
        return run.attribute(question["image"], question["algorithm"], question["layer"], question["target"])

    def _align(self, question: dict[str, Any]) -> dict[str, Any]:
        run = self._run(question)
        return run.align(question["images"], question["algorithm"], question["layer"], question["target"])

    def _local(self, question: dict[str, Any]) -> dict[str, Any]:
        from kdexplorer.attribution.algorithms.local_attribution import Patch

        return self._run(question).local(question["image"], Patch(**question["patch"]), question["variant"])

    def _photo(self, question: dict[str, Any]) -> dict[str, Any]:
        from kdexplorer.training.photo import see_photo

        run = self._run(question)
        return see_photo(
            run.task,
            run.networks,
            upload_path(question["upload"]),
            degraded=question["degrade"],
            seed=question["seed"],
            max_pixels=question["max_pixels"],
            ensemble=question["ensemble"],
        )

    def _restored(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._run(question).restored(question["image"])

    def _degraded(self, question: dict[str, Any]) -> dict[str, Any]:
        return self._degradations.show(DataConfig.model_validate(question["data"]), question["draw"])

    def _measure(self, question: dict[str, Any]) -> dict[str, Any]:
        from kdexplorer.training.describe import describe
        from kdexplorer.training.measurement import Interrupted, measure

        config, limits = RunConfig.from_dict(question["config"]), Limits.model_validate(question["limits"])
        sizes = describe(config)  # on no device: a network that is too large is never built
        if sizes["problems"]:
            raise ConfigError("\n".join(sizes["problems"]))
        for role in ("teacher", "student"):
            if sizes[role]:
                limits.check_parameters(role, sizes[role]["parameters"])
        limits.check_terms(sizes.get("terms", {}))
        try:
            return measure(config, resident=self._at_start, interrupted=lambda: self._give_way)
        except Interrupted:
            return {"busy": "Something more urgent came up: this is measured again in a moment."}
        finally:
            self._torch.set_num_threads(self._threads)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kdexplorer.runs.inspector", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    arguments = parser.parse_args()
    faulthandler.enable()
    logging.basicConfig()
    _yield_to_others()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    inspector = _loaded(arguments.home)
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, inspector.give_way)
    _say(answers, {"op": "ready"})
    for line in sys.stdin:
        question = json.loads(line)
        _say(answers, {"id": question["id"], "answer": inspector.answer(question)})
    return 0


def _yield_to_others() -> None:
    """Take a low priority, before torch makes its threads."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICE)
    with contextlib.suppress(OSError):  # Linux may weigh sessions first, and this process has one of its own
        Path("/proc/self/autogroup").write_text(str(NICE_SESSION))


def _loaded(home: Path) -> Inspector:
    """With all that a run's worker has loaded when it begins, so that memory is counted from there."""
    import captum.attr  # noqa: F401

    import kdexplorer.training.inspection
    import kdexplorer.training.measurement  # noqa: F401

    return Inspector(home)


def _say(answers: Any, answer: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    sys.exit(main())
