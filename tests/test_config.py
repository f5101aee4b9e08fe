"""The config: bounds, round trips, and what hostile input gets."""

import base64
import json
import zlib

import pytest

from kdexplorer.catalog import check_config
from kdexplorer.config import MAX_CODE, RunConfig, with_values
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config, presets


@pytest.mark.parametrize("id", list(presets()))
def test_every_preset_round_trips_without_loss_and_fits_the_registries(id):
    config = preset_config(id)
    check_config(config)
    assert RunConfig.from_json(config.to_json()) == config
    assert RunConfig.from_json(config.to_json(indent=2)) == config
    assert RunConfig.from_code(config.to_code()) == config
    assert len(config.to_code()) < 1500


def numbers(node, path=""):
    """Every bounded number of the config's schema, with a value just beyond its bounds."""
    for name, field in node.model_fields.items():
        for bound in field.metadata:
            if hasattr(bound, "ge"):
                yield f"{path}{name}", bound.ge - 1
            if hasattr(bound, "le"):
                yield f"{path}{name}", bound.le + 1


def test_every_number_is_bounded():
    config = preset_config("denoise")
    places = {
        "training.": type(config.training),
        "data.": type(config.data),
        "variants.0.": type(config.variants[0]),
        "variants.0.terms.0.": type(config.variants[0].terms[0]),
    }
    checked = 0
    for path, model in places.items():
        for place, value in numbers(model, path):
            with pytest.raises(ConfigError, match=place.split(".")[-1]):
                with_values(config, {place: value})
            checked += 1
        for name, field in model.model_fields.items():
            if field.annotation in (int, float):
                kinds = {kind for bound in field.metadata for kind in ("ge", "le") if hasattr(bound, kind)}
                assert kinds == {"ge", "le"}, f"{path}{name} lacks a bound"
    assert checked > 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.stepz": 1}, "training.stepz"),
        ({"nonsense.steps": 1}, "no such setting"),
        ({"variants.other.weight": 1}, "no 'other' here"),
        ({"training.learning_rate": float("nan")}, "finite"),
        ({"teacher": None}, "need a teacher"),
        ({"variants": [], "control": False}, "nothing to train"),
        ({"variants.0.name": "control"}, "'control' is the twin's"),
        ({"student.weights": "pickle:evil"}, "weights are"),
        ({"student.id": "../../etc"}, "student.id"),
        ({"name": "x" * 81}, "80"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        with_values(preset_config("denoise"), changes)


def test_parts_of_lists_are_named():
    config = with_values(
        preset_config("denoise"),
        {"variants.distilled.terms.response.weight": 3, "data.degradations.gaussian_noise.params.sigma": 50},
    )
    assert config.variants[0].terms[0].weight == 3
    assert config.data.degradations[0].params["sigma"] == 50


def packed(text: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text)).decode()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "not a run's configuration"),
        ("%%%", "not a run's configuration"),
        ("AAAA", "damaged"),
        ("A" * (MAX_CODE + 1), "too long"),
        (packed(b"0" * 50_000_000), "inflates to too much|too long"),
        (packed(b"[" * 100_000), "not a run's configuration"),
        (packed(b'{"task": 3}'), "task"),
        (packed(b"\xff\xfe"), "damaged"),
        (packed(json.dumps({"__class__": "os.system"}).encode()), "__class__"),
    ],
)
def test_hostile_links_get_a_message(code, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig.from_code(code)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"student.id": "nonsense"}, "Unknown model 'nonsense'"),
        ({"student.params": {"width": 10_000}}, "must lie between"),
        ({"student.params": {"wings": 2}}, "has no parameter 'wings'"),
        ({"variants.0.terms": [{"method": "soft_targets"}]}, "does not fit the task"),
        ({"data.degradations": []}, "choose what makes the input worse"),
        ({"data.source.id": "digits"}, "does not fit the task"),
        ({"teacher.weights": "bundled:nonsense"}, "no bundled teacher"),
        ({"teacher.weights": "bundled:digits"}, "choose that model"),
        ({"student.weights": "pretrained"}, "no pretrained weights"),
        ({"task": "cooking"}, "Unknown task"),
    ],
)
def test_names_and_parameters_are_held_against_the_registries(changes, message):
    config = with_values(preset_config("denoise"), changes)
    with pytest.raises(ConfigError, match=message):
        check_config(config)
