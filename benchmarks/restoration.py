"""What restoration costs, each as a ratio of two things measured side by side:

    python benchmarks/restoration.py [--checkpoint FILE] [--parts metrics degradations dckd tiles checkpoint]

- metrics: PSNR and SSIM of a batch against scikit-image in a loop, and how far they are apart;
- degradations: making a batch worse ÷ a training step of the preset *Denoise a photo*;
- dckd: a step of DCKD ÷ a step of the response alone, and where it goes;
- tiles: peak memory of a 4K image in tiles ÷ that of half of it;
- checkpoint: seconds from the start of a process to the first point of the curve, with FILE (or a small RCAN) as teacher.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

TURNS = 15


def seconds(action: Callable[[], Any], turns: int = TURNS) -> float:
    """Median; the first two do not count."""
    taken = []
    for _ in range(turns + 2):
        begin = time.perf_counter()
        action()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[2:])


def metrics() -> None:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    from kdexplorer.metrics.image import psnr, ssim

    draws = torch.Generator().manual_seed(0)
    clean = torch.rand(48, 3, 96, 96, generator=draws).mul(255).round().div(255)
    noise = torch.randn(clean.shape, generator=draws) * 0.1
    worse = (clean + noise).clamp(0, 1).mul(255).round().div(255)
    pairs = [(a.mul(255).byte().permute(1, 2, 0).numpy(), b.mul(255).byte().permute(1, 2, 0).numpy()) for a, b in zip(clean, worse, strict=True)]  # fmt: skip

    def loop() -> list[tuple[float, float]]:
        window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "win_size": 11}
        return [
            (
                peak_signal_noise_ratio(a, b),
                structural_similarity(a, b, channel_axis=2, data_range=255, full=True, **window)[1][
                    5:-5, 5:-5
                ].mean(),
            )
            for a, b in pairs
        ]

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        return psnr(worse, clean), ssim(worse, clean)

    theirs, ours = loop(), batch()
    apart = [max(abs(a - float(b)) for a, b in zip(column, mine, strict=True)) for column, mine in zip(zip(*theirs, strict=True), ours, strict=True)]  # fmt: skip
    ratio = seconds(loop, 5) / seconds(batch, 5)
    print(
        f"metrics: 48 images of 96 × 96: {ratio:.1f} times as fast; PSNR apart by {apart[0]:.1e} dB, SSIM by {apart[1]:.1e}"
    )


def degradations() -> None:
    from kdexplorer.data import DEGRADATIONS
    from kdexplorer.presets import preset_config
    from kdexplorer.training.session import Session

    session = Session(preset_config("denoise"), None, None)
    step = iter(range(10_000))

    def train() -> None:
        session.cohort.train_step(next(step), 600)
        session.cohort.read_losses(600)

    whole = seconds(train)
    images = session.task.batch(0).target
    shares = {}
    for spec in DEGRADATIONS:
        params = spec.check({})
        draws = torch.Generator().manual_seed(0)
        shares[spec.title] = (
            seconds(lambda s=spec, p=params, d=draws: s.apply(images, s.sample(images.shape, p, d), p))
            / whole
        )
    listed = ", ".join(
        f"{name} {100 * share:.1f} %" for name, share in sorted(shares.items(), key=lambda x: x[1])
    )
    print(f"degradations ÷ a step of Denoise a photo (batch 16 × 48 × 48): {listed}")


def dckd() -> None:
    from kdexplorer.config import with_values
    from kdexplorer.distillation.methods.contrastive_regularization import Contrast, dynamic_negatives
    from kdexplorer.presets import preset_config
    from kdexplorer.training.session import Session

    base = with_values(preset_config("dckd"), {"control": False, "training.gradient_every": 0})
    variants = {variant.name: variant.model_dump(mode="json") for variant in base.variants}
    sessions = {n: Session(with_values(base, {"variants": [v]}), None, None) for n, v in variants.items()}
    taken: dict[str, list[float]] = {name: [] for name in sessions}
    for step in range(3 + TURNS):  # in turn
        for name, session in sessions.items():
            begin = time.perf_counter()
            session.cohort.train_step(step, 600)
            session.cohort.read_losses(600)
            taken[name].append(time.perf_counter() - begin)
    whole, plain = (statistics.median(taken[name][3:]) for name in ("dckd", "response"))
    session = sessions["dckd"]
    student = session.cohort.students[0]
    contrast = next(
        term.learnable for term in student.objective.terms if isinstance(term.learnable, Contrast)
    )
    batch = session.task.batch(0)
    draws = torch.Generator().manual_seed(0)
    made = dynamic_negatives(contrast.history, batch.input, 5, draws)
    history = seconds(lambda: dynamic_negatives(contrast.history, batch.input, 5, draws))
    with torch.no_grad():
        looking = seconds(lambda: [contrast.encoder.levels(image) for image in (batch.target, *made)])
        following = seconds(lambda: student.follow(1))
    rest = whole - plain - history - looking - following
    print(
        f"dckd: a step of DCKD ÷ one of the response alone: {whole / plain:.2f} "
        f"({1000 * whole:.0f} ÷ {1000 * plain:.0f} ms). Of what it adds: history student {100 * history / (whole - plain):.0f} %, "
        f"encoder without gradient {100 * looking / (whole - plain):.0f} %, moving averages "
        f"{100 * following / (whole - plain):.0f} %, encoder with gradient, distances and codebook {100 * rest / (whole - plain):.0f} %"
    )


def tiles() -> None:
    code = """
