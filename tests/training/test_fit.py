"""Behaviour of a run: its exact events, its bits, and what goes wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from kdexplorer import ConfigError, RunConfig, fit
from kdexplorer.commands import Extend, Pause, Resume, SetKnob, Step, Stop
from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.training import ScriptedControl, replay_commands
from kdexplorer.training.session import Session


def tiny(**changes) -> RunConfig:
    """Three steps on digits, an untrained teacher, distilled and control."""
    config = RunConfig.from_dict(
        {
            "task": "classification",
            "data": {"source": {"id": "digits"}, "held_out": 40},
            "teacher": {"id": "mlp", "params": {"width": 32, "depth": 1}},
            "student": {"id": "mlp", "params": {"width": 8, "depth": 1}},
            "variants": [{"task_weight": 0.5, "terms": [{"method": "soft_targets", "weight": 0.9}]}],
            "training": {
                "steps": 3, "batch_size": 8, "log_every": 2, "evaluate_every": 2, "checkpoint_every": 2,
                "device": "cpu", "threads": 1,
            },
        }
    )  # fmt: skip
    return with_values(config, changes)


def small_cnn(**changes) -> RunConfig:
    """As `tiny`, with BatchNorm, taps, learnable parts and augmentations: everything that keeps state."""
    return tiny(
        **{
            "teacher": {"id": "cifar_resnet", "params": {"depth": 8, "width": 8}},
            "student": {"id": "cifar_resnet", "params": {"depth": 8, "width": 4}},
            "data.augmentations": [{"id": "flip"}, {"id": "mixup"}],
            "variants.0.terms": [
                {"method": "hint"},
                {"method": "attention_transfer"},
                {"method": "soft_targets"},
            ],
            "training.steps": 6,
            **changes,
        }
    )


def kinds(events):
    return [(event.kind, event.step) for event in events]


def students(folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {path.stem: load_file(path) for path in (folder / "students").glob("*.safetensors")}


def same_bits(a: Path, b: Path) -> bool:
    first, second = students(a), students(b)
    assert first.keys() == second.keys()
    assert first
    return all(
        torch.equal(first[name][key], second[name][key]) for name in first for key in first[name]
    ) and all(first[name].keys() == second[name].keys() for name in first)


def test_exact_events_of_a_three_step_run(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "kdexplorer.training.session.PREVIEW_SHARE", 1e9
    )  # else a slow machine leaves some out
    events = list(fit(tiny(), folder=tmp_path))
    assert kinds(events) == [
        ("started", 0), ("evaluated", 0), ("step", 1), ("preview", 1),
        ("step", 2), ("evaluated", 2), ("preview", 2), ("checkpoint", 2),
        ("step", 3), ("evaluated", 3), ("preview", 3), ("checkpoint", 3), ("cost", 3),
        ("finished", 3),
    ]  # fmt: skip
    started, last = events[0], events[-1]
    assert started.variants == ("distilled", "control")
    assert started.teacher.parameters > started.student.parameters
    assert "random weights" in " ".join(started.notes)
    assert last.reason == "completed"
    logged = events[4].losses
    assert set(logged["distilled"]) == {"task", "soft_targets"}
    assert set(logged["control"]) == {"task"}
    assert logged["distilled"]["soft_targets"].weight == 0.9
    assert (tmp_path / "students" / "control.safetensors").exists()
    preview = json.loads((tmp_path / events[3].file).read_text())
    assert [n["role"] for n in preview["items"][0]["predictions"]] == ["control", "variant", "teacher"]
    assert events[9].verdicts[0].sentence.startswith("distilled ")


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kinds(fit(tiny()))[-1] == ("finished", 3)
    assert not list(tmp_path.iterdir())


def test_same_seed_same_bits_and_another_seed_others(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        list(fit(small_cnn(**{"training.seed": seed}), folder=tmp_path / name))
    assert same_bits(tmp_path / "a", tmp_path / "b")
    assert not same_bits(tmp_path / "a", tmp_path / "c")


def test_students_begin_alike_and_a_variant_without_terms_is_its_control(tmp_path):
    config = tiny(
        **{"variants.0.terms": [{"method": "soft_targets", "weight": 0}], "variants.0.task_weight": 1}
    )
    list(fit(config, folder=tmp_path))
    found = students(tmp_path)
    assert all(torch.equal(found["distilled"][k], found["control"][k]) for k in found["control"])


def test_the_control_does_not_know_of_the_variants(tmp_path):
    list(fit(small_cnn(), folder=tmp_path / "both"))
    list(fit(small_cnn(variants=[], teacher=None), folder=tmp_path / "alone"))
    both, alone = students(tmp_path / "both"), students(tmp_path / "alone")
    assert all(torch.equal(both["control"][k], alone["control"][k]) for k in alone["control"])
    assert not all(torch.equal(both["distilled"][k], alone["control"][k]) for k in alone["control"])


def test_same_bits_through_a_pause_and_single_steps(tmp_path):
    list(fit(small_cnn(), folder=tmp_path / "plain"))
    script = ScriptedControl({2: [Pause()], 3: [Step(count=2)]})
    script._commands[2].append(Step())
    events = list(fit(small_cnn(), script, folder=tmp_path / "paused"))
    assert ("paused", 2) in kinds(events)
    assert ("resumed", 5) in kinds(events)
    assert same_bits(tmp_path / "plain", tmp_path / "paused")


@pytest.mark.parametrize("step", [2, 4])
def test_same_bits_from_a_checkpoint(tmp_path, step):
    list(fit(small_cnn(), folder=tmp_path / "plain"))
    list(fit(small_cnn(), ScriptedControl({5: [Stop()]}), folder=tmp_path / "cut"))
    checkpoint = tmp_path / "cut" / "checkpoints" / f"{step:08d}"
    events = list(fit(small_cnn(), folder=tmp_path / "cut", checkpoint=checkpoint))
    assert kinds(events)[:2] == [("started", step), ("resumed", step)]
    assert same_bits(tmp_path / "plain", tmp_path / "cut")


def test_same_bits_in_a_replay_of_the_recorded_knob_turns(tmp_path):
    turns = {
        1: [SetKnob(knob="distilled.soft_targets.temperature", value=2)],
        2: [Extend(steps=2), SetKnob(knob="learning_rate", value=0.01)],
        3: [Pause(), SetKnob(knob="distilled.hint.weight", value=3), Resume()],
        6: [Stop()],
    }
    events = list(fit(small_cnn(), ScriptedControl(turns), folder=tmp_path / "live"))
    assert [e.step for e in events if e.kind == "knob"] == [1, 2, 3]
    script = ScriptedControl(replay_commands(events))
    again = list(fit(small_cnn(), script, folder=tmp_path / "again"))
    assert same_bits(tmp_path / "live", tmp_path / "again")
    assert [e.reason for e in again if e.kind == "finished"] == ["stopped"]
    list(fit(small_cnn(), folder=tmp_path / "untouched"))
    assert not same_bits(tmp_path / "live", tmp_path / "untouched")


def test_turned_knobs_survive_a_checkpoint(tmp_path):
    turns = {
        1: [SetKnob(knob="distilled.soft_targets.weight", value=7), SetKnob(knob="learning_rate", value=0.5)]
    }
    list(fit(tiny(), ScriptedControl(turns), folder=tmp_path))
    session = Session(tiny(), tmp_path, tmp_path / "checkpoints" / "00000002")
    assert session.cohort.learning_rate == 0.5
    assert session.cohort.students[0].objective.knobs()["soft_targets.weight"][0] == 7


def test_a_refused_knob_is_told_and_the_run_goes_on():
    turns = {
        1: [SetKnob(knob="distilled.soft_targets.temperature", value=-1), SetKnob(knob="nonsense", value=1)]
    }
    events = list(fit(tiny(), ScriptedControl(turns)))
    refused = [event for event in events if event.kind == "refused"]
    assert "must lie between" in refused[0].reason
    assert "no knob 'nonsense'" in refused[1].reason
    assert events[-1].kind == "finished"


def test_more_steps_after_the_end(tmp_path):
    list(fit(tiny(), folder=tmp_path))
    checkpoint = tmp_path / "checkpoints" / "00000003"
    events = list(
        fit(tiny(), ScriptedControl({3: [Extend(steps=2)]}), folder=tmp_path, checkpoint=checkpoint)
    )
    assert ("extended", 3) in kinds(events)
    assert kinds(events)[-1] == ("finished", 5)


def test_fork_goes_on_with_other_knobs(tmp_path):
    list(fit(small_cnn(), folder=tmp_path / "parent"))
    checkpoint = tmp_path / "parent" / "checkpoints" / "00000004"
    child = small_cnn(**{"variants.0.terms.hint.weight": 9, "training.steps": 8})
    events = list(fit(child, folder=tmp_path / "child", checkpoint=checkpoint))
    assert kinds(events)[:2] == [("started", 4), ("resumed", 4)]
    assert kinds(events)[-1] == ("finished", 8)
    hint = [e.losses["distilled"]["hint"].weight for e in events if e.kind == "step"]
    assert set(hint) == {9}
    same = list(fit(small_cnn(), folder=tmp_path / "same", checkpoint=checkpoint))
    assert same[-1].step == 6
    assert same_bits(tmp_path / "parent", tmp_path / "same")


def test_fork_with_another_student_is_refused_with_words(tmp_path):
    list(fit(small_cnn(), folder=tmp_path / "parent"))
    other = small_cnn(**{"student.params.width": 8})
    events = list(
        fit(other, folder=tmp_path / "c", checkpoint=tmp_path / "parent" / "checkpoints" / "00000004")
    )
    assert "fork with the parent's student" in events[-1].reason


def test_a_damaged_checkpoint_is_refused_with_words(tmp_path):
    list(fit(tiny(), folder=tmp_path))
    state = tmp_path / "checkpoints" / "00000002" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:100])
    events = list(fit(tiny(), folder=tmp_path, checkpoint=state.parent))
    assert events[-1].kind == "failed"
    assert "cannot be read" in events[-1].reason


def test_a_loss_that_is_not_finite_names_term_and_step_and_keeps_the_checkpoint(tmp_path):
    turns = {
        2: [SetKnob(knob="learning_rate", value=10), SetKnob(knob="distilled.response.weight", value=1e5)]
    }
    config = tiny(
        **{
            "task": "restoration",
            "data": {"degradations": [{"id": "gaussian_noise"}], "held_out": 2, "held_out_crop": 32, "patch": 16},
            "teacher": {"id": "dncnn", "params": {"width": 8, "depth": 3}},
            "student": {"id": "dncnn", "params": {"width": 8, "depth": 3}},
            "variants.0.terms": [{"method": "response", "params": {"norm": "l2"}}],
            "training.steps": 500, "training.optimizer": "sgd", "training.log_every": 10,
        }
    )  # fmt: skip
    events = list(fit(config, ScriptedControl(turns), folder=tmp_path))
    failed = events[-1]
    assert failed.kind == "failed"
    assert "loss of distilled was not finite at step" in failed.reason
    assert failed.step > 2
    assert "learning rate" in failed.advice
    kept = tmp_path / "checkpoints" / "00000002" / "state.safetensors"
    assert all(torch.isfinite(value).all() for value in load_file(kept).values())


def test_the_teacher_never_changes_even_if_somebody_calls_train():
    session = Session(small_cnn(), None, None)
    teacher = session.teacher.module
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    for step in range(3):
        teacher.train()
        session.cohort.train_step(step, 6)
    assert all(torch.equal(before[k], v) for k, v in teacher.state_dict().items())
    assert all(p.grad is None for p in teacher.parameters())
    assert not any(m._forward_hooks for m in teacher.modules())


def test_learnable_parts_are_trained_and_saved(tmp_path):
    session = Session(small_cnn(), tmp_path, None)
    distilled = session.cohort.students[0]
    before = {k: v.clone() for k, v in distilled.objective.learnable.named_parameters()}
    assert before
    session.cohort.train_step(0, 6)
    assert all(not torch.equal(before[k], v) for k, v in distilled.objective.learnable.named_parameters())
    list(session.checkpoint())
    saved = load_file(tmp_path / "checkpoints" / "00000000" / "state.safetensors")
    assert any(key.startswith("distilled/terms/hint") for key in saved)


def test_the_teacher_sees_the_mixed_image():
    """CutMix and mixup: what the students learn from is what the teacher was asked about."""
    session = Session(small_cnn(**{"data.augmentations": [{"id": "mixup", "probability": 1}]}), None, None)
    seen = {}
    session.teacher.module.register_forward_pre_hook(lambda m, x: seen.setdefault("teacher", x[0]))
    session.cohort.students[0].module.register_forward_pre_hook(lambda m, x: seen.setdefault("student", x[0]))
    session.cohort.train_step(0, 6)
    assert seen["teacher"] is seen["student"]
    assert session.task.batch(0).target.shape == (8, 10)


def test_the_config_is_never_changed():
    config = small_cnn()
    before = config.to_json()
    list(fit(config, ScriptedControl({1: [SetKnob(knob="learning_rate", value=0.1)]})))
    assert config.to_json() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"student.id": "dncnn"}, "dncnn|DnCNN"),
        ({"teacher.weights": "file:/nowhere/at/all.safetensors"}, "nowhere|not there|no file|No file"),
        ({"data.exclude_classes": [77]}, "count from 0 to 9"),
        ({"data.exclude_classes": list(range(9))}, "two classes must remain"),
        (
            {"variants.0.terms": [{"method": "hint", "layers": [{"student": "x", "teacher": "y"}]}]},
            "no layer 'x'",
        ),
        ({"training.device": "mps"}, "has no mps"),
    ],
)
def test_what_cannot_run_fails_with_words(changes, message):
    events = list(fit(tiny(**changes)))
    assert events[-1].kind == "failed"
    assert re.search(message, events[-1].reason)


def test_a_full_disk_fails_with_words_and_keeps_the_last_checkpoint(tmp_path):
    """A real limit of the operating system on a file's size, in a process of its own."""
    code = f"""
import resource, signal, sys
from pathlib import Path
from kdexplorer import fit
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_fit import tiny
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for event in fit(tiny(**{{"training.steps": 9, "student.params.width": 64}}), folder=Path({str(tmp_path)!r})):
    if event.kind == "checkpoint":
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
print(event.kind, event.reason)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "failed The disk is full" in result.stdout, result.stderr
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["00000002"]
    assert load_file(tmp_path / "checkpoints" / "00000002" / "state.safetensors")


def test_every_preset_trains_on_its_own_pair():
    """With random teachers where weights do not matter: names, layers, shapes and metrics fit together."""
    for id in ("denoise", "sharpen", "shapes", "digits_without_3"):
        config = with_values(
            preset_config(id),
            {"training.steps": 2, "training.batch_size": 2, "data.held_out": 4, "training.threads": 1},
        )
        events = list(fit(config))
        assert events[-1].kind == "finished", events[-1]
        assert [event for event in events if event.kind == "evaluated"][-1].verdicts


def test_fit_raises_what_is_a_fault_of_ours(monkeypatch):
    def broken(self, step, steps):
        raise AssertionError("a bug")

    monkeypatch.setattr("kdexplorer.training.cohort.Cohort.train_step", broken)
    with pytest.raises(AssertionError, match="a bug"):
        list(fit(tiny()))
    assert issubclass(ConfigError, ValueError)
