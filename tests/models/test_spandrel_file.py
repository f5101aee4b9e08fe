"""Checkpoints of other projects: small real networks of spandrel, saved and opened as files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from kdexplorer.catalog import check_config
from kdexplorer.config import NetworkConfig, RunConfig, with_values
from kdexplorer.events import Evaluated, RunStarted
from kdexplorer.models import ModelIO
from kdexplorer.models.build import build_network, count_parameters
from kdexplorer.models.spandrel_file import open_checkpoint
from kdexplorer.models.taps import Taps
from kdexplorer.models.weights import save_student
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.training import describe, fit
from kdexplorer.training.measurement import measure

REAL = Path(__file__).parents[3] / "shared/data/weights/dncnn_25.pth"


def dncnn(channels: int = 1) -> Any:
    from spandrel.architectures.DnCNN import DnCNN

    torch.manual_seed(0)
    return DnCNN(in_nc=channels, out_nc=channels, nc=8, nb=8, act_mode="R")


def rcan(scale: int = 2) -> Any:
    from spandrel.architectures.RCAN import RCAN

    torch.manual_seed(0)
    return RCAN(scale=scale, n_resgroups=2, n_resblocks=2, n_feats=16, reduction=4)


def swinir() -> Any:
    from spandrel.architectures.SwinIR import SwinIR

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own use of torch
        return SwinIR(img_size=64, window_size=8, embed_dim=12, depths=[2, 2, 2], num_heads=[2, 2, 2], upscale=2, upsampler="pixelshuffledirect", img_range=1.0)  # fmt: skip


def saved(net: Any, path: Path) -> Path:
    state: dict[str, Tensor] = {key: value.contiguous() for key, value in net.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"params_ema": state}, path)
    return path


def teacher(path: Path) -> dict[str, Any]:
    return {"id": "spandrel", "weights": f"file:{path}"}


@pytest.mark.parametrize(
    ("make", "name", "architecture", "io"),
    [
        (dncnn, "a.pth", "DnCNN", ModelIO(channels=1)),
        (lambda: dncnn(3), "b.safetensors", "DnCNN", ModelIO(channels=3)),
        (rcan, "c.safetensors", "RCAN", ModelIO(channels=3, scale=2)),
        (swinir, "d.pth", "SwinIR", ModelIO(channels=3, scale=2)),
    ],
)
def test_a_file_says_what_the_network_is(
    make: Any, name: str, architecture: str, io: ModelIO, tmp_path: Path
) -> None:
    net = make().eval()
    found = open_checkpoint(saved(net, tmp_path / name))
    assert (found.architecture, found.io) == (architecture, io)
    assert not found.module.training
    assert not any(parameter.requires_grad for parameter in found.module.parameters())
    with torch.no_grad():
        images = torch.rand(2, io.channels, 24, 32)
        before = images.clone()
        torch.testing.assert_close(found.module(images), net(images.clone()))
        assert torch.equal(images, before)
        for height, width in ((17, 29), (5, 7)):  # no multiple of a window, and smaller than one
            output = found.module(torch.rand(1, io.channels, height, width))
            assert output.shape == (1, io.channels, height * io.scale, width * io.scale)
    assert list(found.stages) == ["shallow", "middle", "deep"]
    with torch.no_grad(), Taps(found.module, list(found.stages.values())) as features:
        found.module(images)
    shapes = {features[path].shape[1:] for path in found.stages.values()}
    assert len(shapes) == 1
    assert next(iter(shapes))[1:] == (24, 32)


def test_what_is_no_checkpoint_for_images_is_refused_in_words(tmp_path: Path) -> None:
    save_file({"fc.weight": torch.zeros(3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(ConfigError, match="no architecture that spandrel knows"):
        open_checkpoint(tmp_path / "other.safetensors")
    net = dncnn()
    state = net.state_dict()
    state["model.4.weight"] = torch.zeros(8, 5, 3, 3)
    save_file(state, tmp_path / "bent.safetensors")
    with pytest.raises(ConfigError, match="bent.safetensors cannot be built from its weights"):
        open_checkpoint(tmp_path / "bent.safetensors")
    state = {key: value.clone() for key, value in net.state_dict().items()}
    state["model.0.bias"][0] = float("nan")
    save_file(state, tmp_path / "nan.safetensors")
    with pytest.raises(ConfigError, match="not finite"):
        open_checkpoint(tmp_path / "nan.safetensors")
    torch.save(net, tmp_path / "code.pth")
    with pytest.raises(ConfigError, match="more than tensors"):
        open_checkpoint(tmp_path / "code.pth")
    own = build_network(NetworkConfig(id="dncnn"), ModelIO(), seed=0)
    save_student(own, tmp_path / "own.safetensors", facts={})
    with pytest.raises(ConfigError, match="holds a dncnn of KD Explorer: choose that network"):
        open_checkpoint(tmp_path / "own.safetensors")


def test_another_scale_or_color_is_refused_with_what_would_fit(tmp_path: Path) -> None:
    gray = NetworkConfig.model_validate(teacher(saved(dncnn(), tmp_path / "g.pth")))
    double = NetworkConfig.model_validate(teacher(saved(rcan(), tmp_path / "r.pth")))
    with pytest.raises(ConfigError, match="g.pth is DnCNN for gray images.*switch Gray images on"):
        count_parameters(gray, ModelIO())
    with pytest.raises(
        ConfigError, match="r.pth is RCAN for color images.*take color images, with Gray images off"
    ):
        build_network(double, ModelIO(channels=1, scale=2), seed=0)
    with pytest.raises(ConfigError, match="for ×2, but this run is about ×3: take Bicubic downscaling by 2"):
        build_network(double, ModelIO(scale=3), seed=0)
    with pytest.raises(ConfigError, match="for ×1, but this run is about ×2: take no downscaling"):
        count_parameters(gray, ModelIO(channels=1, scale=2))
    with pytest.raises(ConfigError, match="choose the file"):
        build_network(NetworkConfig(id="spandrel"), ModelIO(), seed=0)
    with pytest.raises(ConfigError, match="is for restoration"):
        count_parameters(gray, ModelIO(classes=10, size=32, channels=1))
    with pytest.raises(ConfigError, match="student: Any checkpoint can only teach"):
        check_config(with_values(preset_config("denoise"), {"student": teacher(tmp_path / "g.pth")}))


def small(changes: dict[str, Any]) -> RunConfig:
    short = {"training.steps": 2, "training.batch_size": 2, "training.evaluate_every": 2, "data.patch": 16, "data.held_out": 2, "data.held_out_crop": 32}  # fmt: skip
    return with_values(preset_config("denoise"), {**short, **changes})


def test_the_form_learns_what_the_file_says_also_where_it_does_not_fit(tmp_path: Path) -> None:
    file = saved(dncnn(), tmp_path / "g.pth")
    found = describe(small({"teacher": teacher(file)}))
    assert found["reads"] == {"teacher": {"architecture": "DnCNN", "channels": 1, "scale": 1, "parameters": sum(p.numel() for p in dncnn().parameters())}}  # fmt: skip
    assert "switch Gray images on" in found["problems"][0]
    found = describe(small({"teacher": teacher(file), "data.gray": True}))
    assert not found["problems"]
    assert found["teacher"]["model"] == "DnCNN"
    assert [stage["shape"] for stage in found["stages"]["teacher"]] == [[8, 16, 16]] * 3
    saved(rcan(), file)  # another file of the same name
    assert describe(small({"teacher": teacher(file)}))["reads"]["teacher"]["architecture"] == "RCAN"


def test_a_student_learns_from_features_of_a_gray_checkpoint(tmp_path: Path) -> None:
    file = saved(dncnn(), tmp_path / "g.pth")
    terms = [{"method": "response", "weight": 1.0}, {"method": "attention_transfer", "weight": 1.0}]
    config = small({"teacher": teacher(file), "data.gray": True, "variants.0.terms": terms})
    events = list(fit(config))
    started = next(event for event in events if isinstance(event, RunStarted))
    assert started.teacher is not None
    assert started.teacher.model == "DnCNN"
    assert any("Weights from g.pth: DnCNN" in note for note in started.notes)
    assert "gray, no shave" in started.metrics[0].convention
    last = [event for event in events if isinstance(event, Evaluated)][-1]
    assert last.teacher["psnr"] > 0


@pytest.mark.skipif(not REAL.is_file(), reason="needs the published gray denoiser")
def test_the_published_denoiser_denoises() -> None:
    values = {"teacher": teacher(REAL), "data.gray": True, "training.steps": 1, "training.evaluate_every": 1, "data.held_out": 2}  # fmt: skip
    last = [event for event in fit(small(values)) if isinstance(event, Evaluated)][-1]
    assert last.teacher["psnr"] > last.input["psnr"] + 8


def test_what_a_run_with_it_costs_is_measured(tmp_path: Path) -> None:
    config = small({"teacher": teacher(saved(dncnn(), tmp_path / "g.pth")), "data.gray": True})
    assert measure(config)["step"] > 0


def test_a_small_file_that_describes_a_huge_network_is_refused_before_it_is_built(tmp_path: Path) -> None:
    state = dncnn().state_dict()
    torch.save({**state, "model.0.weight": torch.zeros(1).expand(100_000, 100_000)}, tmp_path / "wide.pth")
    with pytest.raises(ConfigError, match="claims more numbers than the file holds"):
        open_checkpoint(tmp_path / "wide.pth")
    torch.save({**state, "model.20002.weight": torch.zeros(8, 8, 3, 3)}, tmp_path / "deep.pth")
    with pytest.raises(ConfigError, match="numbers a layer beyond 2000"):
        open_checkpoint(tmp_path / "deep.pth")
    torch.save({**state, "model.2000.weight": torch.zeros(1024, 1024)}, tmp_path / "both.pth")
    with pytest.raises(ConfigError, match="cannot be (used|built)"):
        open_checkpoint(tmp_path / "both.pth")
    state = rcan().state_dict()
    far = {key: value for key, value in state.items() if key.startswith("body.0.body.0.")}
    far = {key.replace("body.0.body.0.", "body.0.body.100."): value for key, value in far.items()}
    torch.save(
        {**state, **far, "body.100.body.0.body.0.weight": torch.zeros(8, 8, 3, 3)}, tmp_path / "nested.pth"
    )
    with pytest.raises(ConfigError, match="nested.pth describes a network that is far larger than the file"):
        open_checkpoint(tmp_path / "nested.pth")


def test_tensors_that_are_not_plain_are_refused_in_words(tmp_path: Path) -> None:
    torch.save({**dncnn().state_dict(), "more": torch.eye(4).to_sparse()}, tmp_path / "odd.pth")
    with pytest.raises(ConfigError, match="odd.pth: more is no plain tensor"):
        open_checkpoint(tmp_path / "odd.pth")


def test_a_checkpoint_for_8_times_is_refused_as_no_student_goes_so_far(tmp_path: Path) -> None:
    network = NetworkConfig.model_validate(teacher(saved(rcan(8), tmp_path / "x8.pth")))
    with pytest.raises(
        ConfigError, match="x8.pth is RCAN for ×8, and nothing here enlarges more than 4 times"
    ):
        count_parameters(network, ModelIO())


def test_a_scale_out_of_reach_is_refused_before_an_image_is_enlarged_by_it(tmp_path: Path) -> None:
    scale = 600  # an image of 48 pixels would become one of ten gigabytes
    last = torch.zeros(3 * scale**2, 1, 3, 3)
    state = {
        "body.0.weight": torch.zeros(1, 3, 3, 3),
        "body.0.bias": torch.zeros(1),
        "body.1.weight": torch.zeros(1),
    }
    state |= {"body.2.weight": last, "body.2.bias": last[:, 0, 0, 0].clone()}
    torch.save(state, tmp_path / "far.pth")
    with pytest.raises(ConfigError, match="for ×600, and nothing here enlarges more than 4 times"):
        open_checkpoint(tmp_path / "far.pth")


def test_a_network_that_takes_one_image_at_a_time_is_refused(tmp_path: Path) -> None:
    from spandrel.architectures.SeemoRe import SeemoRe

    torch.manual_seed(0)
    net = SeemoRe(scale=2, in_chans=3, num_experts=3, num_layers=1, embedding_dim=12)
    with pytest.raises(ConfigError, match="SeemoRe, which takes one image at a time"):
        open_checkpoint(saved(net, tmp_path / "experts.pth"))
