"""Ways to distil a restorer, against each other: one student, one budget, several seeds, photos that nobody trained on.

    python benchmarks/study.py --data bsds=FOLDER set5=FOLDER --log study.jsonl [--steps 600] [--seeds 3] [--images 25]

Trains DCKD, FAKD, the response alone, the gated response, multi-scale features and the control in lock-step on the same
batches, on ×2 super-resolution and on denoising (σ 25), and scores all of them, and the teacher, on each folder. Prints
Markdown tables: mean PSNR and SSIM, and the PSNR's difference to the control with the 95 % t-interval over seeds. What
the log holds is not done again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from methods_table import Log, interval

RESPONSE = {"method": "response", "weight": 1.0}
WAYS: dict[str, list[dict[str, Any]]] = {
    "dckd": [
        RESPONSE,
        {"method": "contrastive_regularization", "weight": 0.1},
        {"method": "distribution_mapping", "weight": 0.001},
    ],
    "dckd_light": [
        RESPONSE,
        {"method": "contrastive_regularization"},
        {"method": "distribution_mapping"},
    ],
    "fakd": [RESPONSE, {"method": "feature_affinity"}],
    "response": [RESPONSE],
    "gated": [{"method": "gated_response", "weight": 1.0}],
    "multi-scale": [RESPONSE, {"method": "multi_scale"}],
}
TITLES = {
    "control": "control",
    "dckd": "DCKD: response, contrast, distribution",
    "dckd_light": "DCKD with a hundredth of the contrast",
    "fakd": "FAKD: response, feature affinity",
    "response": "response",
    "gated": "gated response",
    "multi-scale": "response, multi-scale features",
    "teacher": "teacher",
    "input": "input",
}
TASKS = {"x2": "sharpen", "denoise": "denoise"}


def config_of(task: str, steps: int, seed: int) -> Any:
    from kdexplorer.config import RunConfig
    from kdexplorer.distillation import METHODS
    from kdexplorer.presets import preset_config

    values = preset_config(TASKS[task]).model_dump(mode="json")
    terms = {
        name: [{"weight": METHODS[term["method"]].weight_for("restoration"), **term} for term in way]
        for name, way in WAYS.items()
    }
    values["variants"] = [{"name": name, "task_weight": 1.0, "terms": found} for name, found in terms.items()]
    values["training"] |= {"steps": steps, "seed": seed, "gradient_every": 0}
    return RunConfig.from_dict(values)


def train(config: Any) -> dict[str, Any]:
    """All networks of the run by name, trained."""
    from kdexplorer.training.session import Session

    session = Session(config, None, None)
    steps, began = config.training.steps, time.perf_counter()
    for step in range(steps):
        session.cohort.train_step(step, steps)
        if step % 50 == 49:
            session.cohort.read_losses(steps)  # raises where one is not finite
            print(f"    step {step + 1}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    networks = {student.name: student.network for student in session.cohort.students}
    for network in networks.values():
        network.module.eval()
    assert session.teacher is not None
    return {**networks, "teacher": session.teacher}


def score(
    config: Any, networks: dict[str, Any], folders: dict[str, Path], images: int
) -> dict[str, dict[str, dict[str, float]]]:
    """By folder, metric and network, the mean over the folder's first `images` images."""
    import tempfile

    from kdexplorer.data.image_file import image_files
    from kdexplorer.training.folder_evaluation import evaluate_folder

    found = {}
    for name, folder in folders.items():
        with tempfile.TemporaryDirectory() as some:
            for path in list(image_files(folder))[:images]:
                (Path(some) / path.name).symlink_to(path.resolve())
            means = evaluate_folder(config, networks, Path(some))["mean"]
        found[name] = {
            metric: {network: scores[metric] for network, scores in means.items()}
            for metric in ("psnr", "ssim")
        }
    return found


def table(log: Log, task: str, folder: str) -> str:
    cells = log.find(task=task, folder=folder)
    lines = [
        f"### {task}, {folder}: {cells[0]['steps']} steps, {len(cells)} seeds, at most {cells[0]['images']} images",
        "",
        "| | PSNR (dB) | − control (dB) | 95 % over seeds | SSIM |",
        "|---|---:|---:|:---:|---:|",
    ]
    for name, title in TITLES.items():
        values = [cell["psnr"][name] for cell in cells]
        row = f"| {title} | {statistics.fmean(values):.2f} |"
        if name in WAYS:
            mean, half = interval([cell["psnr"][name] - cell["psnr"]["control"] for cell in cells])
            row += f" {mean:+.3f} | {mean - half:+.3f} … {mean + half:+.3f} |".replace("-", "−")
        else:
            row += " | |"
        lines.append(f"{row} {statistics.fmean(cell['ssim'][name] for cell in cells):.4f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", nargs="+", required=True, metavar="NAME=FOLDER", help="clean photos to score on"
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=25, help="of each folder, the first by name")
    parser.add_argument("--log", type=Path, help="JSON lines: finished cells go here, and are not done again")
    options = parser.parse_args()
    folders = {name: Path(path) for name, _, path in (entry.partition("=") for entry in options.data)}
    log = Log(options.log)
    for task in options.tasks:
        for seed in range(options.seeds):
            place = {"task": task, "seed": seed, "steps": options.steps, "images": options.images}
            missing = {name: path for name, path in folders.items() if not log.find(**place, folder=name)}
            if not missing:
                continue
            print(f"  {task}, seed {seed}", file=sys.stderr, flush=True)
            config = config_of(task, options.steps, seed)
            for name, means in score(config, train(config), missing, options.images).items():
                log.add(**place, folder=name, **means)
        for name in folders:
            print(table(log, task, name), "\n", flush=True)


if __name__ == "__main__":
    main()
