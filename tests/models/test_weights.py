"""Weights go to a file and come back; what cannot be used is refused in words."""

from __future__ import annotations

import json
import os
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from kdexplorer import weight_file
from kdexplorer.config import NetworkConfig
from kdexplorer.models import ModelIO
from kdexplorer.models.build import Network, build_network
from kdexplorer.models.checkpoint_file import load_pickled
from kdexplorer.models.weights import load_weights, save_student
from kdexplorer.params import ConfigError
from kdexplorer.weight_file import read_card

IO = ModelIO(classes=3, size=16)
FACTS = {"task": "classification", "classes": ["a", "b", "c"], "scores": {"accuracy": 0.5}, "recipe": "none"}


def _network(seed: int = 0, io: ModelIO = IO, id: str = "tiny_cnn", **params: Any) -> Network:
    return build_network(NetworkConfig(id=id, params=params), io, seed=seed)


def _same(first: Network, second: Network) -> bool:
    one, two = first.module.state_dict(), second.module.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def _saved(
    folder: Path, network: Network | None = None, name: str = "net.safetensors", **options: Any
) -> Path:
    save_student(network or _network(1), folder / name, facts=FACTS, **options)
    return folder / name


def test_saved_weights_come_back_with_their_card(tmp_path: Path) -> None:
    source, target = _network(1), _network(2)
    source.module(torch.rand(4, 3, 16, 16))  # moves the batch statistics
    path = _saved(tmp_path, source)
    notes = load_weights(target, f"file:{path}")
    assert _same(source, target)
    assert notes == [f"Weights from net.safetensors: {source.info.parameters:,} parameters."]
    card = read_card(path)
    assert card == {
        **FACTS,
        "version": 1,
        "model": "tiny_cnn",
        "params": {"width": 16, "depth": 3},
        "io": {"channels": 3, "classes": 3, "scale": 1, "size": 16},
        "parameters": source.info.parameters,
    }
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


def test_the_same_weights_make_the_same_file(tmp_path: Path) -> None:
    first, second = (_saved(tmp_path, name=name).read_bytes() for name in ("a.safetensors", "b.safetensors"))
    assert first == second


def test_half_precision_is_widened_again(tmp_path: Path) -> None:
    source, target = _network(1), _network(2)
    full, half = _saved(tmp_path, source), _saved(tmp_path, source, "half.safetensors", dtype=torch.float16)
    assert half.stat().st_size < 0.7 * full.stat().st_size
    load_weights(target, f"file:{half}")
    for key, value in target.module.state_dict().items():
        assert value.dtype == source.module.state_dict()[key].dtype
        torch.testing.assert_close(value, source.module.state_dict()[key], rtol=1e-3, atol=1e-3)


def test_channels_last_weights_are_saved(tmp_path: Path) -> None:
    source, target = _network(1), _network(2)
    source.module.to(memory_format=torch.channels_last)
    load_weights(target, f"file:{_saved(tmp_path, source)}")
    assert _same(source, target)


