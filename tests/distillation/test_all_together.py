"""All methods that fit a pair, together in one run: their state over a checkpoint, and half precision."""

import pytest
from safetensors.torch import load_file

from kdexplorer import RunConfig, fit
from kdexplorer.config import with_values
from kdexplorer.distillation import METHODS

DIGITS = {"source": {"id": "digits"}, "held_out": 40}
PHOTOS = {"source": {"id": "photos"}, "degradations": [{"id": "bicubic"}], "patch": 48, "held_out": 2}
SETTINGS = {
    "maps": ("classification", DIGITS, "cifar_resnet", {"depth": 8, "width": 8}, {"depth": 8, "width": 4}),
    "tokens": ("classification", DIGITS, "tiny_vit", {"depth": 2, "dim": 48}, {"depth": 2, "dim": 24}),
    "images": ("restoration", PHOTOS, "espcn", {"width": 16}, {"width": 8}),
}
OF_MAPS = {
    "attention_transfer", "channel_wise", "feature_affinity", "grad_cam_alignment", "hint", "mgd", "nst", "review_kd",
    "self_distillation", "vid",
}  # fmt: skip


def fits(spec, setting) -> bool:
    if spec.layers == "attention":
        return setting == "tokens"
    if setting == "tokens":
        return spec.id not in OF_MAPS and spec.tasks != ("restoration",)
    task = SETTINGS[setting][0]
    return (not spec.tasks or task in spec.tasks) and not (spec.id == "crd" and setting == "images")


def config(setting, **changes) -> RunConfig:
    """Every method that fits, six a variant, each at its default weight over 1000."""
    task, data, model, teacher, student = SETTINGS[setting]
    terms = [{"method": s.id, "weight": s.default_weight / 1000} for s in METHODS if fits(s, setting)]
    base = RunConfig.from_dict(
        {
            "task": task,
            "data": data,
            "teacher": {"id": model, "params": teacher},
            "student": {"id": model, "params": student},
            "variants": [{"name": f"v{k}", "terms": terms[k : k + 6]} for k in range(0, len(terms), 6)],
            "control": False,
            "training": {
                "steps": 3, "batch_size": 6, "log_every": 1, "evaluate_every": 3, "checkpoint_every": 2,
                "gradient_every": 0, "device": "cpu", "threads": 1,
            },
        }
    )  # fmt: skip
    return with_values(base, changes)


def test_every_method_is_trained_somewhere():
    assert {s.id for s in METHODS} == {s.id for setting in SETTINGS for s in METHODS if fits(s, setting)}


@pytest.mark.parametrize("setting", SETTINGS)
def test_all_that_fit_train_and_go_on_from_a_checkpoint_bit_for_bit(setting, tmp_path):
    given = config(setting)
    events = list(fit(given, folder=tmp_path / "whole"))
    assert events[-1].kind == "finished", events[-1]
    losses = next(e for e in events if e.kind == "step").losses
    logged = {term for variant in losses.values() for term in variant}
    assert logged == {"task", *(s.id for s in METHODS if fits(s, setting))}
    list(fit(given, folder=tmp_path / "cut", checkpoint=tmp_path / "whole" / "checkpoints" / "00000002"))
    whole, cut = (
        load_file(tmp_path / run / "checkpoints" / "00000003" / "state.safetensors")
        for run in ("whole", "cut")
    )
    assert whole.keys() == cut.keys()
    assert not [key for key in whole if not whole[key].equal(cut[key])]


@pytest.mark.parametrize("setting", SETTINGS)
def test_all_that_fit_run_in_half_precision(setting):
    events = list(fit(config(setting, **{"training.precision": "bfloat16", "training.steps": 2})))
    assert events[-1].kind == "finished", events[-1]
