"""The command line: its words, its JSON, its exit codes, as a person meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kdexplorer.cli import FAMILIES, main
from kdexplorer.config import RunConfig
from kdexplorer.runs import Store, claims

DIGITS = {
    "name": "digits",
    "task": "classification",
    "data": {"source": {"id": "digits"}, "held_out": 8},
    "student": {"id": "mlp"},
    "teacher": {"id": "mlp"},
    "variants": [{"terms": [{"method": "soft_targets"}]}],
    "training": {"steps": 6, "batch_size": 8, "checkpoint_every": 2, "threads": 1},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("KDX_HOME", str(tmp_path / "home"))
    (tmp_path / "digits.json").write_text(json.dumps(DIGITS))
    yield tmp_path
    if not (tmp_path / "home").is_dir():
        return
    for found in claims.held(Store(tmp_path / "home")):
        if found.pid != os.getpid():
            psutil.Process(found.pid).kill()


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a command that is refused."""
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as exit:
        code = int(exit.code or 0)
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    lines = printed.err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def kdexplorer(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kdexplorer.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_fit_prints_exactly_one_json_object(home: Path) -> None:
    exported = home / "student.safetensors"
    process = kdexplorer(
        "fit", "--config", str(home / "digits.json"), "--set", "training.steps=4", "name=four",
        "--json", "--export", str(exported),
    )  # fmt: skip
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert (found["status"], found["steps"], found["name"]) == ("finished", 4, "four")
    assert found["seconds"] > 0
    assert found["teacher"]["parameters"] == found["variants"][0]["parameters"] > 0
    assert "accuracy" in found["teacher"]["metrics"]
    assert [variant["name"] for variant in found["variants"]] == ["distilled", "control"]
    distilled, control = found["variants"]
    assert set(distilled["terms"]) == {"task", "soft_targets"}
    assert set(distilled["terms"]["task"]) == {"value", "weight"}
    assert set(control["terms"]) == {"task"}
    assert 0 <= control["metrics"]["accuracy"] <= 100
    assert found["verdicts"][0]["variant"] == "distilled"
    assert "4/4" in err  # the bar
    students = Store(home / "home").folder(found["run_id"]) / "students"
    assert exported.read_bytes() == (students / "distilled.safetensors").read_bytes()


def test_ctrl_c_stops_and_keeps(home: Path) -> None:
    process = kdexplorer(
        "fit", "--config", str(home / "digits.json"), "--set", "training.steps=100000", "--json"
    )
    wait_for_steps(home)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    found = json.loads(out)
    assert found["status"] == "stopped"
    assert Store(home / "home").last(found["run_id"], "checkpoint") is not None


def wait_for_steps(home: Path) -> None:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        if (home / "home" / "kdexplorer.db").exists():
            runs = Store(home / "home").runs()
            if runs and runs[0].step:
                return
        time.sleep(0.05)
    raise AssertionError("it never began")


def test_a_failed_run_exits_with_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["fit", "--config", str(home / "digits.json"), "--quiet", "--set", "training.learning_rate=10",
             "training.optimizer=sgd", "variants.0.task_weight=1000", "training.steps=500"]  # fmt: skip
    assert main([*given, "--json"]) == 1
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["status"] == "failed"
    assert "was not finite" in found["reason"]
    assert printed.err.startswith("kdexplorer fit: The ")


def test_a_run_in_the_background_is_steered_with_the_same_words(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(home / "digits.json")
    begun = kdexplorer("fit", "--config", config, "--background", "--json", "--set", "training.steps=100000")
    out, err = begun.communicate(timeout=200)
    assert begun.returncode == 0, err
    run_id = json.loads(out)["run_id"]
    wait_for_steps(home)
    assert ask(capsys, "pause", run_id[:7])["run_id"] == run_id
    wait_for_status(capsys, "paused")
    at = ask(capsys, "show", "latest")["step"]
    ask(capsys, "set", "latest", "learning_rate=1e-4", "distilled.soft_targets.temperature=2")
    ask(capsys, "step", "latest", "--count", "3")
    deadline = time.monotonic() + 200
    while ask(capsys, "show", "latest")["step"] < at + 3:
        assert time.monotonic() < deadline
    store = Store(home / "home")
    knobs = [(stored.event["knob"], stored.event["new"]) for stored in store.events(run_id, kinds=("knob",))]
    assert knobs == [("learning_rate", 1e-4), ("distilled.soft_targets.temperature", 2.0)]
    assert "stop it first" in refuse(capsys, "delete", run_id)
    waiting = ask(capsys, "fork", run_id)
    assert (waiting["status"], waiting["queue_position"]) == ("queued", 1)
    assert ask(capsys, "stop", waiting["run_id"])["status"] == "stopped"
    ask(capsys, "stop", run_id)
    wait_for_status(capsys, "stopped", run_id)
    assert [run["run_id"] for run in ask(capsys, "runs")] == [waiting["run_id"], run_id]
    assert ask(capsys, "runs", "--search", "nothing like it") == []
    assert len(ask(capsys, "runs", "--search", "digits mlp")) == 2
    assert ask(capsys, "delete", waiting["run_id"]) == {"run_id": waiting["run_id"], "status": "deleted"}
    assert [run["run_id"] for run in ask(capsys, "runs")] == [run_id]


def wait_for_status(capsys: pytest.CaptureFixture[str], status: str, run: str = "latest") -> None:
    deadline = time.monotonic() + 200
    while (shown := ask(capsys, "show", run))["status"] != status:
        assert time.monotonic() < deadline, shown
        time.sleep(0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_list_prints_every_parameter_with_default_and_bounds(
    family: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = ask(capsys, "list", family)
    for entry in entries:
        assert entry["id"]
        for param in entry.get("params", []) if family not in ("weights",) else []:
            assert {"name", "default", "minimum", "maximum", "choices", "help", "kind"} <= set(param)
    assert main(["list", family]) == 0
    assert all(entry["id"] in capsys.readouterr().out for entry in entries[:1])


def test_bad_input_is_one_line_and_exit_code_2(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(home / "digits.json")
    assert "no preset 'nope'" in refuse(capsys, "fit", "--preset", "nope")
    assert "training.steps: should be greater than" in refuse(
        capsys, "fit", "--config", config, "--set", "training.steps=0"
    )
    assert "no such setting" in refuse(capsys, "fit", "--config", config, "--set", "training.nope.x=1")
    assert "expected NAME=VALUE" in refuse(capsys, "fit", "--config", config, "--set", "training.steps")
    assert "Cannot read" in refuse(capsys, "fit", "--config", str(home / "missing.json"))
    assert "damaged" in refuse(capsys, "fit", "--code", "AAAA")
    assert "there is no folder" in refuse(capsys, "fit", "--config", config, "--export", "/nowhere/at/all")
    assert "no variant 'x'" in refuse(capsys, "fit", "--config", config, "--variant", "x")
    assert "one of the arguments" in refuse(capsys, "fit")
    assert "There are no runs yet" in refuse(capsys, "show", "latest")
    assert "There is no run 'zz'" in refuse(capsys, "pause", "zz")
    assert "invalid choice" in refuse(capsys, "list", "everything")
    assert "invalid choice" in refuse(capsys, "dance")
    Store().create(RunConfig())
    assert "waits for its turn" in refuse(capsys, "set", "latest", "learning_rate=1")
    assert "value" in refuse(capsys, "set", "latest", "learning_rate=fast")
    assert "no checkpoint" in refuse(capsys, "fork", "latest")


def test_a_link_and_a_preset_are_configs_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = RunConfig.from_dict(DIGITS).to_code()
    found = ask(capsys, "fit", "--code", code, "--quiet", "--set", "training.steps=1")
    assert found["status"] == "finished"
    shown = ask(capsys, "show", found["run_id"])
    assert shown["config"]["training"]["steps"] == 1
    assert RunConfig.from_dict(shown["config"]).data == RunConfig.from_dict(DIGITS).data