def test_nothing_is_left_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").mkdir()
    with pytest.raises(OSError, match=r"net\.safetensors"):
        _saved(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize("suffix", [".pth", ".pt"])
@pytest.mark.parametrize("wrapper", ["", "state_dict", "model", "params", "params_ema", "net"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
def test_checkpoints_of_other_programs(tmp_path: Path, suffix: str, wrapper: str, prefix: str) -> None:
    source, target = _network(1), _network(2)
    state: Any = {prefix + key: value for key, value in source.module.state_dict().items()}
    state = {wrapper: state, "epoch": 3} if wrapper else state
    torch.save(state, tmp_path / f"net{suffix}")
    load_weights(target, f"file:{tmp_path / f'net{suffix}'}")
    assert _same(source, target)


def test_a_prefix_that_belongs_to_the_network_stays(tmp_path: Path) -> None:
    io = ModelIO(channels=1)
    source, target = _network(1, io, "dncnn", depth=3, width=8), _network(2, io, "dncnn", depth=3, width=8)
    state = source.module.state_dict()
    assert "model.0.weight" in state
    for name, keys in {
        "as-is": state,
        "wrapped": {f"module.{key}": value for key, value in state.items()},
        "stripped": {key.removeprefix("model."): value for key, value in state.items()},
    }.items():
        torch.save(keys, tmp_path / f"{name}.pth")
        load_weights(target, f"file:{tmp_path / f'{name}.pth'}")
        assert _same(source, target)


def test_files_without_batch_counters(tmp_path: Path) -> None:
    source, target = _network(1), _network(2)
    state = {k: v for k, v in source.module.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "old.safetensors")
    load_weights(target, f"file:{tmp_path / 'old.safetensors'}")
    assert _same(source, target)


class Opens:
    """What a hostile pickle looks like: it runs a command when read."""

    def __reduce__(self) -> Any:
        return os.system, ("touch pwned",)


def test_no_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Opens()}, tmp_path / "zip.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Opens()))
    (tmp_path / "raw.safetensors").write_bytes(pickle.dumps(Opens()))
    for name in ("zip.pth", "raw.pth", "raw.safetensors"):
        with pytest.raises(ConfigError, match=r"run code|not a safetensors|not a file of weights"):
            load_weights(_network(), f"file:{tmp_path / name}")
    with pytest.raises(ConfigError, match="save its state_dict alone"):
        load_weights(_network(), f"file:{tmp_path / 'zip.pth'}")
    assert not (tmp_path / "pwned").exists()


def test_a_file_that_names_the_callbacks_of_its_training_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PyTorch Lightning saved them: the class is a key beside the weights."""
    module = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    module.ModelCheckpoint = type("ModelCheckpoint", (), {"__module__": module.__name__})  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks", module.__name__):
            patch.setitem(sys.modules, name, module)
        state = {"weight": torch.ones(2, 3)}
        torch.save(
            {"callbacks": {module.ModelCheckpoint: {"best": 1}}, "state_dict": state}, tmp_path / "l.ckpt"
        )
    assert torch.equal(load_pickled(tmp_path / "l.ckpt")["weight"], state["weight"])


@pytest.mark.parametrize("name", ["x.pth", "x.safetensors", "x"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"PK\x03\x04" + bytes(50),
        b"\x80\x02",
        b"<html>",
        bytes(8),
        b"\xff" * 64,
        b"\x02" + bytes(7) + b"[]",
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name}"):
        load_weights(_network(), f"file:{tmp_path / name}")


def test_files_cut_short(tmp_path: Path) -> None:
    whole = _saved(tmp_path).read_bytes()
    torch.save(_network().module.state_dict(), tmp_path / "whole.pth")
    for name, content in (("cut.safetensors", whole), ("cut.pth", (tmp_path / "whole.pth").read_bytes())):
        for part in (0.1, 0.5, 0.99):
            (tmp_path / name).write_bytes(content[: int(len(content) * part)])
            with pytest.raises(ConfigError, match="cut"):
                load_weights(_network(), f"file:{tmp_path / name}")


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kdexplorer.models import checkpoint_file

    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(1_000_000))
    monkeypatch.setattr(checkpoint_file, "MAX_BYTES", 100_000)
    with pytest.raises(ConfigError, match="unpacks to"):
        load_weights(_network(), f"file:{tmp_path / 'bomb.pth'}")


def test_files_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _saved(tmp_path)
    monkeypatch.setattr(weight_file, "MAX_BYTES", 1000)
    with pytest.raises(ConfigError, match="at most 2 GB"):
        load_weights(_network(), f"file:{path}")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"state_dict": {"a": 1}}, {}])
def test_files_without_a_state_dict(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(ConfigError, match="holds no state dict"):
        load_weights(_network(), f"file:{tmp_path / 'x.pth'}")


def test_a_foreign_file_says_what_differs(tmp_path: Path) -> None:
    state = _network(1, width=8).module.state_dict()
    state["extra"] = torch.zeros(1)
    del state["linear.bias"]
    save_file(state, tmp_path / "foreign.safetensors")
    target, before = _network(2), _network(2)
    with pytest.raises(ConfigError) as caught:
        load_weights(target, f"file:{tmp_path / 'foreign.safetensors'}")
    message = str(caught.value)
    assert "is missing linear.bias" in message
    assert "has unknown extra" in message
    assert "layers.0.0.weight [8, 3, 3, 3], expected [16, 3, 3, 3]" in message
    assert "tiny_cnn (width 16, depth 3)" in message
    assert "more" in message
    assert _same(target, before)


def test_our_own_file_says_what_it_was_saved_from(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    with pytest.raises(ConfigError, match=r"holds a tiny_cnn \(width 16, depth 3\), not a mlp"):
        load_weights(_network(id="mlp"), f"file:{path}")
    with pytest.raises(ConfigError, match=r"holds a tiny_cnn \(width 16, depth 3\): set width"):
        load_weights(_network(width=8), f"file:{path}")
    with pytest.raises(ConfigError, match="trained for 3 classes, but this task has 5"):
        load_weights(_network(io=ModelIO(classes=5, size=16)), f"file:{path}")
    with pytest.raises(ConfigError, match="trained for 3 image channels, but this task has 1"):
        load_weights(_network(io=ModelIO(classes=3, size=16, channels=1)), f"file:{path}")


def test_a_setting_without_weights_still_counts(tmp_path: Path) -> None:
    path = _saved(tmp_path, _network(1, id="cifar_resnet", depth=8, normalize="half"))
    with pytest.raises(ConfigError, match="set normalize"):
        load_weights(_network(id="cifar_resnet", depth=8), f"file:{path}")


def test_another_image_size_is_fine_where_the_shapes_agree(tmp_path: Path) -> None:
    load_weights(_network(io=ModelIO(classes=3, size=32)), f"file:{_saved(tmp_path)}")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_non_finite_weights(tmp_path: Path, value: float) -> None:
    state = _network(1).module.state_dict()
    state["linear.bias"][1] = value
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(ConfigError, match=r"linear\.bias holds values that are not finite"):
        load_weights(_network(), f"file:{tmp_path / 'x.safetensors'}")


def test_integer_weights(tmp_path: Path) -> None:
    state = {key: value.int() for key, value in _network(1).module.state_dict().items()}
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(ConfigError, match="expected torch.float32"):
        load_weights(_network(), f"file:{tmp_path / 'x.safetensors'}")


def test_no_weights_and_no_hub() -> None:
    network, before = _network(3), _network(3)
    assert load_weights(network, "none") == []
    assert _same(network, before)
    with pytest.raises(ConfigError, match="has no pretrained weights"):
        load_weights(network, "pretrained")


def test_a_runs_student_is_the_next_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    run = tmp_path / "runs" / "20250101-abcdef"
    students = {name: _network(seed) for seed, name in enumerate(("control", "zeta", "alpha"), 1)}
    target = _network(9)
    with pytest.raises(ConfigError, match="no finished student"):
        load_weights(target, "run:20250101-abcdef")
    _saved(run / "students", students["control"], "control.safetensors")
    load_weights(target, "run:20250101-abcdef")
    assert _same(target, students["control"])
    for name in ("zeta", "alpha"):
        _saved(run / "students", students[name], f"{name}.safetensors")
    (run / "config.json").write_text(json.dumps({"variants": [{"name": "zeta"}, {"name": "alpha"}]}))
    notes = load_weights(target, "run:20250101-abcdef")
    assert _same(target, students["zeta"])  # the first of the configuration
    assert "run:20250101-abcdef" in notes[0]
    for name, student in students.items():
        load_weights(target, f"run:20250101-abcdef/{name}")
        assert _same(target, student)
    for bad in ("beta", "../students/zeta", "zeta/..", "."):
        with pytest.raises(ConfigError, match="it has: alpha, control, zeta"):
            load_weights(target, f"run:20250101-abcdef/{bad}")
    with pytest.raises(ConfigError, match="not the id of a run"):
        load_weights(target, "run:../../etc")


def test_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    source, target = _network(1), _network(2)
    _saved(tmp_path / "uploads", source, "0123456789abcdef-my-net-0a1b2c.safetensors")
    notes = load_weights(target, "upload:0123456789abcdef-my-net-0a1b2c.safetensors")
    assert notes == [f"Weights from my-net.safetensors: {source.info.parameters:,} parameters."]
    assert _same(source, target)
    torch.save(source.module.state_dict(), tmp_path / "uploads" / "def456")
    load_weights(target, "upload:def456")
    with pytest.raises(ConfigError, match="no file of weights"):
        load_weights(target, "upload:nothere")
    with pytest.raises(ConfigError, match="not the id of a upload|not the id of an upload"):
        load_weights(target, "upload:../abc123")
