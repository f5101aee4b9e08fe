"""The card beside exported weights: what a paper needs, and front matter that a hub can read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from kdexplorer.cli_text import summary_lines
from kdexplorer.config import RunConfig, with_values
from kdexplorer.events import NetworkCost
from kdexplorer.presets import preset_config
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.model_card import judged, model_card
from kdexplorer.runs.report import summary
from kdexplorer.runs.run import Run
from kdexplorer.runs.store import Store

KNOBS = [{"step": 2, "knob": "distilled.response.weight", "old": 0.5, "new": 1.5}]


def config() -> RunConfig:
    tree = preset_config("denoise").model_dump(mode="json")
    tree["teachers"] = {"second": {"id": "ffdnet", "params": {"width": 64, "blocks": 3}, "weights": "bundled:denoise", "weight": 0.5}}  # fmt: skip
    term = tree["variants"][0]["terms"][0]
    term |= {
        "teacher": "mean",
        "active": {"begin": 1},
        "schedule": {"kind": "linear", "start": 1, "end": 0.2},
    }
    quick = {"training.steps": 4, "training.evaluate_every": 2, "data.held_out": 4, "training.seed": 7, "training.threads": 1}  # fmt: skip
    return with_values(RunConfig.from_dict(tree), {**quick, "name": "Card: one"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str]:
    store = Store(tmp_path_factory.mktemp("home"))
    run_id = Manager(store, executor=Inline()).start(config(), actor=None)
    started = store.last(run_id, "started")
    assert started is not None
    assert "further teachers: second (ffdnet, bundled:denoise)" in summary_lines(summary(store, run_id))
    found = store.run(run_id)
    card = model_card(found, started.event, ["control", "distilled"], KNOBS)
    store.close()
    return found, card


def test_a_hub_can_read_its_front_matter(run: tuple[Run, str]) -> None:
    data = ModelCard(run[1]).data.to_dict()
    assert data["pipeline_tag"] == "image-to-image"
    assert data["library_name"] == "kdexplorer"
    assert data["license"] == "other"
    assert data["tags"] == ["knowledge-distillation", "restoration"]


def test_says_what_was_asked_for(run: tuple[Run, str]) -> None:
    card = run[1]
    for words in (
        "Results on 4 held-out images", "PSNR: on RGB", "seed 7", "4 steps of 16 images", "Adam, learning rate 0.004",
        "falling to 1 % along a cosine", "sigma 25 of 255", "Flip (`flip`)", "width 12, depth 5", "norm l1",
        "weight linear × 1 → 0.2 from step 0 to the last step", "from step 1", "the mean of all teachers",
        "teacher second (× 0.5 in the mean)", "distilled.response.weight 0.5 → 1.5 after step 2",
        "kdexplorer fit --config config.json", "arXiv 2412.08939", "@software{kdexplorer",
    ):  # fmt: skip
        assert words in card, words
    assert "PSNR: PSNR" not in card


def test_says_how_good_it_is(run: tuple[Run, str]) -> None:
    found, card = run
    verdict = found.results["verdicts"][0]
    row = next(line for line in card.splitlines() if line.startswith("| distilled |") and "[" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert float(cells[1]) == pytest.approx(verdict["difference"], abs=0.006)
    assert [int(cell) for cell in cells[3:6]] == [verdict["better"], verdict["worse"], 4]
    assert cells[6] == judged(verdict, higher=True)
    for cost in found.cost.values():
        measured = NetworkCost.model_validate(cost)
        assert f"| {measured.parameters:,} | {measured.multiply_adds:,} | {measured.latency_ms:.2f} |" in card


def test_says_what_to_know_of_the_scores(run: tuple[Run, str]) -> None:
    found, card = run
    assert found.results["notes"] == []
    noted = replace(found, results_json=json.dumps({"notes": ["control: Its tiles differed."]}))
    started = {"device": "cpu", "threads": 1, "torch": "2", "metrics": [], "teacher": None, "student": {"model": "dncnn", "parameters": 1}}  # fmt: skip
    assert "- control: Its tiles differed." in model_card(noted, started, ["control", "distilled"])
    assert "tiles" not in card


@pytest.mark.parametrize(
    ("low", "high", "higher", "words"),
    [
        (0.1, 0.3, True, "better"),
        (0.1, 0.3, False, "worse"),
        (-0.1, 0.3, True, "no clear difference"),
        (-0.3, -0.1, True, "worse"),
    ],
)
def test_the_words_follow_the_interval(low: float, high: float, higher: bool, words: str) -> None:
    verdict = {"low": low, "high": high, "better": 5, "worse": 3}
    assert judged(verdict, higher=higher) == words
    assert judged({**verdict, "better": 0, "worse": 0}, higher=higher) == "no difference"


def test_a_path_stays_at_home(tmp_path: Path) -> None:
    from kdexplorer.runs.model_settings import network_rows

    place = with_values(config(), {"teacher.weights": f"file:{tmp_path / 'mine.safetensors'}"})
    text = str(network_rows(place, {}, {}))
    assert "mine.safetensors" in text
    assert str(tmp_path) not in text
