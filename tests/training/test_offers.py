"""Which methods fit a pair before anything runs: the same judgement, in the same words, as the run's own."""

from __future__ import annotations

import time

import pytest
from test_fit import small_cnn, tiny

from kdexplorer.config import with_values
from kdexplorer.distillation import METHODS
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config, presets
from kdexplorer.training import describe
from kdexplorer.training.session import Session


def only(config, **term):
    return with_values(config, {"variants.0.terms": [term]})


@pytest.mark.parametrize("method", [spec.id for spec in METHODS if "restoration" not in spec.tasks])
@pytest.mark.parametrize("pair", ["alike", "perceptron"])
def test_what_is_offered_is_what_a_run_takes(method, pair):
    config = small_cnn() if pair == "alike" else tiny()
    offer = describe(with_values(config, {"variants.0.terms": []}))["methods"][method]
    wanted = only(config, method=method, teacher=METHODS[method].teacher)
    told = describe(wanted)
    (said,) = told["terms"]["distilled"].values()
    assert {**offer, "instead": None} == {**said, "instead": None}
    if offer["reason"]:
        with pytest.raises(ConfigError) as refused:
            Session(wanted, None, None)
        assert offer["reason"] in str(refused.value)
        assert told["problems"] == [f"variants.distilled.{method}: {refused.value}"]
        return
    (term,) = Session(wanted, None, None).cohort.students[0].objective.terms
    assert told["problems"] == []
    learned = [p for part in term.parts.values() for p in part.parameters() if p.requires_grad]
    assert offer["learns"] == sum(p.numel() for p in learned)
    assert offer["memory"] == term.memory > 0
    names = {stage["path"]: stage["name"] for stage in told["stages"]["student"]}
    assert [names[pair.student] for pair in term.layers] == [pair["student"] for pair in offer["layers"]]


def test_a_deeper_pair_is_named_where_the_last_one_does_not_fit():
    resnet = {"id": "resnet18"}
    config = with_values(
        preset_config("shapes"), {"teacher": resnet, "student": resnet, "data.source.params.size": 32}
    )
    found = describe(only(config, method="soft_targets"))["methods"]
    assert "choose an earlier layer" in found["channel_wise"]["reason"]
    pair = found["channel_wise"]["instead"]
    assert describe(only(config, method="channel_wise", layers=[pair]))["problems"] == []
    assert describe(only(config, method="channel_wise"))["problems"]
    assert found["soft_targets"]["instead"] is None


def test_settings_of_a_term_count():
    config = small_cnn()
    plain = only(config, method="attention_transfer")
    found = [
        describe(each)["terms"]["distilled"]["attention_transfer"]
        for each in (plain, only(config, method="attention_transfer", projector="conv"))
    ]
    assert found[0]["learns"] == 0 < found[1]["learns"]
    wrong = describe(only(config, method="soft_targets", projector="conv"))
    assert wrong["problems"] == [
        "variants.distilled.soft_targets: Soft targets: there are no features to project; set the projector to none."
    ]
    nowhere = [{"student": "stage1", "teacher": "attic"}]
    (problem,) = describe(only(config, method="hint", layers=nowhere))["problems"]
    assert "no layer 'attic'" in problem


def test_other_images_are_counted_and_without_a_teacher_the_average_teaches():
    config = with_values(preset_config("sharpen"), {"training.batch_size": 4})
    assert describe(config)["methods"]["data_upcycling"]["shows"] == 8
    assert describe(preset_config("denoise"))["methods"]["data_upcycling"]["reason"].startswith("it zooms")
    alone = with_values(preset_config("shapes"), {"teacher": None, "variants": []})
    found = describe(alone)["methods"]
    assert found["soft_targets"]["reason"] is None
    assert {pair["student"] == pair["teacher"] for pair in found["attention_transfer"]["layers"]} == {True}


@pytest.mark.parametrize("preset", sorted(presets()))
def test_every_preset_fits_and_the_second_look_is_quick(preset):
    config = preset_config(preset)
    assert describe(config)["problems"] == []
    begin = time.perf_counter()
    describe(config)
    assert time.perf_counter() - begin < 0.3
