"""Tasks: batches that a seed decides, losses, scores by the field's conventions, previews that are JSON."""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from kdexplorer.config import RunConfig, with_values
from kdexplorer.metrics.image import psnr
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.tasks import TASKS, Evaluation, Seen
from kdexplorer.tasks.class_scores import in_turn, logits_of, scores_of
from kdexplorer.tasks.picture import data_uri, heat, overlay, thumbnail
from kdexplorer.tasks.tiles import WHOLE

CPU = torch.device("cpu")


def opened(id: str, **changes):
    config = with_values(preset_config(id), {"training.batch_size": 4, "data.held_out": 6, **changes})
    return TASKS[config.task].open(config, CPU)


def picture(uri: str) -> np.ndarray:
    assert uri.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


@pytest.mark.parametrize("id", ["denoise", "sharpen", "shapes", "digits_without_3"])
def test_a_batch_depends_on_seed_and_step_alone(id):
    first, again, other = opened(id), opened(id), opened(id, **{"training.seed": 1})
    for step in (0, 7):
        a, b = first.batch(step), again.batch(step)
        assert torch.equal(a.input, b.input)
        assert torch.equal(a.target, b.target)
    assert not torch.equal(first.batch(0).input, first.batch(1).input)
    assert not torch.equal(first.batch(0).input, other.batch(0).input)


@pytest.mark.parametrize("id", ["denoise", "sharpen", "shapes", "digits_without_3"])
def test_what_is_asked_of_a_network_is_known_before_the_data_is_open(id):
    config = preset_config(id)
    assert TASKS[config.task].io_of(config) == opened(id).io


def test_restoration_pairs_and_scores():
    task = opened("sharpen")
    batch = task.batch(0)
    assert batch.input.shape == (4, 3, 32, 32)
    assert batch.target.shape == (4, 3, 64, 64)
    names, worse, clean = task.held_out[0]
    assert len(names) == 6
    perfect = task.evaluate(lambda x: clean if x is worse else None)
    assert perfect.means["psnr"] == 100
    assert perfect.means["ssim"] == pytest.approx(1)
    assert "Y, 2 px shaved" in task.metrics[0].convention
    assert 20 < task.input_metrics()["psnr"] < 45
    assert float(task.loss(batch.target + 0.1, batch)) == pytest.approx(0.1, rel=1e-4)


def test_noise_level_of_the_input_is_what_was_asked_for():
    task = opened("denoise", **{"data.degradations.gaussian_noise.params.sigma": 50.0})
    _, worse, clean = task.held_out[0]
    assert float((worse - clean).std() * 255) == pytest.approx(50, rel=0.02)
    assert "RGB, no shave" in task.metrics[0].convention


def test_held_out_images_are_the_same_in_every_run():
    a, b = opened("denoise"), opened("denoise", **{"training.seed": 5})
    assert torch.equal(a.held_out[0][1], b.held_out[0][1])


def test_restoration_preview_has_all_panels():
    task = opened("denoise")
    shown = task.preview(
        [Seen("control", "control", lambda x: x), Seen("teacher", "teacher", lambda x: x * 0)]
    )
    json.dumps(shown)
    panels = shown["items"][0]["panels"]
    assert [p["role"] for p in panels] == ["input", "control", "teacher", "target"]
    assert panels[0]["metrics"] == panels[1]["metrics"]
    assert panels[2]["metrics"]["psnr"] < panels[1]["metrics"]["psnr"]
    assert picture(panels[3]["image"]).shape == (144, 144, 3)