import sys, resource, torch
from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.models.weights import load_weights
from kdexplorer.training.restoring import restore
from kdexplorer.weight_file import bundled_weights
card = bundled_weights()["denoise"]
config = NetworkConfig(id=card["model"], params=card["params"], weights="bundled:denoise")
network = build_network(config, ModelIO(), seed=0)
load_weights(network, config.weights)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
image = torch.rand(1, 3, 2160, int(sys.argv[1]))
restore(network.module.eval(), image, 1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    more = [
        int(
            subprocess.run(
                [sys.executable, "-c", code, width], capture_output=True, text=True, check=True
            ).stdout
        )
        / 1024
        for width in ("3840", "1920")
    ]
    print(
        f"tiles: 3840 × 2160 needs {more[0]:.0f} MiB more, {more[0] / more[1]:.2f} of what 1920 × 2160 needs"
    )


def checkpoint(file: Path | None) -> None:
    code = """
import sys, time
begin = time.time()
from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.training import fit
changes = {"teacher": {"id": "spandrel", "weights": "file:" + sys.argv[1]}, "data.gray": sys.argv[2] == "gray"}
config = with_values(preset_config(sys.argv[3]), changes)
for event in fit(config):
    if event.kind in ("step", "failed"):
        print(time.time() - begin, getattr(event, "reason", ""))
        break
"""
    with tempfile.TemporaryDirectory() as folder:
        kind, preset = "gray", "denoise"
        if file is None:
            from safetensors.torch import save_file
            from spandrel.architectures.RCAN import RCAN

            net = RCAN(scale=2, n_resgroups=2, n_resblocks=4, n_feats=32)
            file, kind, preset = Path(folder) / "rcan.safetensors", "color", "sharpen"
            save_file({key: value.contiguous() for key, value in net.state_dict().items()}, file)
        done = subprocess.run(
            [sys.executable, "-c", code, str(file), kind, preset], capture_output=True, text=True, check=True
        )
        print(
            f"checkpoint: {file.name} as teacher: first point {float(done.stdout.split()[0]):.1f} s after the process began"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("metrics", "degradations", "dckd", "tiles", "checkpoint")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--checkpoint", type=Path, help="a gray denoiser that spandrel knows")
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "metrics": metrics, "degradations": degradations, "dckd": dckd, "tiles": tiles,
        "checkpoint": lambda: checkpoint(options.checkpoint),
    }  # fmt: skip
    for name in options.parts:
        parts[name]()


if __name__ == "__main__":
    main()
