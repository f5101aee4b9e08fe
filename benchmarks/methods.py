"""Every method for the same short budget, beside one control: what it gains, how long a step takes, what it needs.

    python benchmarks/methods.py shapes denoise                 # bundled data
    python benchmarks/methods.py cifar --images FOLDER --teacher FILE

`FOLDER` holds CIFAR-10 as .npz files, `FILE` a ResNet-56 for it (see README). Prints a Markdown table per setting: the
difference to the control at the end (mean over seeds, 95 % t-interval over seeds), and time per step and peak memory of
the method alone ÷ those of the control alone, the two measured in turn.
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

# Two-sided 95 % quantiles of Student's t by degrees of freedom.
T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
AT_ONCE = 6  # variants of one cohort
ROUNDS = 3


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


def variant(method: Any, task_weight: float) -> dict[str, Any]:
    """One method beside the task's loss, at the weight and schedule of its authors."""
    schedule = {"kind": method.schedule, "until": 0} if method.schedule != "constant" else {}
    term = {"method": method.id, "weight": method.default_weight, "schedule": schedule}
    return {"name": method.id, "task_weight": task_weight, "terms": [term]}


def fitting(config: Any, methods: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """The methods that fit the pair, and why the others do not."""
    from kdexplorer.config import RunConfig
    from kdexplorer.params import ConfigError
    from kdexplorer.training.session import Session

    fit, refused = [], {}
    for method in methods:
        if method.tasks and config.task not in method.tasks:
            continue
        values = {**config.model_dump(mode="json"), "variants": [variant(method, 1.0)]}
        try:
            session = Session(RunConfig.from_dict(values), None, None)
            session.cohort.train_step(0, 10)  # some only find out on real features
            fit.append(method)
        except ConfigError as error:
            refused[method.id] = str(error).splitlines()[0]
    return fit, refused


def gains(config: Any, methods: list[Any], seeds: int) -> dict[str, list[float]]:
    """By method, one difference to the control a seed."""
    from kdexplorer.config import RunConfig
    from kdexplorer.events import Evaluated, RunFailed
    from kdexplorer.training import fit

    found: dict[str, list[float]] = {method.id: [] for method in methods}
    for seed in range(seeds):
        for first in range(0, len(methods), AT_ONCE):
            part = methods[first : first + AT_ONCE]
            values = config.model_dump(mode="json")
            values["training"]["seed"] = seed
            values["variants"] = [variant(method, 1.0) for method in part]
            last = None
            for event in fit(RunConfig.from_dict(values)):
                if isinstance(event, RunFailed):
                    raise SystemExit(f"{[m.id for m in part]}, seed {seed}: {event.reason}")
                last = event if isinstance(event, Evaluated) else last
            assert last is not None
            for verdict in last.verdicts:
                found[verdict.variant].append(verdict.difference)
            print(f"  seed {seed}: {', '.join(m.id for m in part)}", file=sys.stderr, flush=True)
    return found


def cost(values: dict[str, Any]) -> tuple[float, float]:
    """Seconds a step and peak bytes of one configuration, in a process of its own."""
    code = (
        "import json, sys, torch\n"
        "from kdexplorer.config import RunConfig\n"
        "from kdexplorer.training.measurement import measure, resident_bytes\n"
        "import kdexplorer.training.session\n"
        "found = measure(RunConfig.from_dict(json.load(sys.stdin)), resident=resident_bytes())\n"
        "print(json.dumps([found['step'], found['memory']]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(values), capture_output=True, text=True, check=True
    )
    step, memory = json.loads(done.stdout.splitlines()[-1])
    return step, memory or float("nan")


def costs(config: Any, methods: list[Any]) -> dict[str, tuple[float, float]]:
    """By method, time per step and peak memory ÷ those of the control that was measured just before."""
    values = config.model_dump(mode="json")
    control = {**values, "variants": [], "control": True}
    found = {}
    for method in methods:
        alone = {**values, "variants": [variant(method, 1.0)], "control": False}
        times, memories = [], []
        for _ in range(ROUNDS):
            (own_step, own_memory), (step, memory) = cost(alone), cost(control)
            times.append(own_step / step)
            memories.append(own_memory / memory)
        found[method.id] = (statistics.median(times), statistics.median(memories))
        print(f"  {method.id}: time ×{found[method.id][0]:.2f}", file=sys.stderr, flush=True)
    return found


def table(setting: str, options: argparse.Namespace) -> str:
    from kdexplorer.distillation import METHODS

    config = base(setting, options)
    wanted = [m for m in METHODS if not options.methods or m.id in options.methods]
    fit, refused = fitting(config, wanted)
    begin = time.perf_counter()
    differences = gains(config, fit, options.seeds)
    prices = {} if options.no_cost else costs(config, fit)
    unit = "dB" if config.task == "restoration" else "points"
    lines = [
        f"### {setting}: {options.steps} steps, batch {config.training.batch_size}, {options.seeds} seeds",
        "",
        f"| method | − control ({unit}) | 95 % over seeds | time a step | peak memory |",
        "| --- | ---: | :---: | ---: | ---: |",
    ]
    for method in fit:
        values = differences[method.id]
        mean = statistics.fmean(values)
        half = (
            T95[len(values) - 1] * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
        )
        step, memory = prices.get(method.id, (float("nan"), float("nan")))
        lines.append(
            f"| {method.title} | {mean:+.2f} | {mean - half:+.2f} … {mean + half:+.2f} | ×{step:.2f} | ×{memory:.2f} |"
        )
    lines += ["", *[f"- {id} does not fit: {reason}" for id, reason in refused.items()]]
    lines.append(f"\n{time.perf_counter() - begin:.0f} s in all.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("settings", nargs="+", choices=("shapes", "denoise", "cifar"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="*", help="only these")
    parser.add_argument("--images", help="cifar: a folder of .npz files")
    parser.add_argument("--teacher", help="cifar: weights of a ResNet-56")
    parser.add_argument("--no-cost", action="store_true", help="leave out time and memory")
    options = parser.parse_args()
    for setting in options.settings:
        print(table(setting, options), "\n", flush=True)


if __name__ == "__main__":
    main()
