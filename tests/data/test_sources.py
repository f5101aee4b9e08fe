from __future__ import annotations

import json

import pytest
import torch

from kdexplorer.data import AUGMENTATIONS, DEGRADATIONS, SOURCES, LabelledData, PairData, PhotoData
from kdexplorer.params import ConfigError

BUNDLED = ["photos", "ct_metal", "digits", "shapes"]
BRINGS_ITS_OWN = ["photo_folder", "image_folder", "npz", "uploads", "pair_folders", "pair_uploads"]


def test_the_sources_are_there() -> None:
    downloads = ["cifar10", "cifar100", "mnist", "fashion_mnist"]
    assert {spec.id for spec in SOURCES} == {*BUNDLED, *BRINGS_ITS_OWN, *downloads}
    assert {spec.id for spec in SOURCES if spec.reads_paths} == {
        "photo_folder",
        "image_folder",
        "npz",
        "pair_folders",
    }


@pytest.mark.parametrize("spec", [*SOURCES, *DEGRADATIONS, *AUGMENTATIONS], ids=lambda spec: spec.id)
def test_everything_describes_itself(spec) -> None:
    facts = json.loads(json.dumps(spec.describe()))
    assert facts["title"]
    assert facts["summary"].endswith(".")
    assert set(facts["tasks"]) <= {"restoration", "classification"}
    assert spec.check({}) == {param["name"]: param["default"] for param in facts["params"]}
    for param in facts["params"]:
        assert param["help"]
        assert (
            param["kind"] not in ("int", "float") or param["minimum"] <= param["default"] <= param["maximum"]
        )


@pytest.mark.parametrize("id", BUNDLED)
def test_draws_depend_on_the_generator_alone(id: str) -> None:
    spec = SOURCES[id]
    state = torch.get_rng_state()
    draws = []
    for seed in (1, 1, 2):
        data, generator = spec.load(spec.check({}), ()), torch.Generator().manual_seed(seed)
        if "restoration" in spec.tasks:
            photos: PhotoData | PairData = data.to(torch.device("cpu"))
            drawn = photos.draw(4, 48, generator)
            draws.append(torch.cat(drawn) if isinstance(drawn, tuple) else drawn)
        else:
            labelled: LabelledData = data.to(torch.device("cpu"))
            made = labelled.draw(4, generator)
            assert made.images.shape == (4, labelled.channels, labelled.size, labelled.size)
            assert made.labels.dtype == torch.int64
            draws.append(made.images)
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert draws[0].dtype == torch.float32
    assert draws[0].min() >= 0
    assert draws[0].max() <= 1
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("id", BRINGS_ITS_OWN)
def test_without_anything_named_it_says_what_to_name(id: str) -> None:
    spec = SOURCES[id]
    with pytest.raises(ConfigError, match=r"Name the folder|Upload at least one"):
        spec.load(spec.check({}), ())


@pytest.mark.parametrize("id", BUNDLED)
def test_nothing_of_a_batch_stays_on_the_cpu(id: str) -> None:
    """The meta device refuses to mix with the CPU as a GPU does."""
    meta = torch.device("meta")
    spec = SOURCES[id]
    data, generator = spec.load(spec.check({}), ()).to(meta), torch.Generator()
    if "restoration" in spec.tasks:
        drawn = data.draw(4, 48, generator)
        held_out = [image for _, *images in data.held_out(2, 32) for image in images]
        tensors = [*(drawn if spec.paired else [drawn]), *held_out]
    else:
        batches = data.draw(4, generator), data.held_out(4)
        tensors = [tensor for made in batches for tensor in vars(made).values() if tensor is not None]
    assert {tensor.device for tensor in tensors} == {meta}
