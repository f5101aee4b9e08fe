"""`kdexplorer restore` and `evaluate` over a short run, as a person meets them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kdexplorer.cli import main
from kdexplorer.data import SOURCES
from kdexplorer.runs.store import Store

SMALL = [
    "training.steps=3", "training.threads=1", "training.batch_size=2", "data.held_out=2", "data.held_out_crop=48",
    "data.patch=16", "training.evaluate_every=3",
]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A short denoising and a short ×2 run, in a home of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KDX_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("TQDM_DISABLE", "1")
        for preset in ("denoise", "sharpen"):
            assert main(["fit", "--preset", preset, "--quiet", "--set", *SMALL]) == 0
        yield {run.config.data.degradations[0].id: run.id for run in Store().runs()}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, (_, crop) in enumerate(SOURCES["photos"].load({}, ()).held_out(3, 61)):
        Image.fromarray(crop.permute(1, 2, 0).numpy()).save(folder / f"p{index}.png")
    return folder


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_all_networks_are_scored_on_a_folder(
    runs: dict[str, str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask(capsys, "evaluate", "--run", runs["gaussian_noise"], "--data", str(photos))
    assert list(found["mean"]) == ["input", "control", "distilled", "teacher"]
    assert [image["name"] for image in found["images"]] == ["p0.png", "p1.png", "p2.png"]
    assert found["images"][0]["size"] == [61, 61]
    assert found["mean"]["input"]["psnr"] == pytest.approx(20.5, abs=1)
    assert found["mean"]["teacher"]["psnr"] > found["mean"]["input"]["psnr"] + 6
    scores = [[image["scores"][n]["psnr"] for image in found["images"]] for n in ("distilled", "control")]
    gain = found["gain"]["distilled"]["psnr"]
    assert gain["difference"] == pytest.approx(np.mean(np.subtract(*scores)))
    assert gain["low"] <= gain["difference"] <= gain["high"]
    again = ask(capsys, "evaluate", "--run", runs["gaussian_noise"], "--data", str(photos))
    assert again == found  # the same degradation every time
    assert main(["evaluate", "--run", runs["gaussian_noise"], "--data", str(photos), "--quiet"]) == 0
    assert "to the control (95 %" in capsys.readouterr().out


def test_pairs_are_matched_by_name_and_their_sizes_checked(
    runs: dict[str, str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for path in photos.iterdir():
        image = Image.open(path).crop((0, 0, 60, 60))
        image.resize((30, 30), Image.Resampling.BICUBIC).save(small / f"{path.stem}.bmp")
    asked = ("evaluate", "--run", runs["bicubic"], "--data", str(photos), "--quiet")
    found = ask(capsys, *asked, "--inputs", str(small))
    own = ask(capsys, *asked)
    assert found["convention"]["psnr"] == "PSNR on Y, 2 px shaved, 8-bit rounded, averaged over images"
    assert found["mean"]["input"]["psnr"] == pytest.approx(own["mean"]["input"]["psnr"], abs=0.05)
    Image.new("RGB", (31, 30)).save(small / "p1.bmp")
    assert "31 × 30" in refused(capsys, *asked, "--inputs", str(small))
    (small / "p2.bmp").unlink()
    (small / "p1.bmp").unlink()
    assert "p1.png has no partner" in refused(capsys, *asked, "--inputs", str(small))


def test_folders_and_files_are_restored(
    runs: dict[str, str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    found = ask(capsys, "restore", "--run", runs["bicubic"], str(photos), str(out))
    assert [size(Path(entry["to"])) for entry in found["files"]] == [(122, 122)] * 3
    for options in ([], ["--network", "teacher"], ["--ensemble"]):
        target = tmp_path / f"one{len(options)}.jpg"
        arguments = [
            "restore",
            "--run",
            runs["gaussian_noise"],
            *options,
            str(photos / "p0.png"),
            str(target),
        ]
        assert main(arguments) == 0
        assert size(target) == (61, 61)


def test_bad_input_is_refused_in_words(
    runs: dict[str, str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs["gaussian_noise"]
    image = str(photos / "p0.png")
    (tmp_path / "empty").mkdir()
    assert "is the image itself" in refused(capsys, "restore", "--run", run, image, image)
    assert "There is no image in" in refused(capsys, "restore", "--run", run, str(tmp_path / "empty"), str(tmp_path / "o"))  # fmt: skip
    assert "no network 'best'" in refused(capsys, "restore", "--run", run, "--network", "best", image, str(tmp_path / "a.png"))  # fmt: skip
    assert "no folder" in refused(capsys, "restore", "--run", run, image, str(tmp_path / "x" / "a.png"))
    assert "There is no folder" in refused(capsys, "evaluate", "--run", run, "--data", str(tmp_path / "gone"))
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert "broken.png" in refused(capsys, "evaluate", "--run", run, "--data", str(photos))


def test_without_its_teachers_file_a_run_is_evaluated_all_the_same_and_says_so(
    runs: dict[str, str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher = tmp_path / "teacher.safetensors"
    store = Store()
    shutil.copy(store.folder(runs["gaussian_noise"]) / "students" / "control.safetensors", teacher)
    student = store.run(runs["gaussian_noise"]).config.student.model_dump(mode="json")
    own = json.dumps({**student, "weights": f"file:{teacher}"})
    assert main(["fit", "--preset", "denoise", "--quiet", "--set", *SMALL, f"teacher={own}"]) == 0
    teacher.unlink()
    asked = ("evaluate", "--run", "latest", "--data", str(photos))
    found = ask(capsys, *asked)
    assert list(found["mean"]) == ["input", "control", "distilled"]
    (note,) = found["notes"]
    assert (
        note == f"The teacher is left out: There is no file of weights at 'file:{teacher}': check the path."
    )
    capsys.readouterr()
    assert main([*asked, "--quiet"]) == 0
    assert capsys.readouterr().err == f"{note}\n"
    image = str(photos / "p0.png")
    words = refused(
        capsys, "restore", "--run", "latest", "--network", "teacher", image, str(tmp_path / "a.png")
    )
    assert "There is no file of weights" in words
