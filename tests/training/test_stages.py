"""Stages, schedules and balances in real runs: what is logged, and that every bit comes back."""

import pytest
from safetensors.torch import load_file
from test_fit import same_bits, small_cnn, students, tiny

from kdexplorer import fit
from kdexplorer.commands import SetKnob, Stop
from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.training import ScriptedControl
from kdexplorer.training.session import Session

TWO_STAGES = [
    {"method": "hint", "active": {"until": 3}},
    {"method": "soft_targets", "active": {"begin": 3}},
]
LABELS_LATER = {"kind": "step", "start": 0, "end": 1, "begin": 3}
EVERYTHING = [
    {"method": "hint", "projector": "conv", "active": {"begin": 3}, "noise": {"mask": 0.3, "shuffle": 0.5}},
    {"method": "attention_transfer", "levels": "importance", "projector": "mlp"},
    {"method": "soft_targets", "teacher": "ema", "schedules": {"temperature": {"kind": "cosine", "start": 2, "end": 1}}},
    {"method": "soft_targets", "name": "late", "schedule": {"kind": "warmup"}},
]  # fmt: skip


def logged(events, variant="distilled"):
    return {event.step: event.losses[variant] for event in events if event.kind == "step"}


def test_two_stages_of_fitnets_as_a_configuration(tmp_path):
    changes = {
        "variants.0.terms": TWO_STAGES,
        "variants.0.task_schedule": LABELS_LATER,
        "training.log_every": 1,
    }
    found = logged(fit(small_cnn(**changes), folder=tmp_path))
    assert [list(found[step]) for step in (3, 4)] == [["task", "hint"], ["task", "soft_targets"]]
    assert [found[step]["task"].weight for step in (3, 4)] == [0, 0.5]


def test_the_first_stage_leaves_deeper_layers_alone(tmp_path):
    """FitNets' first stage trains the student up to its hint layer, and nothing behind it."""
    terms = [{"method": "hint", "layers": [{"student": "stage1", "teacher": "stage1"}]}]
    changes = {"variants.0.terms": terms, "variants.0.task_weight": 0, "training.steps": 2}
    session = Session(small_cnn(**changes), None, None)
    before = {k: v.clone() for k, v in session.cohort.students[0].module.named_parameters()}
    session.cohort.train_step(0, 2)
    moved = {k for k, v in session.cohort.students[0].module.named_parameters() if not v.equal(before[k])}
    last = session.cohort.students[0].network.stages["stage3"]
    assert moved
    assert not any(name.startswith((last, "head", "fc", "classifier")) for name in moved)


def test_a_point_that_spans_two_stages_has_the_mean_over_each_terms_own_steps():
    one = {"variants.0.terms": TWO_STAGES, "training.log_every": 1}
    each = logged(fit(small_cnn(**one)))
    rarely = {f"training.{name}_every": 6 for name in ("log", "evaluate", "checkpoint")}
    both = logged(fit(small_cnn(**{**one, **rarely})))
    assert both[6]["hint"].value == pytest.approx((each[2]["hint"].value + each[3]["hint"].value) / 2)
    late = [each[step]["soft_targets"].value for step in (4, 5, 6)]
    assert both[6]["soft_targets"].value == pytest.approx(sum(late) / 3)


def test_a_knob_of_a_scheduled_weight_scales_its_way():
    rising = {"kind": "linear", "start": 0, "end": 1}
    config = tiny(
        **{"variants.0.terms.soft_targets.schedule": rising, "training.log_every": 1, "training.steps": 4}
    )
    turns = {2: [SetKnob(knob="distilled.soft_targets.weight", value=8)]}
    found = logged(fit(config, ScriptedControl(turns)))
    assert [found[step]["soft_targets"].weight for step in (1, 2, 3, 4)] == pytest.approx([0, 0.225, 4, 6])


@pytest.mark.parametrize("balance", ["fixed", "magnitude", "uncertainty"])
@pytest.mark.parametrize("step", [2, 4])
def test_all_that_moves_comes_back_from_a_checkpoint_bit_for_bit(tmp_path, balance, step):
    changes = {"variants.0.terms": EVERYTHING, "variants.0.balance": balance, "training.log_every": 1}
    config = small_cnn(**changes)
    whole = list(fit(config, folder=tmp_path / "plain"))
    assert whole[-1].kind == "finished", whole[-1]
    list(fit(config, ScriptedControl({5: [Stop()]}), folder=tmp_path / "cut"))
    checkpoint = tmp_path / "cut" / "checkpoints" / f"{step:08d}"
    resumed = list(fit(config, folder=tmp_path / "cut", checkpoint=checkpoint))
    assert same_bits(tmp_path / "plain", tmp_path / "cut")
    last = [[e for e in events if e.kind == "step"][-1] for events in (whole, resumed)]
    assert last[0].losses == last[1].losses
    ends = [
        load_file(tmp_path / name / "checkpoints" / "00000006" / "state.safetensors")
        for name in ("plain", "cut")
    ]
    assert ends[0].keys() == ends[1].keys()
    assert all(ends[0][key].equal(ends[1][key]) for key in ends[0])


def test_logged_weights_are_those_in_effect():
    config = small_cnn(**{"variants.0.balance": "magnitude", "training.log_every": 1})
    found = logged(fit(config))
    first = found[1]
    for term in ("hint", "attention_transfer", "soft_targets"):
        assert first[term].weighted == pytest.approx(first["task"].value, rel=1e-4)


def test_learned_weights_move_with_the_optimiser():
    found = logged(fit(small_cnn(**{"variants.0.balance": "uncertainty", "training.log_every": 1})))
    assert found[1]["hint"].weight == 1
    assert 0.9 < found[6]["hint"].weight < 1


def test_a_fork_into_another_balance_begins_it_anew(tmp_path):
    list(fit(small_cnn(), folder=tmp_path / "parent"))
    child = small_cnn(**{"variants.0.balance": "uncertainty", "variants.0.terms.hint.projector": "conv"})
    checkpoint = tmp_path / "parent" / "checkpoints" / "00000004"
    events = list(fit(child, folder=tmp_path / "child", checkpoint=checkpoint))
    assert events[-1].kind == "finished", events[-1]
    assert not same_bits(tmp_path / "parent", tmp_path / "child")
    assert students(tmp_path / "child").keys() == {"distilled", "control"}


@pytest.mark.parametrize(
    "id",
    ["hint_then_soft_targets", "hard_to_soft", "shallow_layers_first", "three_signals", "important_levels"],
)
def test_presets_of_stages_train(id):
    config = preset_config(id)
    tiny_run = {"training.steps": 2, "training.batch_size": 2, "data.held_out": 4, "training.threads": 1}
    events = list(fit(with_values(config, tiny_run)))
    assert events[-1].kind == "finished", events[-1]
