"""Super-resolution from a large network to a small one of its family: the bundled file fits and is worth learning from."""

import pytest
import torch

from kdexplorer import fit
from kdexplorer.config import with_values
from kdexplorer.models.build import build_network, count_parameters
from kdexplorer.models.weights import load_weights
from kdexplorer.presets import preset_config
from kdexplorer.tasks import TASKS
from kdexplorer.training.teachers import quiet_forward

PRESETS = ("sharpen_edsr", "sharpen_rcan", "sharpen_swinir")
SMALL = {"data.held_out": 6, "data.held_out_crop": 48, "training.batch_size": 2, "training.threads": 1}


def opened(id):
    config = with_values(preset_config(id), SMALL)
    return config, TASKS[config.task].open(config, torch.device("cpu"))


@pytest.mark.parametrize("id", PRESETS)
def test_the_bundled_teacher_beats_bicubic_clearly(id):
    config, task = opened(id)
    teacher = build_network(config.teacher, task.io, seed=0)
    load_weights(teacher, config.teacher.weights)
    restored = task.evaluate(quiet_forward(teacher.module)).means["psnr"]
    assert restored > task.input_metrics()["psnr"] + 1


@pytest.mark.parametrize("id", PRESETS)
def test_the_pair_is_of_one_family_and_the_recipe_trains_its_teacher(id):
    config, task = opened(id)
    assert config.teacher.id == config.student.id
    assert 4 * count_parameters(config.student, task.io) < count_parameters(config.teacher, task.io)
    recipe = preset_config(f"teacher_{config.teacher.weights.removeprefix('bundled:')}")
    assert recipe.student == config.teacher.model_copy(update={"weights": "none"})
    assert recipe.data.degradations == config.data.degradations


@pytest.mark.parametrize("id", ["sharpen_rcan", "sharpen_swinir"])
def test_the_preset_trains(id):
    events = list(fit(with_values(preset_config(id), {**SMALL, "training.steps": 2})))
    assert events[-1].kind == "finished", events[-1]
    verdicts = [event for event in events if event.kind == "evaluated"][-1].verdicts
    assert [verdict.variant for verdict in verdicts] == ["distilled"]
