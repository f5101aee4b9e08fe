"""Stages that end at a plateau of the held-out quality."""

import math

import pytest
import torch
from test_fit import same_bits, small_cnn

from kdexplorer import fit
from kdexplorer.commands import SetKnob, Stop
from kdexplorer.distillation.plateau import Plateau
from kdexplorer.params import ConfigError
from kdexplorer.training import ScriptedControl, replay_commands

TERMS = [
    {"method": "hint", "active": {"until_stage": 1}},
    {"method": "soft_targets", "active": {"stage": 1}},
]


def staged(**changes):
    """Steps too small to change one prediction: the second evaluation is a plateau."""
    return small_cnn(
        **{
            "variants.0.terms": TERMS,
            "variants.0.patience": 1,
            "training.learning_rate": 1e-6,
            "training.log_every": 1,
            **changes,
        }
    )


def turns(events):
    return [(e.step, e.knob, e.old, e.new) for e in events if e.kind == "knob"]


def heard(events):
    return {e.step: [*e.losses["distilled"]][1:] for e in events if e.kind == "step"}


def test_a_plateau_is_so_many_evaluations_without_a_new_best():
    plateau = Plateau(2)
    found = [plateau.watch(quality) for quality in (-math.inf, 3, 2, 3, 4, 3, 3, 3, 3)]
    assert found == [False, False, False, True, False, False, True, False, True]


def test_a_plateau_is_remembered_as_one_tensor():
    plateau, other = Plateau(3), Plateau(3)
    plateau.watch(5.0)
    plateau.watch(4.0)
    plateau.stage = 2
    (kept,) = plateau.state_dict().values()
    assert isinstance(kept, torch.Tensor)
    other.load_state_dict(plateau.state_dict())
    assert other.stage == 2
    assert [other.watch(5.0), other.watch(5.0)] == [False, True]


def test_terms_join_and_leave_at_a_plateau_and_the_log_says_when():
    events = list(fit(staged()))
    assert events[-1].kind == "finished", events[-1]
    assert turns(events) == [(4, "distilled.stage", 0, 1)]
    assert heard(events) == {k: ["hint"] if k <= 4 else ["soft_targets"] for k in range(1, 7)}


def test_stages_come_back_bit_for_bit_from_a_checkpoint_and_in_a_replay(tmp_path):
    events = list(fit(staged(), folder=tmp_path / "plain"))
    list(fit(staged(), ScriptedControl({5: [Stop()]}), folder=tmp_path / "cut"))
    resumed = list(fit(staged(), folder=tmp_path / "cut", checkpoint=tmp_path / "cut/checkpoints/00000004"))
    assert heard(resumed) == {5: ["soft_targets"], 6: ["soft_targets"]}
    assert same_bits(tmp_path / "plain", tmp_path / "cut")
    list(fit(staged(), ScriptedControl(replay_commands(events)), folder=tmp_path / "again"))
    assert same_bits(tmp_path / "plain", tmp_path / "again")


def test_a_person_may_begin_the_next_stage():
    script = ScriptedControl({2: [SetKnob(knob="distilled.stage", value=1)]})
    events = list(fit(staged(**{"variants.0.patience": 100}), script))
    assert heard(events)[2] == ["hint"]
    assert heard(events)[3] == ["soft_targets"]


def test_stages_without_patience_or_without_time_are_refused():
    with pytest.raises(ConfigError, match="'patience'"):
        staged(**{"variants.0.patience": 0})
    with pytest.raises(ConfigError, match="'until_stage' above 'stage'"):
        staged(**{"variants.0.terms": [{"method": "hint", "active": {"stage": 2, "until_stage": 1}}]})
