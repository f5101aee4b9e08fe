"""Loading weights into a network, and saving a student with its card."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from kdexplorer.home import shown_name
from kdexplorer.models.build import Network
from kdexplorer.models.checkpoint_file import match_keys, read_weights
from kdexplorer.models.spec import ModelIO
from kdexplorer.params import ConfigError
from kdexplorer.weight_file import CARD_KEY, CARD_VERSION, locate

State = Mapping[str, Tensor]


def load_weights(network: Network, weights: str) -> list[str]:
    """Load `weights` (see `NetworkConfig`) into `network`, strictly; return what the person should know.

    Raises:
        ConfigError: nothing there, not readable without running code, other keys, shapes or settings.
    """
    if network.spec.opens is not None:
        return [
            f"Weights from {_source(weights)}: {network.info.model}, {network.info.parameters:,} parameters."
        ]
    if weights == "none":
        return []
    if weights == "pretrained":
        return _load_pretrained(network)
    path = locate(weights)
    state, card = read_weights(path)
    _check_card(network, card, shown_name(path))
    _load_state(network, state, shown_name(path))
    return [f"Weights from {_source(weights)}: {network.info.parameters:,} parameters."]


def save_student(
    network: Network, path: Path, *, facts: Mapping[str, Any], dtype: torch.dtype | None = None
) -> None:
    """Write the weights as safetensors, with a card of the network and `facts` (JSON) in the header.

    The file appears whole or not at all. `dtype` (e.g. `torch.float16`) is that of the stored floats.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    card = {
        **facts,
        "version": CARD_VERSION,
        "model": network.spec.id,
        "params": dict(network.params),
        "io": asdict(network.io),
        "parameters": network.info.parameters,
    }
    state = {}
    for name, value in network.module.state_dict().items():
        stored = dtype if dtype is not None and value.is_floating_point() else value.dtype
        state[name] = value.detach().to("cpu", stored, copy=True).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        try:
            save_file(state, temporary, metadata={CARD_KEY: json.dumps(card, allow_nan=False)})
        except SafetensorError as error:
            raise OSError(f"cannot write {path.name}: {error}") from None
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _source(weights: str) -> str:
    named = weights.startswith(("file:", "upload:"))  # the others say more than a file does
    return shown_name(locate(weights)) if named else weights


def _check_card(network: Network, card: Mapping[str, Any], name: str) -> None:
    """Refuse weights whose card names another network, also where the shapes agree."""
    if not card:
        return
    if card["model"] != network.spec.id:
        raise ConfigError(f"{name} holds a {_portrait(card)}, not a {network.spec.id}: choose that model.")
    others = [key for key, value in network.params.items() if card["params"].get(key, value) != value]
    if others:
        raise ConfigError(f"{name} holds a {_portrait(card)}: set {', '.join(others)} to these values.")
    if problem := other_io(card, network.io):
        raise ConfigError(f"{name} {problem}.")


def other_io(card: Mapping[str, Any], io: ModelIO) -> str | None:
    """Why the weights of a card do not fit what a task asks for, or None."""
    words = {"channels": "image channels", "classes": "classes", "scale": "times enlargement"}
    for key, what in words.items():
        saved, asked = card["io"].get(key), getattr(io, key)
        if saved is not None and saved != asked:
            return f"was trained for {saved} {what}, but this task has {asked}"
    return None


def _portrait(card: Mapping[str, Any]) -> str:
    params = ", ".join(f"{key} {value}" for key, value in card["params"].items())
    return f"{card['model']} ({params})" if params else str(card["model"])


def _load_pretrained(network: Network) -> list[str]:
    spec = network.spec
    if spec.hub is None:
        raise ConfigError(f"{spec.title} has no pretrained weights: choose 'none' or a file.")
    state = spec.hub(network.params, network.io)
    own = network.module.state_dict()
    state = match_keys(state, own)
    # the head for other classes stays random
    head = [
        key
        for key, value in state.items()
        if key in own and value.shape != own[key].shape and value.shape[1:] == own[key].shape[1:]
    ]
    _load_state(network, {**state, **{key: own[key] for key in head}}, "the pretrained file")
    notes = [f"Pretrained weights of {spec.title}: {network.info.parameters:,} parameters."]
    if head:
        notes.append(
            f"Its classifier was trained for other classes: the {network.io.classes} here start at random."
        )
    return notes


def _load_state(network: Network, state: State, name: str) -> None:
    own = network.module.state_dict()
    state = match_keys(state, own)
    # older files lack these counters, which matter only without a momentum
    counters = {key: value for key, value in own.items() if key.endswith("num_batches_tracked")}
    # published Swin transformers hold masks for their training patches, which are made anew for any size
    masks = {key for key in state if key.endswith(".attn_mask") and key not in own}
    state = {**counters, **{key: value for key, value in state.items() if key not in masks}}
    problems = [
        _few("is missing", [key for key in own if key not in state]),
        _few("has unknown", [key for key in state if key not in own]),
        _few(
            "has other shapes:",
            [
                f"{key} {list(value.shape)}, expected {list(own[key].shape)}"
                for key, value in state.items()
                if key in own and value.shape != own[key].shape
            ],
        ),
    ]
    if any(problems):
        settings = _portrait({"model": network.spec.id, "params": network.params})
        found = "; ".join(problem for problem in problems if problem)
        raise ConfigError(f"{name} does not fit {settings}: it {found}. Choose the model it was saved from.")
    for key, value in state.items():
        if value.is_floating_point() != own[key].is_floating_point():
            raise ConfigError(f"{name}: {key} holds {value.dtype}, expected {own[key].dtype}.")
        if value.is_floating_point() and not bool(torch.isfinite(value.float()).all()):
            raise ConfigError(f"{name}: {key} holds values that are not finite; the file cannot be used.")
    network.module.load_state_dict(dict(state))


def _few(what: str, items: list[str]) -> str:
    if not items:
        return ""
    rest = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return f"{what} {', '.join(items[:3])}{rest}"