def test_a_preview_lists_the_known_scores_of_every_held_out_image():
    task = opened("denoise")
    known = task.evaluate(lambda x: x.clamp(0, 1))
    known.per_image["psnr"][2] = np.nan
    shown = task.preview(
        [Seen("control", "control", lambda x: x, known), Seen("variant", "new", lambda x: x)]
    )
    scores = json.loads(json.dumps(shown["scores"], allow_nan=False))
    assert scores["names"] == task.held_out[0][0]
    assert set(scores["metrics"]) == {"psnr", "ssim"}
    assert set(scores["metrics"]["psnr"]) == {"input", "control"}  # what was not scored is left out
    assert scores["metrics"]["psnr"]["control"][2] is None
    assert scores["metrics"]["ssim"]["control"] == pytest.approx(known.per_image["ssim"], abs=1e-6)
    assert np.mean(scores["metrics"]["psnr"]["input"]) == pytest.approx(
        task.input_metrics()["psnr"], abs=1e-4
    )
    assert scores["verdicts"] == []  # nobody but the control was scored
    better = Evaluation(per_image={"psnr": known.per_image["psnr"], "ssim": known.per_image["ssim"] + 0.01})
    seen = [Seen("control", "control", lambda x: x, known), Seen("variant", "new", lambda x: x, better)]
    [verdict] = task.preview(seen)["scores"]["verdicts"]  # none where an image has no score
    assert (verdict["metric"], verdict["variant"]) == ("ssim", "new")
    assert verdict["low"] == pytest.approx(verdict["high"]) == pytest.approx(0.01)
    assert "scores" not in task.preview([Seen("control", "control", lambda x: x)])
    assert [item["held_out"] for item in shown["items"]] == [
        None
    ] * 4  # larger crops than those that are scored


def test_a_held_out_image_is_restored_as_it_is_scored(monkeypatch):
    task = opened("denoise", **{"data.held_out_crop": 144})
    seen = [Seen("control", "control", lambda x: x.clamp(0, 1))]
    expected = task.evaluate(seen[0].forward).per_image["psnr"]
    for index in (0, 5):
        found = task.restored(index, seen)
        assert [p["role"] for p in found["panels"]] == ["input", "control", "target"]
        assert found["panels"][1]["metrics"]["psnr"] == pytest.approx(expected[index], abs=1e-4)
    items = task.preview(seen)["items"]
    assert [item["held_out"] for item in items] == [0, 1, 2, 3]  # of one size: the very same images
    assert items[2]["panels"] == task.restored(2, seen)["panels"]
    with pytest.raises(ConfigError, match="0 to 5"):
        task.restored(6, seen)
    monkeypatch.setattr("kdexplorer.tasks.kinds.restoration.MOST_SHOWN", 1000)
    part = task.restored(0, seen)
    assert part["notes"] == ["The pictures are the middle of this image; the scores are of all of it."]
    assert picture(part["panels"][0]["image"]).shape == (31, 31, 3)
    assert part["panels"][1]["metrics"]["psnr"] == pytest.approx(expected[0], abs=1e-4)


def test_crops_too_small_to_be_scored_are_refused_by_their_setting():
    with pytest.raises(ConfigError, match=r"data\.held_out_crop: .* Take at least 16, or 0"):
        opened("sharpen", **{"data.held_out_crop": 14})
    for id, least in (("sharpen", 16), ("denoise", 11)):
        task = opened(id, **{"data.held_out_crop": least})
        assert np.isfinite(task.evaluate(task._shown).per_image["ssim"]).all()


def test_images_too_small_to_be_scored_are_refused_by_name_or_left_out_of_the_previews(tmp_path):
    for name, side, color in (("a", 40, "red"), ("b", 40, "blue"), ("c", 17, "green")):
        Image.new("RGB", (40, side), color).save(tmp_path / f"{name}.png")
    folder = {"path": str(tmp_path), "held_out_path": str(tmp_path)}
    changes = {
        "data.source": {"id": "photo_folder", "params": folder},
        "data.degradations.bicubic.params.scale": 3,
        "data.held_out_crop": 0,
    }
    with pytest.raises(ConfigError, match="c is too small to be scored: SSIM needs 18 pixels"):
        opened("sharpen", **changes)
    task = opened("sharpen", **changes, **{"data.held_out": 2})
    assert [item["held_out"] for item in task.preview([])["items"]] == [0, 1]


class Largest(torch.nn.Module):
    """A network that looks at nine pixels and remembers how many pixels it was given at once."""

    def __init__(self):
        super().__init__()
        self.pixels = 0
        self.mean = torch.nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, images):
        self.pixels = max(self.pixels, images.shape[-2] * images.shape[-1])
        return self.mean(images)


