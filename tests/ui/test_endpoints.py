"""What the page may ask of the server: real runs, ownership, and nothing that makes it raise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kdexplorer.config import (
    Component,
    DataConfig,
    NetworkConfig,
    RunConfig,
    TrainingConfig,
    VariantConfig,
)
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.limits import PUBLIC_SPACE
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store
from kdexplorer.ui.endpoints import Endpoints

MINE, THEIRS = "a" * 48, "b" * 48
NAMES = ("start", "check", "poll", "preview", "command", "resume", "fork", "checkpoints", "runs", "delete", "rename", "keep")  # fmt: skip


def small(**training: Any) -> dict[str, Any]:
    """Three steps of a tiny network on the digits, in a fraction of a second."""
    config = RunConfig(
        name="three <steps>",
        task="classification",
        data=DataConfig(source=Component(id="digits"), held_out=20),
        student=NetworkConfig(id="mlp", params={"width": 8, "depth": 2}),
        variants=(VariantConfig(),),
        training=TrainingConfig(**{"steps": 3, "batch_size": 4, "log_every": 1, "threads": 1, **training}),
    )
    return config.model_dump(mode="json")


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoints]:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    store = Store()
    yield Endpoints(store, Manager(store, executor=Inline()))
    store.close()


def test_a_run_from_start_to_its_pictures(endpoints: Endpoints) -> None:
    begun = endpoints.start({"config": small(), "token": MINE})
    assert begun == {"run": begun["run"], "runs": [begun["run"]]}
    seen = endpoints.poll({"run": begun["run"], "cursor": 0, "token": MINE})
    assert seen["run"]["status"] == "finished"
    assert seen["run"]["name"] == "three <steps>"
    assert seen["mine"] is True
    assert seen["config"] == small()
    assert seen["points"]["step"] == [1, 2, 3]
    assert seen["evaluations"][-1]["step"] == 3
    assert "owner" not in json.dumps(seen["run"])
    pictures = endpoints.preview({"run": begun["run"], "step": seen["previews"][-1]["step"]})
    assert pictures["kind"] == "classification"
    assert not {"logits", "scores"} & set(pictures)
    asked = {"run": begun["run"], "step": seen["previews"][-1]["step"]}
    logits = endpoints.preview({**asked, "part": "logits"})
    assert set(logits) == {"index", "labels", "images", "networks"}
    assert set(endpoints.preview({**asked, "part": "scores"})["confusion"]) == {"control", "distilled"}
    assert "logits or scores" in endpoints.preview({**asked, "part": "../config"})["error"]
    again = endpoints.poll({"run": begun["run"], "cursor": seen["cursor"], "token": MINE})
    assert "points" not in again
    assert "config" not in again
    listed = endpoints.runs({"offset": 0, "limit": 10})["runs"]
    assert [run["id"] for run in listed] == [begun["run"]]
    assert listed[0]["task"] == "classification"


def test_others_watch_and_do_not_steer(endpoints: Endpoints) -> None:
    run = endpoints.start({"config": small(), "token": MINE})["run"]
    assert endpoints.poll({"run": run, "cursor": 0, "token": THEIRS})["mine"] is False
    for name, query in [
        ("command", {"command": {"kind": "extend", "steps": 5}}),
        ("resume", {}),
        ("delete", {}),
        ("rename", {"name": "stolen"}),
    ]:
        assert (
            "someone else"
            in getattr(endpoints, name)({"run": run, "token": THEIRS, **query})["error"].lower()
        )
    assert endpoints.rename({"run": run, "name": "renamed", "token": MINE}) == {"ok": True}
    assert endpoints.delete({"run": run, "token": MINE}) == {"ok": True}
    assert "error" in endpoints.poll({"run": run, "cursor": 0, "token": MINE})


def test_a_fork_goes_on_from_a_checkpoint_with_other_knobs(endpoints: Endpoints) -> None:
    run = endpoints.start({"config": small(checkpoint_every=1), "token": MINE})["run"]
    steps = endpoints.checkpoints({"run": run})["steps"]
    changes = {"training.learning_rate": 0.5, "training.steps": 5}
    child = endpoints.fork({"run": run, "step": steps[0], "changes": changes, "token": MINE})["run"]
    seen = endpoints.poll({"run": child, "cursor": 0, "token": MINE})
    assert (seen["run"]["parent"], seen["run"]["parent_step"]) == (run, steps[0])
    assert seen["config"]["training"]["learning_rate"] == 0.5
    assert seen["points"]["step"][-1] == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"training": {"steps": 0}}, "training.steps"),
        ({"training": {"steps": 10**9}}, "training.steps"),
        ({"training": {"learning_rate": "fast"}}, "training.learning_rate"),
        ({"student": {"id": "nothing"}}, "nothing"),
        ({"student": {"id": "mlp", "params": {"width": 10**6}}}, "Width"),
        ({"surprise": 1}, "surprise"),
        ({"task": "restoration"}, "student"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_runs(
    endpoints: Endpoints, change: dict[str, Any], words: str
) -> None:
    config = small()
    for key, value in change.items():
        config[key] = {**config[key], **value} if isinstance(config.get(key), dict) else value
    assert words in endpoints.start({"config": config, "token": MINE})["error"]
    assert words in "\n".join(endpoints.check({"config": config})["problems"])
    assert endpoints.runs({})["runs"] == []


def test_the_pair_is_measured(endpoints: Endpoints) -> None:
    told = endpoints.check({"config": small()})
    assert told["problems"] == []
    assert told["student"]["parameters"] == (64 * 8 + 8) + (8 * 8 + 8) + (8 * 10 + 10)


HOSTILE: list[Any] = [
    None, [], "x", 7, {}, {"run": "../../etc/passwd", "cursor": 0, "token": MINE}, {"run": 5, "token": MINE},
    {"run": "aaaaaaaa", "cursor": -1, "token": MINE}, {"run": "aaaaaaaa", "cursor": 1e400, "token": MINE},
    {"run": "aaaaaaaa", "cursor": 10**400, "token": MINE}, {"run": "a\x00aaaaaaa", "step": 0, "token": MINE},
    {"config": {"variants": [{}] * 5000}, "token": MINE}, {"config": [], "token": "short"},
    {"run": "aaaaaaaa", "command": {"kind": "explode"}, "token": MINE}, {"run": "aaaaaaaa", "command": [1], "token": MINE},
    {"run": "aaaaaaaa", "command": {"kind": "set", "knob": "learning_rate", "value": float("nan")}, "token": MINE},
    {"run": "aaaaaaaa", "changes": {"training.steps": float("inf")}, "step": 3, "token": MINE},
    {"path": "/etc/passwd", "kind": "image"}, {"offset": 10**9}, {"limit": 10**9}, {"token": {"$ne": 1}, "run": "aaaaaaaa"},
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_sent_the_answer_is_json_and_nothing_raises(endpoints: Endpoints, name: str) -> None:
    allowed = {"runs": "runs", "check": "problems"}
    for query in HOSTILE:
        answer = getattr(endpoints, name)(query)
        json.dumps(answer)
        assert "error" in answer or allowed.get(name) in answer, query
        assert "Traceback" not in answer.get("error", ""), query
        assert "its log says why" not in answer.get("error", ""), f"an exception nobody expected: {query}"


def test_a_public_place_keeps_its_paths_to_itself(endpoints: Endpoints) -> None:
    public = Endpoints(endpoints.store, Manager(endpoints.store, PUBLIC_SPACE, executor=Inline()))
    config = small()
    config["data"]["source"] = {"id": "image_folder", "params": {"path": "/etc"}}
    assert "closed here" in public.start({"config": config, "token": MINE})["error"]
    assert "closed here" in public.check({"config": config})["problems"][0]  # before anything is opened


def test_what_does_not_fit_is_refused_before_the_start_in_the_same_words(endpoints: Endpoints) -> None:
    config = small()
    config["teacher"] = config["student"]
    config["variants"][0]["terms"] = [{"method": "token_attention"}]
    told = endpoints.check({"config": config})
    (problem,) = told["problems"]
    assert told["methods"]["token_attention"]["reason"] in problem
    assert endpoints.start({"config": config, "token": MINE}) == {"error": problem}
