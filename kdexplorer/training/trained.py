"""The networks of a run that has ended, ready to be used on images; none of its data is opened."""

from __future__ import annotations

import torch

from kdexplorer.config import CONTROL, NetworkConfig, RunConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.weights import load_weights
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS
from kdexplorer.training.session import device_of

TEACHER = "teacher"


def trained_network(config: RunConfig, run_id: str, which: str | None = None) -> Network:
    """One network of a run, in evaluation mode, on the device that the run asks for.

    Args:
        which: a student's name, or `teacher`; None takes the first student that distils.

    Raises:
        ConfigError: the run has no such network, or its weights are gone.
    """
    names = [variant.name for variant in config.cohort]
    which = which or names[0]
    if which == TEACHER:
        if config.teacher is None:
            raise ConfigError("This run has no teacher.")
        chosen = config.teacher
    elif which in names:
        chosen = NetworkConfig(
            id=config.student.id, params=config.student.params, weights=f"run:{run_id}/{which}"
        )
    else:
        raise ConfigError(
            f"There is no network {which!r} in this run: choose {', '.join(names)} or {TEACHER}."
        )
    return _ready(chosen, TASKS[config.task].io_of(config), config)


def trained_networks(config: RunConfig, run_id: str) -> tuple[dict[str, Network], list[str]]:
    """All networks of a run by name: control, students, then the teacher where its weights are still there; and what
    is left out, in words.

    Raises:
        ConfigError: a student's weights are gone.
    """
    names = sorted((variant.name for variant in config.cohort), key=lambda name: name != CONTROL)
    found = {name: trained_network(config, run_id, name) for name in names}
    notes = []
    if config.teacher is not None:
        try:
            found[TEACHER] = trained_network(config, run_id, TEACHER)
        except ConfigError as error:
            notes.append(f"The teacher is left out: {error}")
    return found, notes


def _ready(chosen: NetworkConfig, io: ModelIO, config: RunConfig) -> Network:
    network = build_network(chosen, io, seed=config.training.seed)
    load_weights(network, chosen.weights)
    device = device_of("cpu" if config.training.device == "cpu" else "auto")
    network.module.requires_grad_(False).eval().to(device).to(memory_format=torch.channels_last)
    return network
