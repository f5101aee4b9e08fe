"""A config's settings as one flat table, so that two runs can be laid side by side."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kdexplorer.catalog import catalog
from kdexplorer.config import (
    Augmentation,
    DataConfig,
    NetworkConfig,
    RunConfig,
    TermConfig,
    TrainingConfig,
    VariantConfig,
)
from kdexplorer.params import ConfigError, title_of

Value = float | int | str | bool | None
LEFT_OUT = ("version", "name", "parent")  # says which run this is, not how it was set
_FAMILIES = {
    "source": "sources",
    "teacher": "models",
    "student": "models",
    "teachers": "models",
    "degradations": "degradations",
    "augmentations": "augmentations",
    "terms": "methods",
    "variants": "variants",
}
_LISTED = ("degradations", "augmentations", "methods")
_NAMED_BY = ("name", "method", "id")
_MISSING = object()
_UNSAID = {
    "data", "training", "params", "variants", "terms", "teachers", "degradations", "augmentations",
}  # fmt: skip  # parts of a path that no title needs


class Setting(NamedTuple):
    """One number, word or switch of a config; `default` says that it is what nobody chose.

    `title` is what the form calls it, from the outermost part to the innermost, in English.
    """

    path: str
    value: Value
    default: bool
    title: tuple[str, ...] = ()


class _Place(NamedTuple):
    path: str = ""
    title: tuple[str, ...] = ()
    family: str = ""

    def inside(self, key: str, title: str | None, family: str | None = None) -> _Place:
        return _Place(
            f"{self.path}.{key}" if self.path else key,
            self.title if title is None else (*self.title, title),
            self.family if family is None else family,
        )

    def setting(self, value: Value, default: bool = False) -> Setting:
        key = self.path.rsplit(".", 1)[-1]
        return Setting(
            self.path, value, default, (*self.title, title_of(key)) if key in _UNSAID else self.title
        )


def settings(config: Mapping[str, Any]) -> list[Setting]:
    """All settings of a config as JSON holds it, by dotted paths as `with_values` reads them.

    Parts of a list are named by their `name`, `method` or `id`. What the config leaves out, as an older version
    does, is there with its default; a config that cannot be read is shown as it is.
    """
    try:
        config = RunConfig.from_dict(dict(config)).model_dump(mode="json")
    except ConfigError:
        config = dict(config)
    return [found for found in _walk(config, _Place(), {}, {}) if found.path.split(".")[0] not in LEFT_OUT]


def _walk(
    value: Any, place: _Place, defaults: Mapping[str, Any], titles: Mapping[str, str]
) -> Iterator[Setting]:
    if isinstance(value, Mapping):
        yield from _mapping(value, place, defaults, titles)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield place.setting(", ".join(_names(value)))
        for name, item in zip(_names(value), value, strict=True):
            yield from _walk(item, place.inside(name, _called(item, name, place.family)), {}, {})
    elif isinstance(value, list):
        yield place.setting(", ".join(map(str, value)), not value)
    else:
        yield place.setting(value)


def _mapping(
    value: Mapping[str, Any], place: _Place, defaults: Mapping[str, Any], titles: Mapping[str, str]
) -> Iterator[Setting]:
    known, family, params = dict(defaults), place.family, {}
    names: dict[str, str] = {}
    component = "params" in value
    if component:
        entry = _entry(family, str(value.get("method") or value.get("id")))
        params = {param["name"]: param["default"] for param in entry.get("params", ())}
        names = {param["name"]: param["title"] for param in entry.get("params", ())}
        value = {**value, "params": {**params, **(value["params"] or {})}}
    if component or family == "variants":
        known |= _fields(family)
    for key, part in value.items():
        if key in _NAMED_BY and place.path and (key == "name" or (component and family in _LISTED)):
            continue  # the path says it
        inner = _FAMILIES.get(key, "" if key in ("data", "training") else family)
        title = None if key in _UNSAID else titles.get(key) or _titles().get(key) or title_of(str(key))
        if key == "id":
            title = "Model" if family == "models" else None
        usual = known.get(key, _MISSING) == part
        within = key == "params"
        for found in _walk(
            part, place.inside(str(key), title, inner), params if within else {}, names if within else {}
        ):
            yield found._replace(default=True) if usual else found


def _called(item: Any, name: str, family: str) -> str:
    """A part of a list as a person knows it: its own name, else its entry's title."""
    if not isinstance(item, Mapping) or item.get("name"):
        return name
    found = _entry(family, name)
    return str(found.get("title") or name)


def _names(items: list[Any]) -> list[str]:
    """What each part is called; its place where two are called alike."""
    found = [
        next((str(item[key]) for key in _NAMED_BY if isinstance(item, Mapping) and item.get(key)), "")
        for item in items
    ]
    return [name if name and found.count(name) == 1 else str(at) for at, name in enumerate(found)]


@functools.cache
def _entry(family: str, id: str) -> Mapping[str, Any]:
    """What the catalogue says of a registry's entry; nothing where there is none."""
    return next((entry for entry in catalog().get(family, []) if entry["id"] == id), {})


@functools.cache
def _titles() -> dict[str, str]:
    """A field's name to its title in the form."""
    models = (Augmentation, TermConfig, VariantConfig, NetworkConfig, DataConfig, TrainingConfig, RunConfig)
    return {
        name: info.title or title_of(name) for model in models for name, info in model.model_fields.items()
    }


@functools.cache
def _fields(family: str) -> dict[str, Any]:
    """What the parts of a list are set to where nobody sets it."""
    if family == "methods":
        return dict(TermConfig(method="x").model_dump(mode="json"))
    if family == "variants":
        return dict(VariantConfig().model_dump(mode="json"))
    if family == "augmentations":
        return dict(Augmentation(id="x").model_dump(mode="json"))
    return {}
