from __future__ import annotations

import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.datasets

from kdexplorer.data import SOURCES
from kdexplorer.params import ConfigError


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a network that refuses every connection."""
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "datasets"


def write_idx(folder: Path, prefix: str, images: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">HBBIII", 0, 8, 3, *images.shape)
    (folder / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
    header = struct.pack(">HBBI", 0, 8, 1, len(labels))
    (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


@pytest.mark.parametrize(("id", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_reads_what_torchvision_stores(datasets: Path, id: str, folder: str) -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 28, 28), dtype=np.uint8)
    labels = (np.arange(30) % 10).astype(np.uint8)
    write_idx(datasets / folder / "raw", "train", images, labels)
    write_idx(datasets / folder / "raw", "t10k", images[:20], labels[:20])
    data = SOURCES[id].load({}, (3,))
    assert torch.equal(data.images[:, 0], torch.from_numpy(images))
    assert (len(data.classes), data.channels, data.size) == (10, 1, 28)
    assert len(data.held_out(100).labels) == 20
    assert 3 not in data.draw(200, torch.Generator().manual_seed(0)).labels


def write_cifar(root: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """One training and one test file in CIFAR's format, with their checksums made known."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3072), dtype=np.uint8)
    contents = {
        "data_batch_1": {"data": pixels, "labels": [i % 10 for i in range(20)]},
        "test_batch": {"data": pixels[:10], "labels": list(range(10))},
        "batches.meta": {"label_names": list("abcdefghij")},
    }
    sums = {}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    cifar = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(cifar, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(cifar, "meta", {**cifar.meta, "md5": sums["batches.meta"]})
    return pixels


def test_reads_cifar(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = write_cifar(datasets, monkeypatch)
    data = SOURCES["cifar10"].load({}, ())
    assert torch.equal(data.images.flatten(1), torch.from_numpy(pixels))
    assert data.classes == tuple("abcdefghij")


def test_a_foreign_cifar_file_is_never_opened(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(datasets, monkeypatch)
    file = datasets / "cifar-10-batches-py" / "test_batch"
    file.write_bytes(file.read_bytes() + b"\x00")
    with pytest.raises(ConfigError, match="could not be downloaded"):
        SOURCES["cifar10"].load({}, ())


@pytest.mark.parametrize("id", ["cifar10", "cifar100", "mnist", "fashion_mnist"])
def test_offline_says_what_to_do(datasets: Path, id: str) -> None:
    with pytest.raises(ConfigError, match=r"could not be downloaded: .*Put its files in .*or choose another"):
        SOURCES[id].load({}, ())