def test_large_held_out_images_go_through_networks_in_tiles(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / "large.png")
    folder = {"path": str(tmp_path), "held_out_path": str(tmp_path)}
    task = opened(
        "denoise",
        **{"data.source": {"id": "photo_folder", "params": folder}, "data.held_out_crop": 0},
    )
    network = Largest()
    with torch.no_grad():
        scored = task.evaluate(network).per_image["psnr"]
        shown = task.restored(0, [Seen("control", "control", network)])
    assert shown["size"] == [800, 600]
    assert network.pixels <= WHOLE < 600 * 800
    _, worse, clean = task.held_out[0]
    expected = psnr(network(worse), clean).item()
    assert scored.item() == pytest.approx(expected, abs=1e-5)
    assert shown["panels"][1]["metrics"]["psnr"] == pytest.approx(expected, abs=1e-5)


def test_tiles_that_may_be_seen_are_noted(tmp_path):
    Image.fromarray(np.tile(np.linspace(0, 255, 800).astype(np.uint8)[None, :, None], (600, 1, 3))).save(
        tmp_path / "large.png"
    )
    folder = {"path": str(tmp_path), "held_out_path": str(tmp_path)}
    task = opened(
        "denoise",
        **{"data.source": {"id": "photo_folder", "params": folder}, "data.held_out_crop": 0},
    )

    def network(x):
        return x + x.mean((-2, -1), keepdim=True)

    note = task.restored(0, [Seen("control", "control", network)])["notes"][-1]
    assert note.startswith("control: The network looks further than 48 pixels")
    near, far = task.evaluate(lambda x: x), task.evaluate(network)
    seen = [Seen("control", "control", network, far), Seen("teacher", "teacher", network, near)]
    assert task.preview(seen)["scores"]["notes"] == [note]
    assert (f"control: {far.note}", near.note) == (note, "")


def test_classification_excludes_classes_from_training_only():
    task = opened("digits_without_3", **{"data.held_out": 360})
    labels = torch.cat([task.batch(step).target for step in range(50)])
    assert 3 not in labels
    assert set(labels.tolist()) == set(range(10)) - {3}
    assert int((task.held_out.labels == 3).sum()) > 30


def test_classification_scores():
    task = opened("digits_without_3", **{"data.held_out": 360})
    labels = task.held_out.labels
    right = torch.nn.functional.one_hot(labels, 10).float() * 20

    def perfect(images):
        return right if len(images) == 360 else None

    found = {"control": task.evaluate(perfect), "teacher": task.evaluate(lambda x: torch.zeros(len(x), 10))}
    assert found["control"].means["accuracy"] == 100
    extra = task.extra(found)
    assert extra["per_class"]["control"] == [100] * 10
    assert extra["excluded"] == [3]
    assert found["control"].other["agreement"] == pytest.approx(100 * float((labels == 0).float().mean()))


def test_classification_preview_carries_logits_and_scores():
    task = opened("digits_without_3", **{"data.held_out": 360})
    labels = task.held_out.labels
    right = torch.nn.functional.one_hot(labels, 10).float() * 8
    wrong = right.clone()
    wrong[:5] = right[:5].roll(1, dims=1)
    shown = task.preview(
        [
            Seen("control", "control", lambda x: wrong),
            Seen("variant", "distilled", lambda x: right),
            Seen(  # what is known is not asked again
                "teacher", "teacher", lambda x: 1 / 0, Evaluation({}, outputs=torch.zeros(360, 10))
            ),
        ]
    )
    json.dumps(shown)
    assert shown["items"][0]["label"] == 3
    assert sum(shown["items"][0]["predictions"][0]["probabilities"]) == pytest.approx(1, abs=1e-3)
    logits = shown["logits"]
    assert sorted(logits["index"]) == list(range(360))
    assert logits["labels"] == labels[logits["index"]].tolist()
    assert logits["networks"][1]["values"] == right[logits["index"]].tolist()
    assert len(logits["images"]) == 60
    assert set(logits["labels"][8:50]) == set(range(10))  # after those that are looked at, class by class
    scores = shown["scores"]
    assert np.array_equal(scores["confusion"]["distilled"], np.diag(torch.bincount(labels, minlength=10)))
    assert sum(map(sum, scores["confusion"]["control"])) == 360
    label = int(labels[0])
    assert scores["confusion"]["control"][label][(label + 1) % 10] >= 1
    assert scores["per_class"]["distilled"] == [100] * 10
    assert scores["pairs"] == {"distilled": {"with": "control", "total": 5, "right": 5, "other_right": 0}}
    first = scores["disagreements"][0]
    assert (first["index"], first["label"]) == (0, label)
    assert first["says"] == {"control": (label + 1) % 10, "distilled": label, "teacher": 0}
    assert picture(first["image"]).shape == (8, 8, 3)


