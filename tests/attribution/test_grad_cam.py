"""Grad-CAM against hand calculation, against its definition, and against Captum called directly."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from torch import Tensor, nn

from kdexplorer.attribution.algorithms.grad_cam import grad_cam
from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network


class Quadrants(nn.Module):
    """Class 0 counts red, class 1 counts green and minds red: its maps are known."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()
        self.linear = nn.Linear(2, 2, bias=False)
        self.linear.weight.data = torch.tensor([[1.0, 0.0], [-1.0, 3.0]])

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.layer(images[:, :2]).mean((2, 3)))
        return logits


def _quadrants() -> Tensor:
    images = torch.zeros(1, 3, 4, 4)
    images[0, 0, :2, :2] = 0.5  # red, upper left
    images[0, 1, 2:, 2:] = 0.25  # green, lower right
    return images


@pytest.mark.parametrize(("target", "corner"), [(0, (0, 0)), (1, (2, 2))])
def test_known_maps(target: int, corner: tuple[int, int]) -> None:
    expected = torch.zeros(1, 4, 4)
    expected[0, corner[0] : corner[0] + 2, corner[1] : corner[1] + 2] = 1
    assert torch.equal(grad_cam(Quadrants(), _quadrants(), torch.tensor([target]), "layer"), expected)


def test_without_a_target_it_explains_the_prediction() -> None:
    net, images = Quadrants(), _quadrants()
    predicted = net(images).argmax(1)
    assert torch.equal(grad_cam(net, images, None, "layer"), grad_cam(net, images, predicted, "layer"))
    assert not torch.equal(
        grad_cam(net, images, None, "layer"), grad_cam(net, images, 1 - predicted, "layer")
    )


def test_a_class_that_nothing_speaks_for_has_a_zero_map() -> None:
    net = Quadrants()
    net.linear.weight.data[0] = -1
    assert not grad_cam(net, _quadrants(), torch.tensor([0]), "layer").any()


def test_agrees_with_captum() -> None:
    network = build_network(NetworkConfig(id="cifar_resnet"), ModelIO(classes=10, size=32), seed=0)
    module = network.module.eval()
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    target = torch.tensor([0, 3, 9, 3])
    raw = LayerGradCam(module, module.layer3).attribute(images, target, relu_attributions=True)
    large = F.interpolate(raw, (32, 32), mode="bilinear", align_corners=False)[:, 0].detach()
    expected = large / large.amax((1, 2), keepdim=True).clamp_min(1e-30)
    assert expected.any()
    torch.testing.assert_close(grad_cam(module, images.detach(), target, "layer3"), expected)


@pytest.mark.parametrize("id", ["tiny_vit", "timm_vit_tiny_patch16_224"])
def test_tokens_agree_with_the_definition(id: str) -> None:
    size = 64
    network = build_network(NetworkConfig(id=id), ModelIO(classes=5, size=size), seed=0)
    module = network.module.eval()
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([1, 4])
    kept: list[Tensor] = []
    layer = module.get_submodule(network.attribution_layer)
    handle = layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    score = module(images).gather(1, target[:, None]).sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    extra = kept[0].shape[1] % 2  # the class token
    tokens, gradient = kept[0].detach()[:, extra:], gradient[:, extra:]
    side = int(tokens.shape[1] ** 0.5)
    cam = (tokens * gradient.mean(1, keepdim=True)).sum(2).relu().view(2, 1, side, side)
    large = F.interpolate(cam, (size, size), mode="bilinear", align_corners=False)[:, 0]
    assert large.any()
    expected = large / large.amax((1, 2), keepdim=True).clamp_min(1e-30)
    torch.testing.assert_close(
        grad_cam(module, images, target, network.attribution_layer), expected, atol=1e-4, rtol=1e-3
    )
