"""A run's networks before anything is trained: sizes, layers, and how they are paired."""

import pytest
import torch
from test_fit import small_cnn, tiny

from kdexplorer.config import NetworkConfig, with_values
from kdexplorer.models import MODELS, ModelIO
from kdexplorer.models.build import build_network
from kdexplorer.presets import preset_config
from kdexplorer.training import describe, sizes
from kdexplorer.training.binding import Shapes
from kdexplorer.training.outline import outline
from kdexplorer.training.session import Session


def pairs(found):
    return [(pair["student"], pair["teacher"]) for pair in found]


def test_stages_have_shapes_and_a_proposal():
    teacher = {"id": "cifar_resnet", "params": {"depth": 8, "width": 8}}
    config = small_cnn(student={"id": "vgg", "params": {"width": 8}}, teachers={"second": teacher})
    found = describe(config)
    assert found["problems"] == []
    assert found.keys() >= sizes(config).keys() >= {"teacher", "student", "teachers.second", "compression"}
    assert found["stages"].keys() == {"teacher", "student", "teachers.second"}
    assert found["stages"]["teacher"][0] == {"name": "stage1", "path": "layer1", "shape": [8, 8, 8]}
    assert found["pairing"].keys() == {"teacher", "teachers.second", "self"}
    assert pairs(found["pairing"]["teacher"]["last"]) == [("stage3", "stage3")]
    assert pairs(found["pairing"]["self"]["all"]) == [("stage1", "stage3"), ("stage2", "stage3")]
    assert found["pairing"]["teacher"]["attention"] == []


@pytest.mark.parametrize("which", ["last", "middle", "all"])
def test_what_is_proposed_is_what_a_run_takes(which):
    method = {"last": "similarity_preserving", "middle": "hint", "all": "attention_transfer"}[which]
    config = small_cnn(**{"variants.0.terms": [{"method": method}]})
    found = describe(config)
    path = {stage["name"]: stage["path"] for stage in found["stages"]["teacher"]}
    (term,) = Session(config, None, None).cohort.students[0].objective.terms
    proposed = found["pairing"]["teacher"][term.spec.layers]
    assert [pair.teacher for pair in term.layers] == [path[pair["teacher"]] for pair in proposed]


def test_attention_blocks_are_named_with_their_heads():
    vit = {"id": "tiny_vit", "params": {"depth": 3}}
    found = describe(tiny(student=vit, teacher=vit))
    assert [block["name"] for block in found["attention"]["student"]] == ["block1", "block2", "block3"]
    assert pairs(found["pairing"]["teacher"]["attention"]) == [("block3", "block3")]


@pytest.mark.parametrize(
    "id", ["dncnn", "ffdnet", "edsr", "tiny_cnn", "tiny_vit", "cifar_resnet", "resnet18"]
)
def test_an_outline_is_what_the_built_network_gives(id):
    images = "restoration" in MODELS[id].tasks
    io = ModelIO() if images else ModelIO(channels=3, classes=5, size=32)
    seen = outline(NetworkConfig(id=id), io, 32)
    real = Shapes(build_network(NetworkConfig(id=id), io, seed=0), torch.zeros(1, 3, 32, 32))
    assert seen.stages() == real.stages()
    assert seen.output == real.output


def test_a_network_that_cannot_be_built_is_a_problem_and_the_rest_is_told():
    config = with_values(preset_config("shapes"), {"teacher": {"id": "dncnn"}})
    found = describe(config)
    assert any("teacher" in problem for problem in found["problems"])
    assert found["teacher"] is None
    assert found["stages"].keys() == {"student"}
    assert found["pairing"].keys() == {"self"}


def test_bundled_weights_for_other_images_are_a_problem_before_the_run() -> None:
    gray = with_values(preset_config("denoise"), {"data.degradations": [], "data.source": {"id": "ct_metal"}})
    assert describe(gray)["problems"] == [
        "teacher.weights: denoise was trained for 3 image channels, but this task has 1: choose other weights."
    ]
    assert describe(preset_config("denoise"))["problems"] == []


@pytest.mark.parametrize("crop", [4, 14, 16, 0])
def test_crops_too_small_to_be_scored_are_a_problem_before_the_run(crop: int) -> None:
    config = with_values(preset_config("sharpen"), {"data.held_out_crop": crop})
    words = "data.held_out_crop: SSIM needs 16 pixels a side here. Take at least 16, or 0 for whole images."
    assert describe(config)["problems"] == ([words] if crop in (4, 14) else [])
