"""Every method for the same short budget, beside one control: what it gains, how long a step takes, what it needs.

    python benchmarks/methods.py --settings shapes denoise --log methods.jsonl      # bundled data
    python benchmarks/methods.py --settings cifar --images FOLDER --teacher FILE --log methods.jsonl
    python benchmarks/methods.py --settings shapes denoise cifar --log methods.jsonl --table

`FOLDER` holds CIFAR-10 as .npz files, `FILE` a ResNet-56 for it (see README). Prints a Markdown table per setting: the
difference to the control at the end (mean over seeds, 95 % t-interval over seeds), and time per step and peak memory of
the method alone ÷ those of the control alone. What the log holds is not done again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from methods_table import Log, table

AT_ONCE = 6  # variants of one cohort
WARM, TURNS = 3, 15  # steps before, and steps that count
PARTS = ("gain", "memory", "time")


def base(setting: str, options: argparse.Namespace) -> Any:
    """The run without its variants."""
    from kdexplorer.config import RunConfig, with_values
    from kdexplorer.presets import preset_config

    changes = {
        "training.steps": options.steps,
        "training.evaluate_every": 1_000_000,
        "training.checkpoint_every": 1_000_000,
        "training.gradient_every": 0,
    }
    if setting != "cifar":
        return with_values(preset_config({"shapes": "shapes", "denoise": "denoise"}[setting]), changes)
    if not options.images or not options.teacher:
        raise SystemExit("cifar: give --images FOLDER and --teacher FILE")
    values = {
        "task": "classification",
        "data": {
            "source": {"id": "npz", "params": {"path": str(Path(options.images).resolve())}},
            "augmentations": [{"id": "flip"}, {"id": "crop"}],
            "held_out": 1000,
        },
        "teacher": {
            "id": "cifar_resnet",
            "params": {"depth": 56},
            "weights": f"file:{Path(options.teacher).resolve()}",
        },
        "student": {"id": "cifar_resnet", "params": {"depth": 20}},
        "training": {"batch_size": 32, "learning_rate": 0.003},
    }
    return with_values(RunConfig.from_dict(values), changes)


def variant(method: Any, task_weight: float, task: str) -> dict[str, Any]:
    """One method beside the task's loss, at the weight and schedule of its authors."""
    schedule = {"kind": method.schedule, "until": 0} if method.schedule != "constant" else {}
    term = {"method": method.id, "weight": method.weight_for(task), "schedule": schedule}
    return {"name": method.id, "task_weight": task_weight, "terms": [term]}


def fitting(setting: str, config: Any, methods: list[Any], log: Log) -> list[Any]:
    """The methods that fit the pair; why the others do not goes into the log."""
    from kdexplorer.config import RunConfig
    from kdexplorer.params import ConfigError
    from kdexplorer.training.session import Session

    fit = []
    for method in methods:
        if (method.tasks and config.task not in method.tasks) or log.find(
            kind="refused", setting=setting, method=method.id
        ):
            continue
        values = {**config.model_dump(mode="json"), "variants": [variant(method, 1.0, config.task)]}
        if log.find(kind="gain", setting=setting, method=method.id):
            fit.append(method)
            continue
        try:
            session = Session(RunConfig.from_dict(values), None, None)
            session.cohort.train_step(0, 10)  # some only find out on real features
            fit.append(method)
        except ConfigError as error:
            log.add(kind="refused", setting=setting, method=method.id, reason=str(error).splitlines()[0])
    return fit


def gains(setting: str, config: Any, methods: list[Any], seeds: int, log: Log) -> None:
    """One cell a method and seed: value, control and their difference at the end."""
    from kdexplorer.config import RunConfig
    from kdexplorer.events import Evaluated, RunFailed
    from kdexplorer.training import fit

    for seed in range(seeds):
        place = {"kind": "gain", "setting": setting, "steps": config.training.steps, "seed": seed}
        missing = [method for method in methods if not log.find(**place, method=method.id)]
        for first in range(0, len(missing), AT_ONCE):
            part = missing[first : first + AT_ONCE]
            values = config.model_dump(mode="json")
            values["training"]["seed"] = seed
            values["variants"] = [variant(method, 1.0, config.task) for method in part]
            last = None
            for event in fit(RunConfig.from_dict(values)):
                if isinstance(event, RunFailed):
                    raise SystemExit(f"{[m.id for m in part]}, seed {seed}: {event.reason}")
                last = event if isinstance(event, Evaluated) else last
            assert last is not None
            for found in last.verdicts:
                scores = {"value": found.value, "control": found.control, "difference": found.difference}
                log.add(**place, method=found.variant, **scores)
            print(f"  {setting}, seed {seed}: {', '.join(m.id for m in part)}", file=sys.stderr, flush=True)


