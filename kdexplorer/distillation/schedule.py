"""How a weight or a parameter moves over a run."""

from __future__ import annotations

import math

from kdexplorer.config import Active, Schedule


def factor_at(schedule: Schedule, step: int, steps: int) -> float:
    """The factor on what a knob says, for the update from `step` to `step + 1` of a run of `steps`."""
    if schedule.kind == "constant":
        return 1.0
    until = schedule.until or steps
    if schedule.kind == "step":
        return schedule.end if step >= schedule.begin else schedule.start
    progress = min(max((step - schedule.begin) / max(until - schedule.begin, 1), 0.0), 1.0)
    if schedule.kind == "warmup":
        return progress
    if schedule.kind == "cosine":
        progress = (1 - math.cos(math.pi * progress)) / 2
    return schedule.start + (schedule.end - schedule.start) * progress


def is_active(active: Active, step: int, stage: int = 0) -> bool:
    """Whether a term is in the sum of the update that follows `step`, after `stage` plateaus."""
    in_time = active.begin <= step and (not active.until or step < active.until)
    return in_time and active.stage <= stage and (not active.until_stage or stage < active.until_stage)
