"""State dicts as other programs write them: `.pth` files, wrapped and prefixed keys."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from kdexplorer.home import shown_name
from kdexplorer.params import ConfigError
from kdexplorer.weight_file import MAX_BYTES, read_card

WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "model.", "_orig_mod.", "net.")


class _Nothing:
    """Stands in for a class that training programs name in a checkpoint beside its weights: it does nothing."""


# PyTorch Lightning names its callbacks there, so that files of its time (VQGAN's among them) would be refused.
STANDING_IN: list[Any] = [
    (_Nothing, f"pytorch_lightning.callbacks.{module}.{name}")
    for module, name in (
        ("model_checkpoint", "ModelCheckpoint"),
        ("early_stopping", "EarlyStopping"),
        ("lr_monitor", "LearningRateMonitor"),
        ("lr_logger", "LearningRateLogger"),
    )
]


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state dict in a `.safetensors` or `.pth` file, and the card that our own files carry (else empty).

    Raises:
        ConfigError: damaged, not a file of weights, or one that could not be read without running code.
    """
    if _is_torch_file(path):
        return load_pickled(path), {}
    card = read_card(path)
    try:
        return load_file(path), card
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{shown_name(path)} is damaged: {error}") from None


def load_pickled(path: Path) -> dict[str, Tensor]:
    """The state dict in a `.pth`; nothing but tensors and plain containers is read, no code runs.

    Raises:
        ConfigError: it holds code, is damaged, unpacks to over 2 GB, or holds no state dict.
    """
    _check_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the format's age
            with torch.serialization.safe_globals(STANDING_IN):
                content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can fail anywhere in the unpickler
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise ConfigError(
                f"{shown_name(path)} holds more than tensors, and reading it could run code: "
                "save its state_dict alone, best as .safetensors."
            ) from None
        raise ConfigError(f"{shown_name(path)} is damaged or not a file of weights.") from None
    return unwrap(content, shown_name(path))


def unwrap(content: Any, name: str) -> dict[str, Tensor]:
    """The state dict inside what training programs save around it.

    Raises:
        ConfigError: there is none.
    """
    for _ in range(4):
        if not isinstance(content, Mapping):
            break
        if content and all(
            isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
        ):
            for key, value in content.items():
                if value.layout != torch.strided or value.is_quantized or value.is_meta:
                    raise ConfigError(
                        f"{name}: {key} is no plain tensor (it is sparse, quantized or empty); save it as one."
                    )
            return dict(content)
        inner = [content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)]
        if not inner:
            break
        content = inner[0]
    raise ConfigError(f"{name} holds no state dict (tensors by name): save the network's state_dict().")


def match_keys(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`state` with the prefixes taken off or put before that make most of its keys those of `own`."""
    return max(_renamed(dict(state), own), key=lambda candidate: len(candidate.keys() & own.keys()))


def _renamed(state: dict[str, Tensor], own: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    yield state
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in own):
            yield {prefix + key: value for key, value in state.items()}
    for prefix in PREFIXES:
        if state and all(key.startswith(prefix) for key in state):
            yield from _renamed({key.removeprefix(prefix): value for key, value in state.items()}, own)


def _is_torch_file(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return path.suffix != ".safetensors" and (start == b"PK" or start[:1] == b"\x80")


def _check_archive(path: Path) -> None:
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, OSError, ValueError):
            raise ConfigError(f"{shown_name(path)} is damaged.") from None
        if size > MAX_BYTES:
            raise ConfigError(
                f"{shown_name(path)} unpacks to {size / 1024**3:.1f} GB; at most 2 GB can be read."
            )
