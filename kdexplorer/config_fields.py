"""What every part of a configuration is made of: bounded fields, frozen models, names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kdexplorer.params import Value

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,63}$")]
VariantName = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,31}$")
]  # no dot: knobs are <variant>.<term>.<param>
Layer = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,120}$")]
Params = dict[Annotated[str, Field(max_length=64)], Value]


def knob(
    default: Any, help: str, *, title: str = "", group: str = "", drawn: bool = True, **extra: Any
) -> Any:
    """A field with what a form needs to draw it; `ge`, `le`, `gt`, `lt` and lengths are its bounds.

    `drawn` False: its place in a form, if it has one, is made by hand.
    """
    bounds = {k: extra.pop(k) for k in ("ge", "le", "gt", "lt", "min_length", "max_length") if k in extra}
    shown = {"group": group, **extra} if drawn else None
    return Field(default, title=title or None, description=help, json_schema_extra=shown, **bounds)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Component(Frozen):
    """An entry of a registry with its parameters; those left out take their defaults."""

    id: Id
    params: Params = Field(default_factory=dict)
