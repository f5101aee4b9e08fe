"""A run opened to look at: the weights of its checkpoints, its layers, its maps, and how well they agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from test_fit import small_cnn, tiny

from kdexplorer import ConfigError, RunConfig, fit
from kdexplorer.config import with_values
from kdexplorer.events import RunFinished
from kdexplorer.metrics.alignment import cosine
from kdexplorer.tasks.kinds.restoration import Restoration
from kdexplorer.training import attributions as attributions_module
from kdexplorer.training import inspection as inspection_module
from kdexplorer.training.attributions import attribution_maps
from kdexplorer.training.inspection import Inspection
from kdexplorer.training.layers import spatial_layers


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Path]:
    """A finished run of six steps on shapes."""
    config = small_cnn(data={"source": {"id": "shapes"}, "held_out": 20})
    folder = tmp_path_factory.mktemp("shapes")
    assert isinstance(list(fit(config, folder=folder))[-1], RunFinished)
    return config, folder


@pytest.fixture(scope="module")
def opened(shapes: tuple[RunConfig, Path]) -> Inspection:
    inspection = Inspection(shapes[0])
    inspection.go_to(shapes[1] / "checkpoints" / "00000006")
    return inspection


def states(inspection: Inspection) -> dict[str, dict[str, torch.Tensor]]:
    return {
        name: network.module.state_dict() for role, name, network in inspection.networks if role != "teacher"
    }


def test_a_checkpoint_gives_the_weights_of_its_step(shapes: tuple[RunConfig, Path]) -> None:
    config, folder = shapes
    inspection = Inspection(config)
    inspection.go_to(folder / "checkpoints" / "00000006")
    for name, state in states(inspection).items():
        saved = load_file(folder / "students" / f"{name}.safetensors")
        assert all(torch.equal(state[key], saved[key]) for key in state)
    inspection.go_to(folder / "checkpoints" / "00000002")
    saved = load_file(folder / "students" / "distilled.safetensors")
    assert any(not torch.equal(value, saved[key]) for key, value in states(inspection)["distilled"].items())


def test_a_variant_that_the_parent_did_not_have_is_its_first_student(shapes: tuple[RunConfig, Path]) -> None:
    config, folder = shapes
    child = with_values(config, {"variants.0.name": "other"})
    inspection = Inspection(child)
    inspection.go_to(folder / "checkpoints" / "00000002")
    tensors = load_file(folder / "checkpoints" / "00000002" / "state.safetensors")
    for key, value in states(inspection)["other"].items():
        assert torch.equal(value, tensors[f"distilled/model/{key}"])


def test_a_checkpoint_that_is_gone_or_of_other_networks_is_said(
    shapes: tuple[RunConfig, Path], tmp_path: Path
) -> None:
    config, folder = shapes
    with pytest.raises(ConfigError, match="step 7 is gone"):
        Inspection(config).go_to(folder / "checkpoints" / "00000007")
    wider = with_values(config, {"student.params.width": 8})
    with pytest.raises(ConfigError, match="other students"):
        Inspection(wider).go_to(folder / "checkpoints" / "00000006")
    (tmp_path / "00000001").mkdir()
    (tmp_path / "00000001" / "state.json").write_text("{}")
    with pytest.raises(ConfigError, match="damaged"):
        Inspection(config).go_to(tmp_path / "00000001")


def test_facts_say_what_there_is_to_choose(opened: Inspection) -> None:
    facts = json.loads(json.dumps(opened.facts()))
    assert facts["task"] == "classification"
    assert [image["index"] for image in facts["images"]] == list(range(20))
    assert all(facts["classes"][image["label"]] for image in facts["images"])
    assert facts["images"][0]["image"].startswith("data:image/")
    assert facts["layer"] == {"teacher": "stage3", "student": "stage3"}
    assert [layer["name"] for layer in facts["layers"]["student"]][:3] == ["stage1", "stage2", "stage3"]
    assert facts["layers"]["student"][0]["shape"] == [4, 32, 32]
    assert [algorithm["id"] for algorithm in facts["algorithms"]] == [
        "grad_cam",
        "attention",
        "input_gradient",
    ]


def test_networks_without_feature_maps_leave_the_attribution_of_pixels() -> None:
    facts = Inspection(tiny()).facts()
    assert facts["layers"] == {"teacher": [], "student": []}
    assert facts["layer"] == {"teacher": None, "student": None}
    assert [algorithm["id"] for algorithm in facts["algorithms"]] == ["input_gradient"]
    with pytest.raises(ConfigError, match="choose one of input_gradient"):
        Inspection(tiny()).attribute(0, "grad_cam", {}, "label")


def test_every_listed_layer_can_be_looked_at(opened: Inspection) -> None:
    for role in ("teacher", "student"):
        for layer in opened.layers[role]:
            shown = opened.attribute(1, "attention", {role: layer["path"]}, "label")
            assert len(shown["panels"]) == 4
    for _, _, network in opened.networks:
        assert not any(module._forward_hooks for module in network.module.modules())


def test_overwritten_and_repeated_layers_are_not_listed(opened: Inspection) -> None:
    class Odd(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.again, self.last = (torch.nn.Conv2d(1, 1, 1) for _ in range(3))
            self.relu = torch.nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.again(self.again(self.relu(self.first(x)))))  # type: ignore[no-any-return]

    class Named:
        module, stages = Odd(), {"deep": "last"}

    found: list[dict[str, Any]] = spatial_layers(Named, torch.rand(1, 1, 8, 8))  # type: ignore[arg-type]
    assert [layer["name"] for layer in found] == ["deep", "relu"]


def test_a_map_is_of_the_class_and_the_layer_that_were_asked_for(opened: Inspection) -> None:
    label = opened.attribute(0, "grad_cam", {}, "label")
    assert [panel["role"] for panel in label["panels"]] == ["input", "control", "variant", "teacher"]
    own = int(opened.example(0).label)  # type: ignore[arg-type]
    same, other = (opened.attribute(0, "grad_cam", {}, target) for target in (own, (own + 1) % 8))
    assert same["panels"] == label["panels"]
    assert other["panels"] != label["panels"]
    shallow = opened.attribute(0, "grad_cam", {"teacher": "stage1"}, "label")
    assert shallow["panels"][1:3] == label["panels"][1:3]
    assert shallow["panels"][3]["map"] != label["panels"][3]["map"]
    predicted = opened.attribute(0, "grad_cam", {}, "predicted")
    for panel, network in zip(predicted["panels"][1:], opened.networks, strict=True):
        with torch.no_grad():
            logits = network[2].module(opened.example(0).input)
        assert panel["predicted"] == opened.task.classes[int(logits.argmax())]  # type: ignore[attr-defined]
        assert panel["share"] == pytest.approx(float(logits.softmax(1).max()), abs=1e-4)
        alone = opened.attribute(0, "grad_cam", {}, int(logits.argmax()))
        assert panel in alone["panels"]


def test_alignment_is_the_mean_over_images_with_an_interval(opened: Inspection) -> None:
    found = opened.align(20, "grad_cam", {}, "label")
    assert found["images"] == 20
    assert set(found["alignment"]) == {"control", "distilled", "teacher"}
    assert set(found["alignment"]["teacher"]) == {"inside"}
    one_by_one = [
        cosine(maps["distilled"], maps["teacher"])
        for example in opened.examples
        for maps in [attribution_maps(opened.networks, example.input, example.label, _grad_cam())]
    ]
    score = found["alignment"]["distilled"]["cosine"]
    assert score["mean"] == pytest.approx(float(torch.stack(one_by_one).nanmean()), abs=2e-3)
    assert score["low"] <= score["mean"] <= score["high"]
    assert opened.align(20, "grad_cam", {}, "label") == found  # also with the teacher's maps kept
    assert opened.align(5, "grad_cam", {}, "label")["alignment"] != found["alignment"]


def test_an_empty_map_is_left_out_and_counted(opened: Inspection, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened.align(6, "grad_cam", {}, "label")["alignment"]["control"]

    def blank(networks: Any, *rest: Any, **more: Any) -> dict[str, torch.Tensor]:
        found = attribution_maps(networks, *rest, **more)
        found["distilled"][:2] = 0
        found["control"] = torch.zeros_like(found["control"])
        return found

    monkeypatch.setattr(inspection_module, "attribution_maps", blank)
    found = opened.align(6, "grad_cam", {}, "label")["alignment"]
    assert found["control"]["cosine"] == {"mean": None, "low": None, "high": None, "images": 0, "of": 6}
    assert (found["distilled"]["inside"]["images"], found["distilled"]["inside"]["of"]) == (4, 6)
    assert found["distilled"]["spearman"]["mean"] is not None
    assert before["cosine"]["mean"] is not None
    monkeypatch.setattr(attributions_module, "attribution_maps", blank)
    shown = opened.attribute(0, "grad_cam", {}, "label")
    assert [panel["name"] for panel in shown["panels"] if panel.get("empty")] == ["control", "distilled"]
    assert set(shown["alignment"]["control"].values()) == {None}


def _grad_cam() -> Any:
    from kdexplorer.attribution import ATTRIBUTIONS

    return ATTRIBUTIONS["grad_cam"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ((99, None, {}, "label"), "image: choose one from 0 to 19"),
        ((0, "crystal_ball", {}, "label"), "algorithm"),
        ((0, None, {"teacher": "attic"}, "label"), "no layer 'attic'"),
        ((0, None, {}, 8), "from 0 to 7"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    opened: Inspection, question: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        opened.attribute(*question)


def test_a_teacher_whose_weights_are_gone_is_left_out(shapes: tuple[RunConfig, Path], tmp_path: Path) -> None:
    gone = with_values(shapes[0], {"teacher.weights": f"file:{tmp_path / 'gone.safetensors'}"})
    inspection = Inspection(gone)
    assert "teacher" not in [name for _, name, _ in inspection.networks]
    assert "cannot be shown" in inspection.facts()["notes"][0]
    assert set(inspection.align(2, None, {}, "label")["alignment"]["distilled"]) == {"inside"}


def test_so_is_one_that_only_its_file_described(tmp_path: Path) -> None:
    config = RunConfig.from_dict(
        {
            "task": "restoration",
            "data": {"source": {"id": "photos"}, "degradations": [{"id": "bicubic"}], "held_out": 2, "held_out_crop": 32},
            "teacher": {"id": "spandrel", "weights": f"file:{tmp_path / 'gone.pth'}"},
            "student": {"id": "espcn"},
            "variants": [{"terms": [{"method": "response"}]}],
            "training": {"device": "cpu", "threads": 1},
        }
    )  # fmt: skip
    inspection = Inspection(config)
    assert [name for _, name, _ in inspection.networks] == ["control", "distilled"]
    (note,) = inspection.facts()["notes"]
    assert note.startswith("The teacher cannot be shown: There is no file")


def test_restoration_shows_attention_on_crops_of_photos() -> None:
    config = RunConfig.from_dict(
        {
            "task": "restoration",
            "data": {"source": {"id": "photos"}, "degradations": [{"id": "bicubic"}], "held_out": 3, "held_out_crop": 32},
            "teacher": {"id": "espcn"},
            "student": {"id": "espcn"},
            "variants": [{"terms": [{"method": "response"}]}],
            "training": {"device": "cpu", "threads": 1},
        }
    )  # fmt: skip
    inspection = Inspection(config)
    facts = inspection.facts()
    assert [image["name"] for image in facts["images"]] == ["chelsea 1", "coffee 1", "flower 1"]
    assert [algorithm["id"] for algorithm in facts["algorithms"]] == ["attention"]
    shown = inspection.attribute(2, None, {}, "label")
    assert shown["caption"] == "flower 1"
    assert shown["alignment"]["distilled"]["cosine"] == pytest.approx(1)  # same seed, same weights
    assert "predicted" not in shown["panels"][1]


def test_a_run_on_ones_own_photos_is_opened_with_the_images_that_were_scored(tmp_path: Path) -> None:
    """All of them: what is looked at quickly elsewhere is the first few photos, which are other held-out ones."""
    rng = np.random.default_rng(0)
    for index in range(15):
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(
            tmp_path / f"p{index:02d}.png"
        )
    config = RunConfig.from_dict(
        {
            "task": "restoration",
            "data": {
                "source": {"id": "photo_folder", "params": {"path": str(tmp_path)}},
                "held_out": 5, "held_out_crop": 32, "degradations": [{"id": "gaussian_noise"}],
            },
            "student": {"id": "espcn"},
            "training": {"device": "cpu", "threads": 1},
        }
    )  # fmt: skip
    scored = Restoration(config, torch.device("cpu")).held_out
    inspection = Inspection(config)
    assert isinstance(inspection.task, Restoration)
    opened = inspection.task.held_out
    assert [name for names, _, _ in opened for name in names] == ["p00", "p05", "p10"]
    for (names, worse, clean), (own_names, own_worse, own_clean) in zip(scored, opened, strict=True):
        assert names == own_names
        assert torch.equal(worse, own_worse)
        assert torch.equal(clean, own_clean)
