"""The form's schema: complete, bounded as the config is bounded, and lossless."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from kdexplorer.config import Augmentation, RunConfig, TermConfig, VariantConfig, with_values
from kdexplorer.params import ConfigError
from kdexplorer.presets import presets
from kdexplorer.ui.form import GROUPS, form_schema
from kdexplorer.ui.words import words

SCHEMA = form_schema()
BASE = RunConfig(variants=(VariantConfig(),))
FIELDS = [field for group in GROUPS for field in SCHEMA["fields"][group]]
NOT_FORM = {
    "version",
    "name",
    "task",
    "data.source.id",
    "student.id",
    "student.weights",
}  # drawn by hand, or not at all


def _leaves(values: Any, path: str = "") -> list[str]:
    if isinstance(values, dict) and values:
        return [
            leaf for key, value in values.items() for leaf in _leaves(value, f"{path}.{key}" if path else key)
        ]
    return [path]


def _other(field: dict[str, Any]) -> Any:
    """A valid value that is not the default."""
    if field["kind"] == "bool":
        return not field["default"]
    if field["kind"] == "choice":
        return next(choice for choice in field["choices"] if choice != field["default"])
    if field["kind"] == "integers":
        return [3, 5]
    return field["minimum"] if field["default"] != field["minimum"] else field["maximum"]


def test_every_plain_setting_has_a_field() -> None:
    config = RunConfig().model_dump(mode="json")
    structure = {"data.source.params", "data.degradations", "data.augmentations", "teacher", "student.params"}
    structure |= {"variants", "parent", "teachers"}
    missing = set(_leaves(config)) - {field["path"] for field in FIELDS} - NOT_FORM - structure
    assert not missing


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field["path"])
def test_a_field_changes_its_setting_and_nothing_else(field: dict[str, Any]) -> None:
    base = BASE.model_dump(mode="json")
    assert field["help"], "every control has one line of help"
    changed = with_values(BASE, {field["path"]: _other(field)}).model_dump(mode="json")
    back = with_values(RunConfig.from_dict(changed), {field["path"]: field["default"]}).model_dump(
        mode="json"
    )
    assert back == base
    assert changed != base


@pytest.mark.parametrize(
    "field", [f for f in FIELDS if f["maximum"] is not None], ids=lambda field: field["path"]
)
def test_the_form_shows_the_bounds_that_the_server_keeps(field: dict[str, Any]) -> None:
    for bound in ("minimum", "maximum"):
        value = int(field[bound]) if field["kind"] == "int" else field[bound]
        with_values(RunConfig(), {field["path"]: value})
    with pytest.raises(ConfigError):
        with_values(RunConfig(), {field["path"]: int(field["maximum"]) + 1})


@pytest.mark.parametrize(
    ("part", "model"), [("augmentation", Augmentation), ("term", TermConfig), ("variant", VariantConfig)]
)
def test_repeated_parts_know_their_plain_fields(part: str, model: Any) -> None:
    names = {field["name"] for field in SCHEMA["parts"][part]}
    assert names
    assert names <= set(model.model_fields)


@pytest.mark.parametrize(
    "preset", [p for p in presets().values() if not p["hidden"]], ids=lambda preset: preset["id"]
)
def test_a_preset_reaches_the_page_whole(preset: dict[str, Any]) -> None:
    sent = json.loads(json.dumps(next(p for p in SCHEMA["catalog"]["presets"] if p["id"] == preset["id"])))
    assert RunConfig.from_dict(sent["config"]) == RunConfig.from_dict(preset["config"])
    assert RunConfig.from_dict(sent["config"]).model_dump(mode="json") == sent["config"]


def test_recipes_of_teachers_and_closed_paths_stay_out() -> None:
    assert not any(preset["hidden"] for preset in SCHEMA["catalog"]["presets"])
    public = form_schema(allow_paths=False)
    assert not any(source.get("reads_paths") for source in public["catalog"]["sources"])
    assert any(source.get("reads_paths") for source in SCHEMA["catalog"]["sources"])


def test_what_the_form_says_is_said_in_chinese_too() -> None:
    chinese = words("zh")
    params = [field for part in SCHEMA["parts"].values() for field in part] + FIELDS
    summaries = []
    for family, entries in SCHEMA["catalog"].items():
        summaries += [entry["summary"] for entry in entries if entry.get("summary")]
        params += [param for entry in entries if family != "weights" for param in entry.get("params", [])]
    said = {text for param in params for text in (param["title"], param["help"])} | set(summaries)
    assert len(said) > 100
    # `{name}` in a sentence stands for any words, as in `tx` of words.js
    patterns = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(key)) for key in chinese if " " in key and "{" in key]
    assert not sorted(
        text for text in said if text not in chinese and not any(re.fullmatch(p, text) for p in patterns)
    )