def step_seconds(session: Any, step: int) -> float:
    begin = time.perf_counter()
    session.cohort.train_step(step, session.steps)
    session.cohort.read_losses(session.steps)
    return time.perf_counter() - begin


def times(setting: str, config: Any, methods: list[Any], log: Log) -> None:
    """One cell a method: time per step ÷ the control's, step by step in turn, in this process."""
    from kdexplorer.config import RunConfig
    from kdexplorer.training.session import Session

    values = config.model_dump(mode="json")
    control = Session(RunConfig.from_dict({**values, "variants": [], "control": True}), None, None)
    for method in methods:
        if log.find(kind="time", setting=setting, method=method.id):
            continue
        alone = RunConfig.from_dict(
            {**values, "variants": [variant(method, 1.0, config.task)], "control": False}
        )
        session = Session(alone, None, None)
        for step in range(WARM):
            step_seconds(session, step), step_seconds(control, step)
        pairs = [
            (step_seconds(session, step), step_seconds(control, step)) for step in range(WARM, WARM + TURNS)
        ]
        own, other = (statistics.median(part) for part in zip(*pairs, strict=True))
        log.add(kind="time", setting=setting, method=method.id, ratio=own / other, control_ms=1000 * other)
        print(f"  {setting}, {method.id}: time ×{own / other:.2f}", file=sys.stderr, flush=True)


def peak_bytes(values: dict[str, Any]) -> float:
    """Peak bytes of one configuration, in a process of its own."""
    code = (
        "import json, sys, torch\n"
        "from kdexplorer.config import RunConfig\n"
        "from kdexplorer.training.measurement import measure, resident_bytes\n"
        "import kdexplorer.training.session\n"
        "print(measure(RunConfig.from_dict(json.load(sys.stdin)), resident=resident_bytes())['memory'] or 'nan')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(values), capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def memories(setting: str, config: Any, methods: list[Any], log: Log) -> None:
    """One cell a method: peak memory ÷ the control's. Other programs do not change it."""
    values = config.model_dump(mode="json")
    control = None
    for method in methods:
        if log.find(kind="memory", setting=setting, method=method.id):
            continue
        control = control or peak_bytes({**values, "variants": [], "control": True})
        own = peak_bytes({**values, "variants": [variant(method, 1.0, config.task)], "control": False})
        log.add(kind="memory", setting=setting, method=method.id, ratio=own / control)
        print(f"  {setting}, {method.id}: memory ×{own / control:.2f}", file=sys.stderr, flush=True)


def main() -> None:
    from kdexplorer.distillation import METHODS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    settings = ("shapes", "denoise", "cifar")
    parser.add_argument("--settings", nargs="+", choices=settings, default=["shapes", "denoise"])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="*", help="only these")
    parser.add_argument("--images", help="cifar: a folder of .npz files")
    parser.add_argument("--teacher", help="cifar: weights of a ResNet-56")
    parser.add_argument("--log", type=Path, help="JSON lines: finished cells go here, and are not done again")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="time needs a quiet machine")
    parser.add_argument("--table", action="store_true", help="only print the tables of what the log holds")
    options = parser.parse_args()
    log = Log(options.log)
    wanted = [method for method in METHODS if not options.methods or method.id in options.methods]
    for setting in options.settings:
        if not options.table:
            config = base(setting, options)
            fit = fitting(setting, config, wanted, log)
            if "gain" in options.parts:
                gains(setting, config, fit, options.seeds, log)
            if "memory" in options.parts:
                memories(setting, config, fit, log)
            if "time" in options.parts:
                times(setting, config, fit, log)
        titles = {method.id: method.title for method in wanted}
        print(table(log, setting, options.steps, titles), "\n", flush=True)


if __name__ == "__main__":
    main()