def test_a_preview_carries_at_most_so_many_logits():
    labels = torch.arange(500) % 250
    outputs = {"control": torch.randn(500, 250, generator=torch.Generator().manual_seed(0))}
    roles = {"control": "control"}
    order = in_turn(labels)
    assert order[:251] == [*range(250), 250]
    found = logits_of(outputs, roles, labels, order, str)
    assert len(found["labels"]) == 20_000 // 250
    assert found["images"] == [str(i) for i in range(60)]
    scores = scores_of(outputs, roles, labels, str)
    assert scores["confusion"] == {}  # of so many classes nobody could read it
    assert scores["pairs"] == {}


def test_who_is_compared_with_whom():
    labels = torch.tensor([0, 1, 2])
    a, b, c = (torch.eye(3).roll(shift, dims=1) for shift in (0, 1, 0))
    outputs = {"t1": a, "t4": b, "control": c, "teacher": b}

    def pairs(**roles):
        return scores_of({n: outputs[n] for n in roles}, roles, labels, str)["pairs"]

    with_control = pairs(t1="variant", t4="variant", control="control", teacher="teacher")
    assert {name: (pair["with"], pair["total"]) for name, pair in with_control.items()} == {
        "t1": ("control", 0),
        "t4": ("control", 3),
    }
    assert pairs(t1="variant", teacher="teacher")["t1"]["with"] == "teacher"
    assert pairs(control="control", teacher="teacher")["control"]["with"] == "teacher"
    assert pairs(control="control") == {}


def test_mixed_labels_are_distributions():
    task = opened("shapes", **{"data.augmentations": [{"id": "mixup", "probability": 1.0}]})
    target = task.batch(0).target
    assert target.dtype == torch.float32
    torch.testing.assert_close(target.sum(1), torch.ones(4))
    assert float(task.loss(torch.zeros_like(target), task.batch(0))) == pytest.approx(
        np.log(target.shape[1]), rel=1e-4
    )


def test_whole_images_of_different_sizes(tmp_path):
    for index, size in enumerate(((40, 60), (61, 41), (60, 40), (80, 80))):
        Image.fromarray(np.random.default_rng(index).integers(0, 255, (*size, 3), dtype=np.uint8)).save(
            tmp_path / f"{index}.png"
        )
    config = RunConfig.from_dict(
        {
            "data": {
                "source": {
                    "id": "photo_folder",
                    "params": {"path": str(tmp_path), "held_out_path": str(tmp_path)},
                },
                "degradations": [{"id": "bicubic", "params": {"scale": 3}}],
                "held_out_crop": 0,
                "patch": 16,
            }
        }
    )
    task = TASKS["restoration"].open(config, CPU)
    assert sum(len(names) for names, _, _ in task.held_out) == 4
    assert (
        len(task.evaluate(lambda x: torch.nn.functional.interpolate(x, scale_factor=3)).per_image["psnr"])
        == 4
    )


def test_pictures():
    image = torch.tensor([[[0.0, 1.0], [0.5, 2.0]]])
    assert picture(data_uri(image))[..., 0].tolist() == [[0, 255], [128, 255]]
    colors = heat(torch.tensor([[0.0, 1.0]]))
    assert colors[2, 0, 0] > colors[0, 0, 0]
    assert colors[0, 0, 1] > colors[2, 0, 1]
    assert picture(thumbnail(torch.ones(1, 200, 100))).shape == (96, 48, 3)
    assert picture(thumbnail(torch.ones(1, 8, 8))).shape == (8, 8, 3)
    assert overlay(torch.zeros(3, 4, 5), torch.ones(4, 5)).shape == (3, 4, 5)
