"""A run on given pairs: trained, scored, looked at, resumed and asked again, like any other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageFilter

from kdexplorer import ConfigError, RunConfig, fit
from kdexplorer.catalog import check_config
from kdexplorer.config import with_values
from kdexplorer.data import SOURCES
from kdexplorer.events import Evaluated, RunFinished
from kdexplorer.models.build import build_network
from kdexplorer.presets import preset_config
from kdexplorer.tasks import TASKS
from kdexplorer.training.degradation_preview import DegradationPreview
from kdexplorer.training.folder_evaluation import evaluate_folder
from kdexplorer.training.inspection import Inspection
from kdexplorer.training.photo import GIVEN, GRAY, UNKNOWN, see_photo
from kdexplorer.training.restoring import restore_file


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("pairs")
    found = {name: home / name for name in ("clean", "degraded")}
    for folder in found.values():
        folder.mkdir()
    for index, (_, crop) in enumerate(SOURCES["photos"].load({}, ()).held_out(6, 96)):
        photo = Image.fromarray(crop.permute(1, 2, 0).numpy())
        photo.save(found["clean"] / f"{index}.png")
        photo.resize((48, 48), Image.Resampling.BICUBIC).save(found["degraded"] / f"{index}.png")
    return found


def config(folders: dict[str, Path], **data: Any) -> RunConfig:
    paths = {f"{name}_path": str(folder) for name, folder in folders.items()}
    source = {"id": "pair_folders", "params": {**paths, "scale": 2}}
    small = {"id": "espcn", "params": {"width": 8}}
    return RunConfig.from_dict(
        {
            "task": "restoration",
            "data": {"source": source, "augmentations": [{"id": "flip"}, {"id": "rotate"}], "patch": 16,
                     "held_out": 4, "held_out_crop": 64, **data},
            "teacher": small,
            "student": small,
            "variants": [{"terms": [{"method": "response", "weight": 0.5}]}],
            "training": {"steps": 4, "batch_size": 2, "evaluate_every": 2, "checkpoint_every": 2,
                         "device": "cpu", "threads": 1},
        }
    )  # fmt: skip


def test_it_trains_is_scored_and_goes_on_from_a_checkpoint(folders: dict[str, Path], tmp_path: Path) -> None:
    run = config(folders, held_out=2, held_out_crop=0)
    check_config(run)
    events = list(fit(run, folder=tmp_path))
    assert isinstance(events[-1], RunFinished)
    scored = [event for event in events if isinstance(event, Evaluated)]
    files = evaluate_folder(run, {}, folders["clean"], inputs=folders["degraded"])["images"]
    held_out = [image["scores"]["input"]["psnr"] for image in files if image["name"] in ("0.png", "5.png")]
    assert scored[0].input["psnr"] == pytest.approx(sum(held_out) / 2, abs=1e-6)
    [preview] = json.loads((tmp_path / "previews" / "00000004.json").read_text())["items"][:1]
    assert [panel["role"] for panel in preview["panels"]] == [
        "input",
        "control",
        "variant",
        "teacher",
        "target",
    ]
    resumed = list(fit(run, folder=tmp_path, checkpoint=tmp_path / "checkpoints" / "00000002"))
    last = [event for event in resumed if isinstance(event, Evaluated)][-1]
    assert last.variants == scored[-1].variants


def test_it_is_looked_into_and_photos_are_taken_as_they_are(folders: dict[str, Path], tmp_path: Path) -> None:
    run = Inspection(config(folders))
    assert run.attribute(0, None, {}, "label")["panels"][0]["role"] == "input"
    file = tmp_path / "own.png"
    Image.effect_noise((40, 30), 40).filter(ImageFilter.BLUR).save(file)
    shown = see_photo(run.task, run.networks, file, degraded=True, seed=0)
    assert shown["notes"] == [GIVEN, UNKNOWN]
    assert [panel["role"] for panel in shown["panels"]] == ["input", "control", "variant", "teacher"]


def test_the_given_pair_is_what_the_form_shows(folders: dict[str, Path]) -> None:
    shown = DegradationPreview().show(config(folders).data, 0)
    assert (shown["clean_size"], shown["degraded_size"]) == ([96, 96], [48, 48])


def test_folders_are_evaluated_only_with_their_inputs(folders: dict[str, Path]) -> None:
    run = config(folders)
    network = build_network(run.student, TASKS["restoration"].io_of(run), seed=0)
    with pytest.raises(ConfigError, match="--inputs"):
        evaluate_folder(run, {"control": network}, folders["clean"])
    found = evaluate_folder(run, {"control": network}, folders["clean"], inputs=folders["degraded"])
    assert len(found["images"]) == 6


def test_what_pairs_cannot_have_is_refused_in_words(folders: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match="brings degraded images with it"):
        check_config(config(folders, degradations=[{"id": "jpeg"}]))
    with pytest.raises(ConfigError, match=r"augmentations\.scale.*there fit: flip, rotate"):
        check_config(config(folders, augmentations=[{"id": "scale"}]))


def test_the_batch_holds_what_the_files_hold(folders: dict[str, Path]) -> None:
    task = TASKS["restoration"].open(config(folders), torch.device("cpu"))
    batch = task.batch(3)
    assert batch.input.shape == (2, 3, 16, 16)
    assert batch.target.shape == (2, 3, 32, 32)
    smaller = torch.nn.functional.interpolate(batch.target, (16, 16), mode="bicubic", antialias=True)
    assert float((smaller - batch.input).abs().mean()) < 0.02


def test_one_channel_is_scored_seen_and_written_in_gray(tmp_path: Path) -> None:
    small = {"id": "dncnn", "params": {"width": 8, "depth": 3}}
    source = {"id": "ct_metal", "params": {"side": 64, "slices": 3, "views": 30}}
    run = RunConfig.from_dict(
        {
            "data": {"source": source, "patch": 32, "held_out": 2, "held_out_crop": 0},
            "student": small,
            "training": {"steps": 2, "batch_size": 2, "device": "cpu", "threads": 1},
        }
    )
    check_config(run)
    events = list(fit(run, folder=tmp_path))
    assert isinstance(events[-1], RunFinished)
    opened = Inspection(run)
    assert opened.task.io.channels == 1
    assert "PSNR on gray, no shave" in opened.task.metrics[0].convention
    file = tmp_path / "own.png"
    Image.effect_noise((40, 30), 40).convert("RGB").save(file)
    assert see_photo(opened.task, opened.networks, file, degraded=True, seed=0)["notes"] == [
        GRAY,
        GIVEN,
        UNKNOWN,
    ]
    written = restore_file(
        opened.networks[0][2].module, file, tmp_path / "out.png", opened.task.io, device=torch.device("cpu")
    )
    assert written.image.shape == (1, 1, 30, 40)
    with Image.open(tmp_path / "out.png") as image:
        assert image.mode == "L"


def test_an_image_too_small_to_be_scored_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    run = with_values(
        preset_config("sharpen"), {"data.degradations": [{"id": "bicubic", "params": {"scale": 3}}]}
    )
    Image.new("RGB", (18, 18)).save(tmp_path / "a.png")
    assert len(evaluate_folder(run, {}, tmp_path)["images"]) == 1
    Image.new("RGB", (40, 16)).save(tmp_path / "b.png")
    with pytest.raises(ConfigError, match=r"b\.png is too small to be scored: SSIM needs 18 pixels"):
        evaluate_folder(run, {}, tmp_path)
