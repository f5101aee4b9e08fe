from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from kdexplorer.data import SOURCES
from kdexplorer.params import ConfigError


def test_holds_every_digit_of_scikit_learn_once() -> None:
    data = SOURCES["digits"].load({}, ())
    test = data.held_out(10_000)
    everything = torch.cat((data.images.float() / 16, test.images)).flatten(1).numpy() * 16
    oracle = load_digits().data
    assert np.array_equal(everything[np.lexsort(everything.T)], oracle[np.lexsort(oracle.T)])
    assert (len(data.images), len(test.images)) == (1437, 360)


def test_split_is_stratified_and_the_test_images_mixed() -> None:
    test = SOURCES["digits"].load({}, ()).held_out(360)
    counts = torch.bincount(test.labels)
    assert counts.min() >= 34
    assert counts.max() <= 38
    assert len(test.labels[:20].unique()) >= 6


def test_excluded_classes_are_never_drawn_but_stay_in_the_test() -> None:
    data = SOURCES["digits"].load({}, (3, 7))
    labels = data.draw(5000, torch.Generator().manual_seed(0)).labels
    assert set(labels.tolist()) == set(range(10)) - {3, 7}
    assert set(data.held_out(360).labels.tolist()) == set(range(10))


def test_exclusions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="no class 10"):
        SOURCES["digits"].load({}, (10,))
    with pytest.raises(ConfigError, match="leave at least one"):
        SOURCES["digits"].load({}, range(10))
