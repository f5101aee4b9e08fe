"""Events and commands: values that JSON carries without loss."""

import json

import pytest
from pydantic import ValidationError

from kdexplorer.commands import Extend, SetKnob, Step, command_from_dict
from kdexplorer.events import (
    CheckpointSaved,
    Evaluated,
    Event,
    KnobTurned,
    RunFailed,
    RunFinished,
    RunResumed,
    RunStarted,
    StepLogged,
    StepsExtended,
    TermValue,
    event_from_dict,
)
from kdexplorer.training.control import replay_commands


def test_events_round_trip():
    events: list[Event] = [
        StepLogged(step=3, learning_rate=0.1, steps_per_second=7.5,
                   losses={"distilled": {"task": TermValue(value=0.5, weight=2)}}),
        Evaluated(step=3, variants={"control": {"psnr": 28.1}}),
        KnobTurned(step=4, knob="learning_rate", old=0.1, new=0.2),
        RunFailed(step=5, reason="why", advice="what"),
    ]  # fmt: skip
    for event in events:
        assert event_from_dict(json.loads(event.model_dump_json())) == event
    assert events[0].losses["distilled"]["task"].weighted == 1.0


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "format_disk"},
        {"kind": "step", "count": 0},
        {"kind": "extend", "steps": 10**9},
        {"kind": "set", "knob": "x" * 300, "value": 1},
        {"kind": "set", "knob": "learning_rate", "value": float("inf")},
        {"kind": "pause", "more": 1},
    ],
)
def test_hostile_commands_are_refused(values):
    with pytest.raises(ValidationError):
        command_from_dict(values)


def test_commands_round_trip():
    for command in (Step(count=3), SetKnob(knob="learning_rate", value=0.5), Extend(steps=9)):
        assert command_from_dict(json.loads(command.model_dump_json())) == command


def started(steps=100, step=0):
    return RunStarted(step=step, steps=steps, device="cpu", threads=1, torch="", teacher=None,
                      student={"model": "mlp", "parameters": 1}, variants=("control",), metrics=())  # fmt: skip


def knob(step, new):
    return KnobTurned(step=step, knob="learning_rate", old=0, new=new)


def turn(new):
    return SetKnob(knob="learning_rate", value=new)


def test_replay_of_a_plain_run():
    events = [started(), knob(5, 1), StepsExtended(step=9, steps=120), RunResumed(step=9),
              RunFinished(step=40, reason="stopped", seconds=1)]  # fmt: skip
    script = replay_commands(events)
    assert {step: [c.kind for c in commands] for step, commands in script.items()} == {5: ["set"], 9: ["extend"], 40: ["stop"]}  # fmt: skip
    assert script[9] == [Extend(steps=20)]


def test_replay_keeps_what_a_kill_lost():
    """Killed at 130 after a turn at 120, resumed from 100: the turn has to be done again."""
    events = [started(), knob(50, 1), CheckpointSaved(step=100, folder=""), knob(120, 2)]
    assert replay_commands(events, checkpoint=100) == {120: [turn(2)]}
    again = [*events, started(step=100), RunResumed(step=100)]
    assert replay_commands(again, checkpoint=100) == {120: [turn(2)]}  # killed again before 120
    done = [*again, knob(120, 2), knob(125, 3)]
    assert replay_commands(done, checkpoint=100) == {120: [turn(2)], 125: [turn(3)]}
    assert replay_commands(done) == {50: [turn(1)], 120: [turn(2)], 125: [turn(3)]}


def test_replay_leaves_out_what_the_checkpoint_holds():
    events = [started(), knob(100, 1), CheckpointSaved(step=100, folder=""), knob(100, 2)]
    assert replay_commands(events, checkpoint=100) == {100: [turn(2)]}
