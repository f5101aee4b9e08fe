"""What the run's networks cost once they are trained: parameters, multiply-adds, latency and memory of one image."""

from __future__ import annotations

import statistics
import time

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from kdexplorer.events import CostMeasured, NetworkCost
from kdexplorer.models.build import Network
from kdexplorer.training.live_memory import LiveMemory
from kdexplorer.training.session import Session

WARM_UP = 2  # forwards that are not counted: kernels are chosen, caches filled
MOST_FORWARDS = 25
SECONDS = 0.4  # for a network: a large one is timed fewer times


def measure_cost(session: Session) -> CostMeasured:
    """Time teacher and student on one held-out image, batch 1; draws nothing, and stays off the run's clock."""
    begin = time.perf_counter()
    image = session.task.example().input
    networks = {"student": session.cohort.students[0].network}
    if session.teacher is not None:
        networks = {"teacher": session.teacher, **networks}
    found = CostMeasured(
        step=session.step, networks={role: cost_of(network, image) for role, network in networks.items()}
    )
    session.idle(time.perf_counter() - begin)
    return found


def cost_of(network: Network, image: Tensor) -> NetworkCost:
    """Cost of a forward in evaluation mode, float32, for `image` [1, C, H, W]."""
    training = network.module.training
    network.module.eval()
    try:
        with torch.no_grad():
            with FlopCounterMode(display=False) as counter:
                network.module(image)
            with LiveMemory() as memory:
                network.module(image)
            latency = _latency(network, image)
    finally:
        network.module.train(training)
    return NetworkCost(
        parameters=network.info.parameters,
        multiply_adds=int(counter.get_total_flops()) // 2,
        latency_ms=1000 * latency,
        peak_bytes=memory.peak,
    )


def _latency(network: Network, image: Tensor) -> float:
    """Median seconds of a forward."""
    seconds: list[float] = []
    until = time.perf_counter() + SECONDS
    for count in range(WARM_UP + MOST_FORWARDS):
        begin = time.perf_counter()
        network.module(image)
        if image.device.type == "cuda":
            torch.cuda.synchronize(image.device)
        elif image.device.type == "mps":
            torch.mps.synchronize()
        end = time.perf_counter()
        if count >= WARM_UP:
            seconds.append(end - begin)
            if end > until:
                break
    return statistics.median(seconds)
