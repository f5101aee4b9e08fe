"""Local attribution maps of a run's networks: what a page gets for a marked patch."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from test_fit import tiny

from kdexplorer import ConfigError, RunConfig
from kdexplorer.attribution.algorithms.local_attribution import Patch
from kdexplorer.config import with_values
from kdexplorer.training import inspection as inspection_module
from kdexplorer.training.inspection import Inspection
from kdexplorer.training.local_attributions import WINDOW, likeness, window_around


@pytest.fixture(scope="module")
def opened() -> Inspection:
    config = RunConfig.from_dict(
        {
            "task": "restoration",
            "data": {"source": {"id": "photos"}, "degradations": [{"id": "bicubic"}], "held_out": 2, "held_out_crop": 48},
            "teacher": {"id": "espcn", "params": {"width": 24}},
            "student": {"id": "espcn"},
            "variants": [{"name": "a", "terms": [{"method": "response"}]}, {"name": "b", "terms": [{"method": "response"}]}],
            "training": {"device": "cpu", "threads": 1},
        }
    )  # fmt: skip
    return Inspection(config)


def test_teacher_one_variant_and_control_side_by_side(opened: Inspection) -> None:
    found = json.loads(json.dumps(opened.local(0, Patch(top=20, left=12, side=8), None)))
    assert [panel["name"] for panel in found["panels"]] == ["control", "a", "teacher"]
    assert found["size"] == [48, 48]
    assert found["window"] == [0, 0, 48, 48]
    assert found["counted"] == [24, 24]  # the input is half as large
    assert found["patch"] == {"left": 12, "top": 20, "side": 8}
    assert all(0 < panel["diffusion"] < 100 and not panel["empty"] for panel in found["panels"])
    assert found["alignment"]["a"] == found["alignment"]["control"]  # same seed, same weights
    assert 0 <= found["alignment"]["a"]["overlap"] <= 1
    other = opened.local(0, Patch(top=20, left=12, side=8), "b")
    assert [panel["name"] for panel in other["panels"]] == ["control", "b", "teacher"]


def test_the_teachers_map_is_computed_once_a_patch(
    opened: Inspection, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[set[str]] = []
    real = inspection_module.local_maps

    def counted(networks: Any, example: Any, patch: Any, scale: Any, maps: Any) -> Any:
        known.append(set(maps))
        return real(networks, example, patch, scale, maps)

    monkeypatch.setattr(inspection_module, "local_maps", counted)
    first = opened.local(1, Patch(4, 4, 8), "a")
    assert opened.local(1, Patch(4, 4, 8), "a") == first
    opened.local(1, Patch(4, 6, 8), "a")
    assert known == [set(), {"teacher"}, set()]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ((9, Patch(0, 0, 8), None), "image: choose one from 0 to 1"),
        ((0, Patch(0, 0, 3), None), "4 to 24 pixels"),
        ((0, Patch(0, 0, 25), None), "4 to 24 pixels"),
        ((0, Patch(41, 0, 8), None), "inside the 48 × 48 pixels"),
        ((0, Patch(0, 0, 8), "c"), "variant: choose one of a, b"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    opened: Inspection, question: tuple[Any, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        opened.local(*question)


def test_a_class_has_no_restored_patch() -> None:
    with pytest.raises(ConfigError, match="choose a run on restoration"):
        Inspection(with_values(tiny(), {"control": True})).local(0, Patch(0, 0, 4), None)


def test_the_window_lies_around_the_patch_and_inside_the_image() -> None:
    small = window_around(Patch(0, 0, 8), 50, 70, 2)
    assert (small.top, small.left, small.height, small.width) == (0, 0, 50, 70)
    for patch in (Patch(400, 600, 16), Patch(592, 984, 8), Patch(0, 984, 8), Patch(301, 77, 9)):
        window = window_around(patch, 300, 500, 2)
        for start, length, side, of in (
            (window.top, window.height, patch.top, 300),
            (window.left, window.width, patch.left, 500),
        ):
            assert start % 8 == 0
            assert WINDOW <= length < WINDOW + 8
            assert 0 <= 2 * start <= side
            assert side + patch.side <= 2 * (start + length) <= 2 * of


def test_ties_beyond_both_receptive_fields_do_not_count() -> None:
    a, b = torch.zeros(1, 20, 20), torch.zeros(1, 20, 20)
    a[0, 10:14, 10:14] = torch.rand(4, 4) + 0.1
    b[0, 4:8, 4:8] = torch.rand(4, 4) + 0.1
    assert likeness(a, b) == {"cosine": 0, "overlap": 0}
    assert likeness(a, a)["overlap"] == 1
    assert likeness(a * 0, b * 0) == {"cosine": None, "overlap": None}
