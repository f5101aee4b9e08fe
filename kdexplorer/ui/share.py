"""A configuration as text that somebody else can use: a command, a Python program."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterator
from typing import Any

from kdexplorer.config import RunConfig, with_values
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config, presets

_PYTHON = """\
from kdexplorer import RunConfig, fit

config = RunConfig.from_dict(
{config}
)
for event in fit(config):
    if event.kind == "evaluated":
        print(event.step, event.variants, *(verdict.sentence for verdict in event.verdicts))
    elif event.kind == "failed":
        raise SystemExit(f"{{event.reason}} {{event.advice}}")
"""


def short_dict(config: RunConfig) -> dict[str, Any]:
    """The config as JSON values without what is at its default; `RunConfig.from_dict` gives the same config back."""
    values = config.model_dump(mode="json", exclude_defaults=True)
    return values if RunConfig.from_dict(values) == config else config.model_dump(mode="json")


def cli_command(config: RunConfig) -> str:
    """The shorter of two commands for a POSIX shell that train exactly `config`: a preset with what differs, or all of it."""
    whole = f"kdexplorer fit --config - <<'EOF'\n{json.dumps(short_dict(config))}\nEOF"
    return min([whole, *_preset_commands(config)], key=len)


def python_snippet(config: RunConfig) -> str:
    """A Python program that trains `config` and prints every look at the held-out data."""
    values = pprint.pformat(short_dict(config), indent=1, width=100, sort_dicts=False)
    return _PYTHON.format(config="\n".join(f"    {line}" for line in values.splitlines()))


def _preset_commands(config: RunConfig) -> Iterator[str]:
    target = config.model_dump(mode="json")
    for name in presets():
        base = preset_config(name)
        changes = dict(_differences(base.model_dump(mode="json"), target))
        try:
            if with_values(base, changes) != config:
                continue
        except ConfigError:  # a part that no path leads to
            continue
        given = "".join(f" {shlex.quote(f'{path}={_value(value)}')}" for path, value in changes.items())
        yield f"kdexplorer fit --preset {name}" + (f" --set{given}" if given else "")


def _differences(base: Any, target: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths at which `target` differs, each with its value."""
    if base == target:
        return
    below = f"{path}." if path else ""
    if isinstance(base, dict) and isinstance(target, dict) and base.keys() <= target.keys():
        for key, value in target.items():
            if key not in base:
                yield f"{below}{key}", value
            else:
                yield from _differences(base[key], value, f"{below}{key}")
    elif isinstance(base, list) and isinstance(target, list) and len(base) == len(target):
        for index, (old, new) in enumerate(zip(base, target, strict=True)):
            yield from _differences(old, new, f"{below}{index}")
    else:
        yield path, target


def _value(value: Any) -> str:
    """As the command line reads it: JSON, or text that is no JSON."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value)
