"""Networks inside a method that nobody trains."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def frozen(module: M, *, saved: bool = False) -> M:
    """Turn every parameter into a buffer, so that no optimiser sees it; in place.

    Args:
        saved: a checkpoint holds them; else they are the same in every run, and their buffers are left out of it.
    """
    module.eval()
    for part in module.modules():
        for name, value in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, value.detach(), persistent=saved)
        if not saved:
            part._non_persistent_buffers_set |= part._buffers.keys()
    return module
