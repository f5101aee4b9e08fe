"""DCKD's parts: the history student, dynamic negatives, encoders with a codebook, and what a run shows of them."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from kdexplorer.config import RunConfig, with_values
from kdexplorer.data.draws import generator
from kdexplorer.distillation.category_map import category_colors
from kdexplorer.distillation.frozen import frozen
from kdexplorer.distillation.history import HistoryStudent
from kdexplorer.distillation.methods.contrastive_regularization import dynamic_negatives
from kdexplorer.distillation.vq_encoder import bundled_encoder, nearest_words
from kdexplorer.distillation.vqgan_encoder import VQGANEncoder, vqgan_encoder, vqgan_file
from kdexplorer.events import StepLogged
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config
from kdexplorer.training import fit
from kdexplorer.training.checkpoint import load_checkpoint, save_checkpoint
from kdexplorer.training.inside import inside
from kdexplorer.training.session import Session

SMALL = {"training.steps": 6, "training.batch_size": 2, "training.evaluate_every": 6, "training.log_every": 1, "training.threads": 1, "data.patch": 16, "data.held_out": 2, "data.held_out_crop": 48, "variants.dckd.terms.contrastive_regularization.params": {"interval": 2, "negatives": 3}}  # fmt: skip


def dckd() -> RunConfig:
    return with_values(preset_config("dckd"), SMALL)


def session() -> Session:
    return Session(dckd(), None, None)


def test_the_history_student_is_renewed_at_its_interval_from_the_average() -> None:
    student = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    history = HistoryStudent(interval=3)
    history.attach(student)
    assert not list(history.parameters())
    average = kept = student[0].weight.detach().clone()
    start = kept.clone()
    for step in range(6):
        with torch.no_grad():
            student[0].weight.add_(1)
            student[1].running_mean.add_(1)
        history.follow(student, step)
        decay = min(0.999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * student[0].weight.detach()
        if step in (2, 5):
            kept = 0.1 * kept + 0.9 * average
        torch.testing.assert_close(history.history[0].weight, kept)
    assert not torch.equal(kept, start)
    assert history.history[1].running_mean == 6
    history.restart(student)
    assert torch.equal(history.history[0].weight, student[0].weight)


def test_its_interval_doubles_and_triples_as_the_authors_do() -> None:
    history = HistoryStudent(interval=10)
    due = [done for done in range(1, 2400) if history.is_due(done)]
    assert due[:3] == [10, 20, 30]
    gaps = [after - before for before, after in itertools.pairwise(due)]
    assert set(gaps[:99]) == {10}
    assert set(gaps[100:149]) == {20}
    assert set(gaps[152:]) == {30}


def test_negatives_are_of_the_input_itself_and_of_noisier_ones() -> None:
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    first, *noisier = dynamic_negatives(nn.Upsample(scale_factor=2), images, 5, generator("cpu", "x", 0))
    torch.testing.assert_close(first, nn.Upsample(scale_factor=2)(images))
    assert len(noisier) == 4
    for made in noisier:
        spread = (made - first).flatten(1).std(dim=1) * 255
        assert (spread > 0.5).all()
        assert (spread < 32).all()
        assert made.min() >= 0
        assert made.max() <= 1
    again = dynamic_negatives(nn.Upsample(scale_factor=2), images, 5, generator("cpu", "x", 0))
    assert torch.equal(again[3], noisier[2])


def test_frozen_parts_are_seen_by_no_optimiser_and_saved_only_where_asked() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    images = torch.rand(1, 1, 4, 4)
    net.eval()
    before = net(images).detach()
    assert not frozen(net).state_dict()
    assert not list(net.parameters())
    torch.testing.assert_close(net(images), before)
    assert set(frozen(nn.Conv2d(1, 2, 1), saved=True).state_dict()) == {"weight", "bias"}


def test_the_bundled_encoder_tells_photos_apart_in_five_levels() -> None:
    encoder = bundled_encoder()
    from kdexplorer.data.sources.photos import held_out_photos

    photos = [photo[None, :, :96, :112].float() / 255 for _, photo in held_out_photos()]
    shapes = [tuple(level.shape[2:]) for level in encoder.levels(photos[0])]
    assert shapes == [(96, 112), (48, 56), (24, 28), (12, 14), (6, 7)]
    words = [nearest_words(encoder.latent(photo), encoder.codebook) for photo in photos]
    assert all(len(found.unique()) >= 8 for found in words)  # the codebook is in use
    gray = photos[0].mean(dim=1, keepdim=True)
    torch.testing.assert_close(encoder.latent(gray), encoder.latent(gray.expand(-1, 3, -1, -1)))
    noisy = (
        photos[0] + torch.randn(photos[0].shape, generator=torch.Generator().manual_seed(0)) * 0.2
    ).clamp(0, 1)
    slight = (photos[0] + 0.004).clamp(0, 1)
    changed = [
        (nearest_words(encoder.latent(x), encoder.codebook) != words[0]).float().mean()
        for x in (slight, noisy)
    ]
    assert changed[0] < changed[1]


def test_the_nearest_word_is_the_nearest() -> None:
    z, words = torch.randn(2, 4, 3, 5), torch.randn(7, 4)
    found = nearest_words(z, words)
    distances = (z[:, None] - words[None, :, :, None, None]).square().sum(dim=2)
    assert torch.equal(found, distances.argmin(dim=1))
    colors = category_colors(found, 7)
    assert colors.shape == (2, 3, 3, 5)
    assert (
        len(
            {
                tuple(color.tolist())
                for color in category_colors(torch.arange(256).view(1, 16, 16), 256)[0].flatten(1).T
            }
        )
        > 200
    )


def test_the_published_vqgan_is_read_by_its_own_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = VQGANEncoder(channels=32)
    state = {key: value.clone() for key, value in net.state_dict().items()}
    names = {"encoder.down.0.block.0.conv1.weight", "encoder.down.2.block.0.nin_shortcut.weight", "encoder.down.3.downsample.conv.bias", "encoder.down.4.attn.1.proj_out.weight", "encoder.mid.attn_1.q.weight", "encoder.norm_out.weight", "quant_conv.weight"}  # fmt: skip
    assert names <= state.keys()
    state["quantize.embedding.weight"] = state.pop("codebook").normal_()
    state["decoder.conv_in.weight"] = torch.zeros(3)
    torch.save({"state_dict": state}, tmp_path / "vqgan_imagenet_f16_1024.ckpt")
    read = vqgan_encoder(vqgan_file(tmp_path), channels=32)
    assert torch.equal(read.codebook, state["quantize.embedding.weight"])
    images = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        assert [tuple(level.shape[2:]) for level in read.levels(images)] == [
            (32, 48),
            (16, 24),
            (8, 12),
            (4, 6),
            (2, 3),
        ]
        net.eval()
        torch.testing.assert_close(read.latent(images), net.latent(images))
    with pytest.raises(ConfigError, match="is not the ImageNet VQGAN"):
        vqgan_encoder(vqgan_file(tmp_path))
    save_file({"x": torch.zeros(1)}, tmp_path / "vqgan_imagenet_f16_1024.safetensors")
    with pytest.raises(ConfigError, match="do not fit"):
        vqgan_encoder(vqgan_file(tmp_path))
    monkeypatch.setenv("KDX_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match="put vqgan_imagenet_f16_1024.ckpt"):
        Session(
            with_values(dckd(), {"variants.dckd.terms.distribution_mapping.params": {"encoder": "vqgan"}}),
            None,
            None,
        )


def test_a_run_follows_its_past_and_goes_on_from_a_checkpoint_to_the_same_bits(tmp_path: Path) -> None:
    whole, first = session(), session()
    for step in range(6):
        whole.cohort.train_step(step, 6)
    for step in range(3):
        first.cohort.train_step(step, 6)
    name = save_checkpoint(tmp_path, first.cohort, 3, 6, 0.0)
    again = session()
    load_checkpoint(tmp_path / name, again.cohort)
    for step in range(3, 6):
        again.cohort.train_step(step, 6)
    for one, other in zip(whole.cohort.students, again.cohort.students, strict=True):
        for a, b in zip(one.module.parameters(), other.module.parameters(), strict=True):
            assert torch.equal(a, b)
    kept, regained = (found.cohort.students[0].objective.learnable.state_dict() for found in (whole, again))
    assert any("history.history" in key for key in kept)
    assert all(torch.equal(value, regained[key]) for key, value in kept.items())
    (history,) = whole.cohort.students[0].histories
    assert not torch.equal(
        next(history.history.buffers()), next(whole.cohort.students[0].module.parameters())
    )
    assert len(whole.cohort.students[0].parameters) == len(list(whole.cohort.students[0].module.parameters()))
    assert not [key for key in load_file(tmp_path / name / "state.safetensors") if "encoder" in key]


def test_a_run_notes_its_distances_and_shows_what_it_compares() -> None:
    events = [event for event in fit(dckd()) if isinstance(event, StepLogged)]
    noted = events[-1].seen
    assert noted.keys() == {"dckd"}
    distances = noted["dckd"]["contrastive_regularization"]
    assert distances.keys() == {"to the teacher", "to the negatives"}
    assert all(value > 0 for value in distances.values())
    assert 0 <= noted["dckd"]["distribution_mapping"]["same category"] <= 1

    running = session()
    running.cohort.train_step(0, 6)
    for student in running.cohort.students:
        student.module.eval()
    contrast, categories = inside(running.cohort, running.task, 1)
    assert (contrast["variant"], contrast["term"]) == ("dckd", "contrastive_regularization")
    assert [picture["name"] for picture in contrast["pictures"]] == ["student", "positive: the teacher", "negative: the input as it is", "negative 2: a noisier input", "negative 3: a noisier input"]  # fmt: skip
    assert [picture["name"] for picture in categories["pictures"]] == [
        "categories of the student",
        "categories of the teacher",
    ]
    pixels = {picture["image"] for picture in contrast["pictures"]}
    assert len(pixels) == 5
    assert base64.b64decode(contrast["pictures"][0]["image"].partition(",")[2]).startswith(b"\x89PNG")


def test_a_fork_that_adds_the_contrast_begins_with_the_student_as_it_is(tmp_path: Path) -> None:
    only = [variant.model_dump(mode="json") for variant in dckd().variants if variant.name == "response"]
    parent = Session(with_values(dckd(), {"variants": only}), None, None)
    for step in range(3):
        parent.cohort.train_step(step, 6)
    name = save_checkpoint(tmp_path, parent.cohort, 3, 6, 0.0)
    child = session()
    load_checkpoint(tmp_path / name, child.cohort, fork=True)
    student = child.cohort.students[0]
    (history,) = student.histories
    for key, value in student.module.named_parameters():
        for copied in (history.average, history.history):
            assert torch.equal(dict(copied.named_buffers())[key], value)
    fresh = dict(session().cohort.students[0].module.named_parameters())
    assert any(not torch.equal(value, fresh[key]) for key, value in student.module.named_parameters())


def test_notes_end_with_their_term() -> None:
    config = with_values(dckd(), {"variants.dckd.terms.contrastive_regularization.active": {"until": 2}})
    events = [event for event in fit(config) if isinstance(event, StepLogged)]
    noted = ["contrastive_regularization" in event.seen.get("dckd", {}) for event in events]
    assert noted == [True, True, False, False, False, False]
