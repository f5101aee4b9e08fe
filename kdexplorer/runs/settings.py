"""A config's settings as one flat table, so that two runs can be laid side by side."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kdexplorer.catalog import catalog
from kdexplorer.config import Augmentation, TermConfig

Value = float | int | str | bool | None
LEFT_OUT = ("version", "name")
_FAMILIES = {
    "source": "sources",
    "teacher": "models",
    "student": "models",
    "teachers": "models",
    "degradations": "degradations",
    "augmentations": "augmentations",
    "terms": "methods",
}
_LISTED = ("degradations", "augmentations", "methods")
_NAMED_BY = ("name", "method", "id")
_MISSING = object()


class Setting(NamedTuple):
    """One number, word or switch of a config; `default` says that it is what nobody chose."""

    path: str
    value: Value
    default: bool


def settings(config: Mapping[str, Any]) -> list[Setting]:
    """All settings of a config as JSON holds it, by dotted paths as `with_values` reads them.

    Parts of a list are named by their `name`, `method` or `id`. Parameters that the config leaves out are there
    with the registry's default; what an older or newer version wrote is shown as it is.
    """
    return [found for found in _walk(dict(config), "", "", {}) if found.path not in LEFT_OUT]


def _walk(value: Any, path: str, family: str, defaults: Mapping[str, Any]) -> Iterator[Setting]:
    if isinstance(value, Mapping):
        yield from _mapping(value, path, family, defaults)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield Setting(path, ", ".join(_names(value)), False)
        for name, item in zip(_names(value), value, strict=True):
            yield from _walk(item, f"{path}.{name}", family, {})
    elif isinstance(value, list):
        yield Setting(path, ", ".join(map(str, value)), not value)
    else:
        yield Setting(path, value, False)


def _mapping(
    value: Mapping[str, Any], path: str, family: str, defaults: Mapping[str, Any]
) -> Iterator[Setting]:
    known, params = dict(defaults), {}
    component = "params" in value
    if component:
        params = _params(family, str(value.get("method") or value.get("id")))
        known |= _fields(family)
        value = {**value, "params": {**params, **(value["params"] or {})}}
    for key, part in value.items():
        if key in _NAMED_BY and path and (key == "name" or (component and family in _LISTED)):
            continue  # the path says it
        inner = _FAMILIES.get(key, "" if key in ("data", "training") else family)
        usual = known.get(key, _MISSING) == part
        for found in _walk(
            part, f"{path}.{key}" if path else str(key), inner, params if key == "params" else {}
        ):
            yield found._replace(default=True) if usual else found


def _names(items: list[Any]) -> list[str]:
    """What each part is called; its place where two are called alike."""
    found = [
        next((str(item[key]) for key in _NAMED_BY if isinstance(item, Mapping) and item.get(key)), "")
        for item in items
    ]
    return [name if name and found.count(name) == 1 else str(at) for at, name in enumerate(found)]


@functools.cache
def _params(family: str, id: str) -> dict[str, Value]:
    """A registry entry's parameters with their defaults."""
    for entry in catalog().get(family, []):
        if entry["id"] == id:
            return {param["name"]: param["default"] for param in entry["params"]}
    return {}


@functools.cache
def _fields(family: str) -> dict[str, Any]:
    """What the parts of a list are set to where nobody sets it."""
    if family == "methods":
        return dict(TermConfig(method="x").model_dump(mode="json"))
    if family == "augmentations":
        return dict(Augmentation(id="x").model_dump(mode="json"))
    return {}
