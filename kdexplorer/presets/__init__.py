"""Presets: one JSON file each, {"title", "group", "summary", "order", "config"}; the id is the file's name.

Groups are `start` (to begin with), `restore` (restoration in depth), `who` (who teaches) and `when` (what is taught, and when).
`"hidden": true` keeps one from the page's chips: the recipes of the bundled teachers, for the command line.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from kdexplorer.config import RunConfig
from kdexplorer.params import ConfigError


@functools.cache
def presets() -> dict[str, dict[str, Any]]:
    """All presets by id, in their order; each `config` is complete."""
    found = []
    for path in Path(__file__).parent.glob("*.json"):
        preset = json.loads(path.read_text())
        preset["config"] = RunConfig.from_dict(preset["config"]).model_dump(mode="json")
        found.append({"id": path.stem, "hidden": False, **preset})
    found.sort(key=lambda preset: (preset.get("order", 99), preset["id"]))
    return {preset["id"]: preset for preset in found}


def preset_config(id: str) -> RunConfig:
    """The config of a preset.

    Raises:
        ConfigError: there is no such preset.
    """
    try:
        return RunConfig.from_dict(presets()[id]["config"])
    except KeyError:
        raise ConfigError(f"There is no preset {id!r}; there is: {', '.join(presets())}.") from None
