"""Networks of other libraries, made to behave as ours do."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from kdexplorer.models.normalization import Normalize


class Foreign(nn.Module):
    """A network of another library behind its input normalisation.

    [B, C, H, W] in [0, 1] → logits [B, classes]. Gray images are shown to it in three equal channels. Nothing in it is in place or draws random numbers.
    """

    def __init__(self, net: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.normalize = Normalize(mean, std, len(mean))
        self.net = without_randomness(without_inplace(net))

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        logits: Tensor = self.net(self.normalize(images))
        return logits


def without_inplace(model: nn.Module) -> nn.Module:
    """Make every activation of `model` write to a new tensor, so that tapped features keep their values."""
    for module in model.modules():
        if getattr(module, "inplace", False) is True:
            setattr(module, "inplace", False)  # noqa: B010 (the attribute is not declared)
    return model


def without_randomness(model: nn.Module) -> nn.Module:
    """Switch off dropout and stochastic depth: a training step depends on its seed and number alone."""
    for module in model.modules():
        dropout = isinstance(module, _DropoutNd) or type(module).__name__ == "StochasticDepth"
        for rate in ("p",) if dropout else ("drop_prob", "drop_rate"):
            if isinstance(getattr(module, rate, None), float):
                setattr(module, rate, 0.0)
    return model
