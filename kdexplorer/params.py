"""A parameter of something registered: its default, its bounds and the words that explain it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

MAX_TEXT = 1000  # characters, where a text has no `maximum` of its own
Value = bool | int | float | str


class ConfigError(ValueError):
    """A configuration that cannot run; the message says what to change."""


class Param(BaseModel):
    """One bounded parameter of a model, method, source, degradation or augmentation.

    The form draws it, the command line lists it, and every value passes `check` before it is used.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    default: Value
    help: str
    title: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Value, ...] = ()
    unit: str = ""
    log: bool = False  # a slider over decades
    live: bool = False  # may be turned while the run goes on
    advanced: bool = False

    @property
    def kind(self) -> str:
        """`choice`, `bool`, `int`, `float` or `text`."""
        if self.choices:
            return "choice"
        return {bool: "bool", int: "int", float: "float", str: "text"}[type(self.default)]

    def check(self, value: Any) -> Value:
        """Return `value` in this parameter's type.

        Raises:
            ConfigError: it has another type, is not finite or lies outside the bounds.
        """
        name = self.title or title_of(self.name)
        if self.choices:
            if value in self.choices and not isinstance(value, bool):
                return self.choices[self.choices.index(value)]
            raise ConfigError(f"{name}: choose one of {', '.join(map(str, self.choices))} (got {value!r}).")
        if self.kind == "bool":
            if isinstance(value, bool):
                return value
            raise ConfigError(f"{name}: expected true or false (got {value!r}).")
        if self.kind == "text":
            longest = int(self.maximum or MAX_TEXT)
            if isinstance(value, str) and len(value) <= longest and "\x00" not in value:
                return value
            raise ConfigError(f"{name}: expected a text of at most {longest:,} characters.")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{name}: expected a number (got {value!r}).")
        if not math.isfinite(value):
            raise ConfigError(f"{name}: expected a finite number (got {value!r}).")
        if self.kind == "int" and value != int(value):
            raise ConfigError(f"{name}: expected a whole number (got {value!r}).")
        number: int | float = int(value) if self.kind == "int" else float(value)
        low, high = self.minimum, self.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            raise ConfigError(f"{name}: must lie between {low:g} and {high:g} (got {number:g}).")
        return number

    def describe(self) -> dict[str, Any]:
        """This parameter as JSON, `kind` included."""
        return {**self.model_dump(mode="json"), "kind": self.kind, "title": self.title or title_of(self.name)}


def title_of(name: str) -> str:
    """`batch_size` → `Batch size`."""
    return name.replace("_", " ").capitalize()


def check_params(owner: str, params: Sequence[Param], values: Mapping[str, Any]) -> dict[str, Value]:
    """Return every parameter of `owner`: the given values checked, the others at their defaults.

    Raises:
        ConfigError: a value is out of bounds, or a name is unknown.
    """
    known = {param.name: param for param in params}
    for name in values:
        if name not in known:
            has = ", ".join(known) or "no parameters"
            raise ConfigError(f"{owner} has no parameter {name!r} (it has: {has}).")
    checked = {}
    for name, param in known.items():
        try:
            checked[name] = param.check(values[name]) if name in values else param.default
        except ConfigError as error:
            raise ConfigError(f"{owner}: {error}") from None
    return checked
