"""Everything random at a step is a function of the run's seed and the step: nothing has to be saved or restored."""

from __future__ import annotations

import hashlib

import torch


def seed_of(*key: str | int) -> int:
    """A well-mixed 63-bit seed for this key, e.g. `seed_of("batch", run_seed, step)`."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(device: torch.device | str, *key: str | int) -> torch.Generator:
    """A fresh generator on `device` for this key."""
    return torch.Generator(device).manual_seed(seed_of(*key))
