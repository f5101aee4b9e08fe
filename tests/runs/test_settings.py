"""A config as a flat table: paths that can be set, defaults filled in and marked."""

from __future__ import annotations

import json

import pytest

from kdexplorer.config import RunConfig, with_values
from kdexplorer.presets import preset_config, presets
from kdexplorer.runs.settings import settings


def table(config: RunConfig) -> dict[str, object]:
    return {found.path: found.value for found in settings(json.loads(config.to_json()))}


@pytest.mark.parametrize("preset", presets())
def test_every_number_of_a_config_is_in_the_table_where_it_is_set(preset: str) -> None:
    config = preset_config(preset)
    found = table(config)
    assert {"name", "version"}.isdisjoint(found)
    numbers = {path: value for path, value in found.items() if isinstance(value, int | float)}
    assert len(numbers) > 15
    assert (
        with_values(config, numbers) == with_values(config, {})
        or table(with_values(config, numbers)) == found
    )


def test_defaults_are_filled_in_and_marked() -> None:
    config = RunConfig.from_dict(
        {"task": "classification", "student": {"id": "mlp"}, "teacher": {"id": "mlp"},
         "variants": [{"terms": [{"method": "soft_targets", "weight": 0.5}]}]}
    )  # fmt: skip
    found = {setting.path: setting for setting in settings(json.loads(config.to_json()))}
    term = "variants.distilled.terms.soft_targets"
    assert found[f"{term}.params.temperature"].value == 4.0
    assert found[f"{term}.params.temperature"].default
    assert (found[f"{term}.weight"].value, found[f"{term}.weight"].default) == (0.5, False)
    assert found["student.params.width"].default
    assert not found["training.seed"].default


def test_two_of_one_kind_are_told_apart() -> None:
    config = {"data": {"augmentations": [{"id": "flip", "params": {}}, {"id": "flip", "params": {"p": 1}}]}}
    paths = {found.path: found.value for found in settings(config)}
    assert paths["data.augmentations"] == "0, 1"
    assert paths["data.augmentations.1.params.p"] == 1


def test_what_another_version_wrote_is_shown_as_it_is() -> None:
    found = {setting.path: setting.value for setting in settings({"new": {"deep": [1, 2]}, "teacher": None})}
    assert found == {"new.deep": "1, 2", "teacher": None}


def test_an_older_versions_config_differs_in_nothing_it_could_not_know() -> None:
    new = json.loads(preset_config("shapes").to_json())
    old = json.loads(json.dumps(new))
    for variant in old["variants"]:
        for name in ("balance", "own_start", "patience", "ema_decay", "task_schedule"):
            del variant[name]
    old |= {"parent": {"run": "abcdef01", "step": 20}, "name": "Fork"}
    assert settings(old) == settings(new)


def test_settings_are_called_as_in_the_form() -> None:
    titles = {found.path: found.title for found in settings(json.loads(preset_config("shapes").to_json()))}
    assert titles["training.lr_schedule"] == ("Learning-rate schedule",)
    assert titles["student.id"] == ("Student", "Model")
    assert titles["data.source.params.size"] == ("Source", "Size")
    term = "variants.distilled.terms.soft_targets"
    assert titles[f"{term}.params.temperature"] == ("distilled", "Soft targets", "Temperature")
    assert titles[f"{term}.weight"] == ("distilled", "Soft targets", "Weight")
    assert titles["variants"] == ("Variants",)
