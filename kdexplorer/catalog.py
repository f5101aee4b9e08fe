"""Everything that can be chosen, without loading torch: the registries as JSON.

The registries' modules import torch, and the page must be up before torch is. So their descriptions are kept in
`catalog.json`, with a digest of the sources they came from. Where the digest no longer fits (somebody added a
method), a process of its own reads the registries again, and the result is kept under `KDX_HOME`.
`python -m kdexplorer.catalog` renews the file in the package.
"""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kdexplorer.config import Augmentation, Component, RunConfig, TermConfig
from kdexplorer.home import home
from kdexplorer.params import ConfigError, Param, check_params
from kdexplorer.presets import presets
from kdexplorer.weight_file import bundled_weights

Entry = dict[str, Any]

FAMILIES = ("tasks", "sources", "models", "methods", "degradations", "augmentations", "attributions")
_PACKAGE = Path(__file__).parent
_SHIPPED = _PACKAGE / "catalog.json"
_ROOMS = ("attribution", "data", "distillation", "models", "tasks", "params.py", "registry.py", "catalog.py")


def digest() -> str:
    """A digest of all sources that the registries are made of."""
    total = hashlib.sha256()
    for room in _ROOMS:
        path = _PACKAGE / room
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            total.update(f"{file.relative_to(_PACKAGE).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def read_registries() -> dict[str, list[Entry]]:
    """Describe every entry of every registry; imports torch."""
    from kdexplorer.attribution import ATTRIBUTIONS
    from kdexplorer.data import AUGMENTATIONS, DEGRADATIONS, SOURCES
    from kdexplorer.distillation import METHODS
    from kdexplorer.models import MODELS
    from kdexplorer.tasks import TASKS

    registries: Sequence[Any] = (TASKS, SOURCES, MODELS, METHODS, DEGRADATIONS, AUGMENTATIONS, ATTRIBUTIONS)
    return {r.name: [spec.describe() for spec in r] for r in registries}


def write(path: Path) -> None:
    """Read the registries and keep what they say in `path`."""
    text = json.dumps({"digest": digest(), **read_registries()}, indent=1, ensure_ascii=False)
    partial = path.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


@functools.cache
def _registries() -> dict[str, list[Entry]]:
    now = digest()
    own = home() / f"catalog-{now}.json"
    for path in (_SHIPPED, own):
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if found.pop("digest") == now:
                return found
    subprocess.run([sys.executable, "-m", "kdexplorer.catalog", str(own)], check=True)
    found = json.loads(own.read_text(encoding="utf-8"))
    del found["digest"]
    return found


def catalog() -> dict[str, list[Entry]]:
    """All families by name, each a list of entries: what its spec declares, `params` with bounds and defaults."""
    weights = [{"id": name, **card} for name, card in bundled_weights().items()]
    return {**_registries(), "presets": list(presets().values()), "weights": weights}


def entry(family: str, id: str) -> Entry:
    """One entry.

    Raises:
        ConfigError: there is none with this id.
    """
    entries = catalog()[family]
    for found in entries:
        if found["id"] == id:
            return found
    raise ConfigError(f"Unknown {family[:-1]} {id!r}; there is: {', '.join(e['id'] for e in entries)}.")


def params_of(family: str, id: str) -> tuple[Param, ...]:
    """The parameters of an entry."""
    fields = Param.model_fields
    return tuple(Param(**{k: v for k, v in p.items() if k in fields}) for p in entry(family, id)["params"])


def check_config(config: RunConfig) -> None:
    """Hold every name and parameter of a config against the registries.

    Raises:
        ConfigError: one line a problem, each with its place and what to change.
    """
    problems = list(_problems(config))
    if problems:
        raise ConfigError("\n".join(problems))


def _problems(config: RunConfig) -> Iterator[str]:
    places: list[tuple[str, str, Component]] = [("data.source", "sources", config.data.source)]
    places += [(place, "models", network) for place, network in config.networks.items()]
    places += [(f"data.degradations.{d.id}", "degradations", d) for d in config.data.degradations]
    places += [(f"data.augmentations.{a.id}", "augmentations", a) for a in config.data.augmentations]
    for variant in config.variants:
        for term in variant.terms:
            place = f"variants.{variant.name}.{term.id}"
            places.append((place, "methods", Component(id=term.method, params=term.params)))
            yield from (f"{place}.schedules: {problem}" for problem in _schedule_problems(term))
    try:
        entry("tasks", config.task)
    except ConfigError as error:
        yield f"task: {error}"
        return
    for place, family, component in places:
        try:
            facts = entry(family, component.id)
            if facts["tasks"] and config.task not in facts["tasks"]:
                yield f"{place}: {facts['title']} does not fit the task {config.task}; choose another."
                continue
            if place == "student" and facts["only_teaches"]:
                yield f"{place}: {facts['title']} can only teach; choose a network to train."
                continue
            check_params(component.id, params_of(family, component.id), component.params)
        except ConfigError as error:
            yield f"{place}: {error}"
    yield from _pair_problems(config)
    if config.task != "restoration" and config.data.degradations:
        yield f"data.degradations: the task {config.task} has none; remove them."
    ids = [a.id for a in config.data.augmentations if isinstance(a, Augmentation)]
    if len(set(ids)) < len(ids):
        yield "data.augmentations: each augmentation can be switched on once."
    for place, network in config.networks.items():
        yield from (
            f"{place}.weights: {problem}" for problem in _weight_problems(network.weights, network.id)
        )


def _pair_problems(config: RunConfig) -> Iterator[str]:
    """What stands against degradations and augmentations where degraded images are given, or are not."""
    data = config.data
    paired = any(found["paired"] for found in catalog()["sources"] if found["id"] == data.source.id)
    if config.task == "restoration" and not paired and not data.degradations:
        yield "data.degradations: choose what makes the input worse, e.g. gaussian_noise."
    if paired and data.degradations:
        yield "data.degradations: the source brings degraded images with it; remove them."
    exact = [found["id"] for found in catalog()["augmentations"] if found["exact"]]
    for chosen in data.augmentations if paired else ():
        if chosen.id not in exact:
            yield (
                f"data.augmentations.{chosen.id}: it would change clean and degraded images of a pair each in its "
                f"own way; there fit: {', '.join(exact)}."
            )


def _schedule_problems(term: TermConfig) -> Iterator[str]:
    try:
        live = [param.name for param in params_of("methods", term.method) if param.live]
    except ConfigError:
        return  # an unknown method is told once
    for name in term.schedules:
        if name not in live:
            yield f"{name!r} cannot move; of {term.method} there can: {', '.join(live) or 'none'}."


def _weight_problems(weights: str, model: str) -> Iterator[str]:
    scheme, _, name = weights.partition(":")
    bundled = bundled_weights()
    if scheme == "bundled" and name not in bundled:
        yield f"there is no bundled teacher {name!r}; there is: {', '.join(bundled) or 'none'}."
    if scheme == "bundled" and name in bundled and bundled[name]["model"] != model:
        yield f"{name} is a {bundled[name]['model']}; choose that model, or other weights."
    if scheme == "pretrained" and not entry("models", model).get("pretrained"):
        yield f"{model} has no pretrained weights; choose other weights."


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else _SHIPPED)
