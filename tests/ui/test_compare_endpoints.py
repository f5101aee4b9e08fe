"""What the Compare tab may ask: runs side by side for everybody, words beside them for their owner, nothing raises."""

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
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store
from kdexplorer.ui.endpoints import Endpoints

MINE, THEIRS = "a" * 48, "b" * 48
SMALL = RunConfig(
    name="three steps",
    task="classification",
    data=DataConfig(source=Component(id="digits"), held_out=20),
    student=NetworkConfig(id="mlp", params={"width": 8, "depth": 2}),
    variants=(VariantConfig(),),
    training=TrainingConfig(steps=3, batch_size=4, log_every=1, threads=1),
).model_dump(mode="json")


@pytest.fixture
def endpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoints]:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    store = Store()
    yield Endpoints(store, Manager(store, executor=Inline()))
    store.close()


def test_seeds_are_compared_and_averaged(endpoints: Endpoints) -> None:
    runs = endpoints.start({"config": SMALL, "seeds": 2, "token": MINE})["runs"]
    listed = endpoints.runs({})
    assert listed["total"] == 2
    assert [(run["id"], run["seed"]) for run in listed["runs"]] == [(runs[1], 1), (runs[0], 0)]
    assert listed["runs"][0]["metric"]["id"] == "accuracy"
    found = endpoints.compare.chosen({"runs": runs})
    assert [run["id"] for run in found["runs"]] == runs
    assert [mean["count"] for mean in found["batches"]] == [2]
    assert found["runs"][0]["cost"]["student"]["multiply_adds"] == 64 * 8 + 8 * 8 + 8 * 10
    curves = endpoints.compare.curves({"runs": runs, "quantity": "accuracy"})["curves"]
    assert curves[runs[0]]["step"][-1] == 3
    assert set(curves[runs[1]]["variants"]) == {"distilled", "control"}
    assert endpoints.compare.curves({"runs": runs, "quantity": "loss"})["curves"][runs[0]]["step"] == [
        1,
        2,
        3,
    ]
    assert endpoints.compare.varied({"runs": runs})["paths"] == ["training.seed"]
    assert endpoints.compare.varied({"search": "three", "limit": 1})["total"] == 2
    assert "error" in endpoints.start({"config": SMALL, "seeds": 11, "token": MINE})


def test_only_the_owner_writes_beside_a_run(endpoints: Endpoints) -> None:
    run = endpoints.start({"config": SMALL, "token": MINE})["run"]
    asked = endpoints.compare
    for answer in (
        asked.tag({"run": run, "tags": "x", "token": THEIRS}),
        asked.note({"run": run, "note": "x", "token": THEIRS}),
    ):
        assert "someone else" in answer["error"].lower()
    assert asked.tag({"run": run, "tags": "a, <b>", "token": MINE}) == {"tags": ["a", "<b>"]}
    assert asked.note({"run": run, "note": "kept", "token": MINE}) == {"ok": True}
    assert endpoints.runs({"search": "kept <b>"})["runs"][0]["tags"] == ["a", "<b>"]


HOSTILE: list[Any] = [
    None, [], "x", {}, {"runs": "aaaaaaaa"}, {"runs": [1]}, {"runs": ["a" * 10**6], "quantity": "psnr"},
    {"runs": ["x"] * 1000, "quantity": "psnr"}, {"runs": ["'; DROP TABLE runs; --"], "quantity": "loss"},
    {"runs": [], "quantity": 5}, {"search": "%" * 300}, {"search": "\x00"}, {"search": "x", "limit": -1},
    {"run": "aaaaaaaa", "tags": ["x"], "token": MINE}, {"run": "aaaaaaaa", "note": "x" * 10**5, "token": MINE},
    {"run": "aaaaaaaa", "tags": "x", "note": "x", "token": MINE}, {"run": "../..", "tags": "x", "note": "x", "token": MINE},
]  # fmt: skip


@pytest.mark.parametrize("name", ["chosen", "curves", "varied", "tag", "note"])
def test_whatever_is_sent_the_answer_is_json_and_nothing_raises(endpoints: Endpoints, name: str) -> None:
    for query in HOSTILE:
        answer = getattr(endpoints.compare, name)(query)
        json.dumps(answer)
        assert "error" in answer or {"runs", "curves"} & set(answer), query
        assert "its log says why" not in answer.get("error", ""), f"an exception nobody expected: {query}"
    assert "error" not in endpoints.runs({"search": "100% ' _ \\ !"})


def test_a_run_of_another_version_can_still_be_seen_and_deleted(endpoints: Endpoints) -> None:
    run = endpoints.start({"config": SMALL, "token": MINE})["run"]
    with endpoints.store.database.writing() as connection:
        connection.execute('UPDATE runs SET config = \'{"version": 9, "task": "new", "data": null}\'')
    (listed,) = endpoints.runs({})["runs"]
    assert (listed["id"], listed["task"], listed["source"]) == (run, "new", None)
    (found,) = endpoints.compare.chosen({"runs": [run]})["runs"]
    assert found["settings"] == {"task": "new", "data": None}
    assert endpoints.delete({"run": run, "token": MINE}) == {"ok": True}
