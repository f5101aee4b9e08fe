"""What one person may ask of the machine, as one value with two profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from kdexplorer import catalog
from kdexplorer.config import RunConfig
from kdexplorer.params import ConfigError


class Limits(BaseModel):
    """Bounds on a run and on the queue; None is no bound."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_steps: int | None = None
    max_seconds: float | None = None  # wall clock since the worker began, pauses included
    max_batch: int | None = None
    max_parameters: int | None = None  # of one network
    max_pixels: int | None = None  # in one batch, or in one look at the held-out data
    max_term_bytes: int | None = None  # that all distillation terms together need beyond the networks
    max_variants: int | None = None
    queue_length: int = 1000
    runs_per_owner: int | None = None  # waiting or running at a time
    concurrent_runs: int = 1
    allow_paths: bool = True  # the person may name files of this machine
    share_local: bool = True  # the page may control what the command line started

    def check(self, config: RunConfig) -> None:
        """Refuse what goes beyond the limits, as far as the config alone tells.

        Raises:
            ConfigError: one line a problem.
        """
        training, data = config.training, config.data
        held_out = data.held_out * data.held_out_crop**2
        bounded = (
            ("training.steps", training.steps, self.max_steps),
            ("training.batch_size", training.batch_size, self.max_batch),
            ("variants", len(config.variants), self.max_variants),
        )
        problems = [
            f"{place}: at most {limit:,} here (got {value:,})."
            for place, value, limit in bounded
            if limit is not None and value > limit
        ]
        if self.max_pixels is not None and config.task == "restoration":
            if training.batch_size * data.patch**2 > self.max_pixels:
                problems.append("training.batch_size × data.patch²: too many pixels here; lower one.")
            if held_out > self.max_pixels or not data.held_out_crop:
                problems.append(
                    "data.held_out × data.held_out_crop²: too many pixels here; lower one of them."
                )
        if not self.allow_paths:
            problems += _paths(config)
        if problems:
            raise ConfigError("\n".join(problems))

    def check_parameters(self, what: str, parameters: int) -> None:
        """Refuse a network that is too large.

        Raises:
            ConfigError: it has more parameters than allowed.
        """
        if self.max_parameters is not None and parameters > self.max_parameters:
            raise ConfigError(
                f"The {what} has {parameters:,} parameters, more than the {self.max_parameters:,} allowed "
                "here: choose a smaller model, width or depth."
            )

    def check_terms(self, terms: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Refuse distillation terms that need too much memory; `terms` as `kdexplorer.training.describe` tells them.

        Raises:
            ConfigError: together they need more than allowed.
        """
        needed = sum(facts.get("memory") or 0 for found in terms.values() for facts in found.values())
        if self.max_term_bytes is not None and needed > self.max_term_bytes:
            raise ConfigError(
                f"The distillation terms need {needed / 1024**3:.1f} GB, more than the "
                f"{self.max_term_bytes / 1024**3:g} GB allowed here: choose a smaller batch, patch or fewer negatives."
            )


def _paths(config: RunConfig) -> list[str]:
    problems = [
        f"{place}.weights: files of this machine are closed here; upload the weights."
        for place, network in config.networks.items()
        if network.weights.startswith("file:")
    ]
    if catalog.entry("sources", config.data.source.id).get("reads_paths"):
        problems.append("data.source: folders of this machine are closed here; upload the images.")
    return problems


LOCAL = Limits()
PUBLIC_SPACE = Limits(
    max_steps=5_000,
    max_seconds=900,
    max_batch=128,
    max_parameters=30_000_000,
    max_pixels=2**21,
    max_term_bytes=4 * 1024**3,
    max_variants=4,
    queue_length=20,
    runs_per_owner=2,
    allow_paths=False,
    share_local=False,
)
