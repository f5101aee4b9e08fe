"""How much of a student's gradient each term of its objective gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


def gradient_shares(
    losses: Mapping[str, Tensor], weights: Mapping[str, float | Tensor], parameters: Sequence[nn.Parameter]
) -> tuple[list[str], Tensor]:
    """Names and shares [terms] of the weighted terms: each one's gradient norm over the sum of all norms.

    The graph stays, no `.grad` is touched and nothing is drawn: what is trained afterwards is the same. The shares
    stay on the device.

    Args:
        losses: unweighted scalars with their graph.
        weights: the weights in effect; terms of weight 0 are left out.
        parameters: the student's own, without those of the terms.
    """
    names = [name for name in losses if isinstance(weights[name], Tensor) or weights[name]]
    if len(names) == 1:  # the control, mostly: no backward is needed to know
        return names, torch.ones(1, device=losses[names[0]].device)
    norms = [_norm(losses[name], parameters) * weights[name] for name in names]
    if not norms:
        return [], torch.zeros(0)
    found = torch.stack(norms)
    return names, found / found.sum().clamp(min=torch.finfo(found.dtype).tiny)


def _norm(loss: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
    if not loss.requires_grad:
        return torch.zeros((), device=loss.device)
    found = torch.autograd.grad(loss, list(parameters), retain_graph=True, allow_unused=True)
    norms = torch._foreach_norm([gradient for gradient in found if gradient is not None])
    return torch.stack(list(norms)).float().norm() if norms else torch.zeros((), device=loss.device)
