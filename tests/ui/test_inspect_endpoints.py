"""What the page may ask about a run: real answers, and words for everything else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kdexplorer.config import RunConfig, with_values
from kdexplorer.home import preview_path, upload_path
from kdexplorer.presets import preset_config
from kdexplorer.runs import claims
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.limits import PUBLIC_SPACE
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store
from kdexplorer.ui.inspect_endpoints import InspectEndpoints

CONFIG: dict[str, Any] = {
    "task": "classification",
    "data": {"source": {"id": "digits"}, "held_out": 8},
    "teacher": {"id": "tiny_cnn", "params": {"width": 8}},
    "student": {"id": "tiny_cnn", "params": {"width": 4}},
    "variants": [{"terms": [{"method": "soft_targets"}]}],
    "training": {"steps": 4, "batch_size": 4, "checkpoint_every": 2, "device": "cpu", "threads": 1},
}
NAMES = ("facts", "attribute", "align", "local", "restored", "photo", "estimate", "degraded")


@pytest.fixture(scope="module")
def inspect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InspectEndpoints]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDX_HOME", str(tmp_path_factory.mktemp("home")))
        store = Store()
        endpoints = InspectEndpoints(store, Manager(store, executor=Inline()))
        yield endpoints
        endpoints.close()
        store.close()


@pytest.fixture(scope="module")
def run(inspect: InspectEndpoints) -> str:
    return inspect._manager.start(RunConfig.from_dict(CONFIG), actor=None)


def test_a_run_is_looked_into(inspect: InspectEndpoints, run: str) -> None:
    facts = inspect.facts({"run": run})
    assert facts["steps"] == [2, 4]
    assert {"images", "classes", "layers", "layer", "algorithms", "task"} <= facts.keys()
    layer = {
        "teacher": facts["layers"]["teacher"][0]["name"],
        "student": facts["layers"]["student"][0]["path"],
    }
    question = {"run": run, "step": 2, "image": 3, "algorithm": facts["algorithms"][0]["id"], "layer": layer}
    for target in ("label", "predicted", 5):
        shown = inspect.attribute({**question, "target": target})
        assert shown["step"] == 2
        assert [panel["role"] for panel in shown["panels"]] == ["input", "control", "variant", "teacher"]
        assert set(shown["alignment"]["distilled"]) == {"cosine", "spearman", "overlap"}
    assert inspect.attribute({"run": run})["step"] == 4
    found = inspect.align({**question, "target": "label", "images": 4})
    assert (found["step"], found["images"]) == (2, 4)
    assert set(found["alignment"]["control"]["cosine"]) == {"mean", "low", "high", "images", "of"}


def test_a_photo_is_shown_by_its_uploads_id(inspect: InspectEndpoints, run: str) -> None:
    file = upload_path("0123456789abcdef.png")
    file.parent.mkdir(exist_ok=True)
    Image.new("RGB", (40, 30), "gray").save(file)
    shown = inspect.photo({"run": run, "upload": "0123456789abcdef.png", "degrade": False})
    assert [panel["role"] for panel in shown["panels"]] == ["input", "control", "variant", "teacher"]
    assert shown["step"] == 4
    assert "no image file" in inspect.photo({"run": run, "upload": "ffffffffffffffff.png"})["error"]
    assert "not the id" in inspect.photo({"run": run, "upload": "../../../etc/passwd"})["error"]


def test_the_cost_is_measured_once_for_what_costs_the_same(inspect: InspectEndpoints) -> None:
    found = inspect.estimate({"config": CONFIG})
    assert set(found) == {
        "seconds", "step_ms", "evaluate_ms", "steps", "memory_bytes", "device", "threads", "notes"
    }  # fmt: skip
    assert found["seconds"] > 0
    longer = {**CONFIG, "training": {**CONFIG["training"], "steps": 4000, "learning_rate": 0.1}}
    again = inspect.estimate({"config": longer})
    assert again["step_ms"] == found["step_ms"]
    assert again["seconds"] > found["seconds"]


def test_degradations_are_shown_before_a_run(inspect: InspectEndpoints) -> None:
    asked = {
        "source": {"id": "photos"},
        "degradations": [{"id": "bicubic", "params": {"scale": 2}}],
        "draw": 3,
    }
    shown = inspect.degraded(asked)
    assert (shown["clean_size"], shown["degraded_size"]) == ([144, 144], [72, 72])
    assert "choose what makes" in inspect.degraded({**asked, "degradations": []})["error"]
    folder = {"id": "photo_folder", "params": {"path": "/nowhere/at/all"}}
    assert "not a folder that can be read" in inspect.degraded({**asked, "source": folder})["error"]
    with inspect._client._lock, pytest.MonkeyPatch.context() as patch:
        patch.setattr("kdexplorer.ui.inspect_endpoints.SECONDS", 0.1)
        assert inspect.degraded({**asked, "draw": 4})["again"]
    public = InspectEndpoints(inspect._store, Manager(inspect._store, PUBLIC_SPACE, executor=Inline()))
    assert "closed here" in public.degraded({**asked, "source": folder})["error"]


def test_any_held_out_image_is_shown_at_the_last_checkpoint_before(inspect: InspectEndpoints) -> None:
    values = {
        "training.steps": 5, "training.checkpoint_every": 2, "training.evaluate_every": 5, "training.threads": 1,
        "data.held_out": 6, "data.held_out_crop": 32, "data.patch": 16, "training.batch_size": 2,
    }  # fmt: skip
    config = with_values(preset_config("denoise"), values)
    restoring = inspect._manager.start(config, actor=None)
    scores = json.loads(preview_path(inspect._store.folder(restoring), 5, "scores").read_text())
    assert len(scores["names"]) == 6
    shown = inspect.restored({"run": restoring, "step": 5, "image": 4})
    assert (shown["step"], shown["name"], shown["size"]) == (5, scores["names"][4], [32, 32])
    assert [p["role"] for p in shown["panels"]] == ["input", "control", "variant", "teacher", "target"]
    for panel in shown["panels"][:4]:
        for metric, value in panel["metrics"].items():
            assert value == pytest.approx(scores["metrics"][metric][panel["name"]][4], abs=2e-3)
    assert inspect.restored({"run": restoring, "step": 3, "image": 4})["step"] == 2
    assert "Before step 2" in inspect.restored({"run": restoring, "step": 1, "image": 4})["error"]
    assert "0 to 5" in inspect.restored({"run": restoring, "step": 5, "image": 6})["error"]


def test_a_run_that_trains_is_not_disturbed(inspect: InspectEndpoints) -> None:
    store = inspect._store
    waiting = store.create(RunConfig.from_dict(CONFIG))
    claimed = claims.claim(store, concurrent=None, run_id=waiting)
    assert claimed is not None
    other = {**CONFIG, "training": {**CONFIG["training"], "batch_size": 5}}
    with claims.Heartbeat(store, claimed):
        refused = inspect.estimate({"config": other})
        assert "A run is training" in refused["reason"]
        forced = inspect.estimate({"config": other, "force": True})
        assert forced["notes"] == ["Measured beside a run that is going on: alone it will be faster."]
    claims.break_claim(store, claimed, "the test is over", "")


def test_a_public_place_measures_within_its_limits(inspect: InspectEndpoints) -> None:
    public = InspectEndpoints(inspect._store, Manager(inspect._store, PUBLIC_SPACE, executor=Inline()))
    greedy = {**CONFIG, "training": {**CONFIG["training"], "steps": 10**6}}
    assert "training.steps" in public.estimate({"config": greedy})["error"]
    named = {**CONFIG, "teacher": {**CONFIG["teacher"], "weights": "file:/etc/passwd"}}
    assert "closed here" in public.estimate({"config": named})["error"]


def test_a_run_without_checkpoints_says_what_to_wait_for(inspect: InspectEndpoints) -> None:
    waiting = inspect._store.create(RunConfig.from_dict(CONFIG))
    assert inspect.facts({"run": waiting})["steps"] == []
    for name in ("attribute", "align", "local", "restored", "photo"):
        assert "no checkpoint yet" in getattr(inspect, name)({"run": waiting})["error"]


def test_a_busy_inspector_may_be_asked_again(
    inspect: InspectEndpoints, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = {"left": 0, "top": 0, "side": 8}
    other = {**CONFIG, "training": {**CONFIG["training"], "batch_size": 6}}
    draws = {"source": {"id": "photos"}, "degradations": [{"id": "haze"}], "draw": 9}
    asked = {"run": run, "step": 2, "image": 6, "patch": patch, "upload": "0123456789abcdef.png", "images": 3}
    monkeypatch.setattr(inspect._client, "_places", threading.BoundedSemaphore(1))
    inspect._client._places.acquire()
    for name in NAMES:
        question = {"estimate": {"config": other}, "degraded": draws}.get(name, asked)
        if name != "facts":  # its answer is kept
            assert getattr(inspect, name)(question).get("again") is True, name
    assert "again" not in inspect.restored({"run": "aaaaaaaa"})


HOSTILE: list[Any] = [
    None, [], 7, {}, {"run": "../../etc"}, {"run": 5}, {"run": "aaaaaaaa"}, {"config": []}, {"config": {"a": 1}},
]  # fmt: skip
WRONG: list[dict[str, Any]] = [
    {"step": 3}, {"step": -1, "ensemble": 3}, {"step": 1e400}, {"image": 10**9, "upload": 5, "images": -2}, {"image": "x", "images": "x", "upload": "x"},
    {"algorithm": 5, "upload": "a\x00"}, {"algorithm": "nothing", "upload": ".."}, {"layer": [1], "degrade": 3},
    {"layer": {"teacher": {"$ne": 1}}, "seed": -1, "upload": "0123456789abcdef.png"}, {"layer": {"student": "../../x"}, "upload": ""},
    {"patch": {"left": "x", "top": 0, "side": 8}, "image": 99, "upload": "x"}, {"patch": {"left": 0, "top": 0, "side": 8}, "image": 99, "upload": "x"},
    {"target": "best", "upload": {}}, {"target": -1, "upload": []}, {"target": 99, "upload": "0123456789abcdef"}, {"target": True, "upload": None},
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_sent_the_answer_is_json_and_nothing_raises(
    inspect: InspectEndpoints, run: str, name: str
) -> None:
    about_a_run = [{"run": run, **wrong} for wrong in WRONG] if name not in ("facts", "estimate") else []
    for query in HOSTILE + about_a_run:
        answer = getattr(inspect, name)(query)
        json.dumps(answer)
        words = answer.get("error", "")
        assert "Traceback" not in words, query
        assert "log says why" not in words, f"an exception nobody expected: {query}"
        assert words or (name == "align" and "image" in query), query
        assert str(Path.home()) not in words


def test_it_is_not_started_before_it_is_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    endpoints = InspectEndpoints(store, Manager(store, executor=Inline()))
    assert endpoints._client._process is None
    endpoints.close()
    store.close()
