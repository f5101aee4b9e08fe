"""The form as data: every field of `RunConfig` with its words and bounds, read from the config's own metadata.

The browser draws it (`static/form.js`) as a view of one configuration: what it does not show, it keeps. The same
metadata bounds every value again on the server, where `RunConfig` is validated.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from kdexplorer.catalog import catalog
from kdexplorer.config import (
    MAX_TEACHERS,
    MAX_TERMS,
    Augmentation,
    DataConfig,
    NetworkConfig,
    RunConfig,
    TeacherConfig,
    TermConfig,
    TrainingConfig,
    VariantConfig,
)
from kdexplorer.config_objective import MAX_PAIRS
from kdexplorer.params import title_of

GROUPS = ("data", "networks", "distillation", "training")
_PLACES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("data", DataConfig),
    ("training", TrainingConfig),
    ("", RunConfig),
)


def _kind(annotation: Any) -> tuple[str, list[Any]]:
    """How a field is drawn, and what can be chosen."""
    origin = get_origin(annotation)
    if origin is Literal:
        return "choice", list(get_args(annotation))
    if origin is tuple and _holds_integers(annotation):
        return "integers", []
    if origin in (types.UnionType, None) and annotation in (bool, int, float, str):
        return {bool: "bool", int: "int", float: "float", str: "text"}[annotation], []
    return "", []


def _holds_integers(annotation: Any) -> bool:
    inner = get_args(annotation)[0]
    return inner is int or (get_origin(inner) is Annotated and get_args(inner)[0] is int)


def describe_field(name: str, info: FieldInfo, path: str) -> dict[str, Any] | None:
    """A field as `Param.describe()` would put it, plus its `path` in the config; None if a form cannot draw it."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else None
    kind, choices = _kind(info.annotation)
    if extra is None or not kind:
        return None
    lows: list[Any] = [m.ge if isinstance(m, Ge) else m.gt for m in info.metadata if isinstance(m, Ge | Gt)]
    highs: list[Any] = [m.le if isinstance(m, Le) else m.lt for m in info.metadata if isinstance(m, Le | Lt)]
    low = float(lows[0]) if lows else None
    high = float(highs[0]) if highs else None
    default = list(info.default) if kind == "integers" else info.default
    return {
        "name": name,
        "path": path,
        "kind": kind,
        "title": info.title or title_of(name),
        "help": info.description or "",
        "default": default,
        "minimum": low,
        "maximum": high,
        "choices": choices,
        "unit": extra.get("unit", ""),
        "log": bool(extra.get("log")),
        "live": bool(extra.get("live")),
        "advanced": bool(extra.get("advanced")),
        "tasks": list(extra.get("tasks") or []),  # type: ignore[arg-type]
        "group": extra.get("group", ""),
    }


def _fields(model: type[BaseModel], prefix: str, group: str | None = None) -> list[dict[str, Any]]:
    found = []
    for name, info in model.model_fields.items():
        field = describe_field(name, info, f"{prefix}.{name}" if prefix else name)
        if field is not None and (group is None or field["group"] == group):
            found.append(field)
    return found


def form_schema(*, allow_paths: bool = True) -> dict[str, Any]:
    """Everything the form is drawn from, as JSON.

    `fields`: by group, with paths into the config. `parts`: the fields of what is repeated (an augmentation, a term,
    a variant, its dynamics, a network, a further teacher), with names only. `catalog`: what can be chosen, each
    preset's config complete. `most`: how many terms a variant, pairs of layers a term, and further teachers a run may
    have. `term`: one that has nothing set.
    Where `allow_paths` is false, whatever opens a path on this machine is left out.
    """
    entries = dict(catalog())
    entries["presets"] = [preset for preset in entries["presets"] if not preset.get("hidden")]
    if not allow_paths:
        entries["sources"] = [entry for entry in entries["sources"] if not entry.get("reads_paths")]
    variant = _fields(VariantConfig, "")
    return {
        "fields": {
            group: [field for prefix, model in _PLACES for field in _fields(model, prefix, group)]
            for group in GROUPS
        },
        "parts": {
            "augmentation": _fields(Augmentation, ""),
            "term": _fields(TermConfig, ""),
            "variant": [field for field in variant if field["group"]],
            "dynamics": [field for field in variant if not field["group"]],
            "network": _fields(NetworkConfig, ""),
            "teacher": [field for field in _fields(TeacherConfig, "") if field["name"] == "weight"],
        },
        "catalog": entries,
        "most": {"terms": MAX_TERMS, "pairs": MAX_PAIRS, "teachers": MAX_TEACHERS},
        "term": TermConfig(method="none").model_dump(mode="json"),
        "default": RunConfig().model_dump(mode="json"),
        "allow_paths": allow_paths,
    }
