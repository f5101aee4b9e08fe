"""One registry for each family of things that can be added by adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from kdexplorer.params import ConfigError, Param, Value, check_params


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What every registered thing says of itself.

    Attributes:
        tasks: ids of the tasks it fits; empty means all.
        paper: arXiv number, or venue and year.
        order: where it stands in a list; those of the same order by id.
    """

    id: str
    title: str
    summary: str
    params: tuple[Param, ...] = ()
    tasks: tuple[str, ...] = ()
    paper: str = ""
    order: int = 50

    def check(self, values: Mapping[str, Any]) -> dict[str, Value]:
        """Return all parameters, checked and completed with their defaults."""
        return check_params(self.id, self.params, values)

    def describe(self) -> dict[str, Any]:
        """The declared facts as JSON; callables stay behind."""
        facts: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "params":
                facts["params"] = [param.describe() for param in self.params]
            elif isinstance(value, tuple):
                facts[field.name] = list(value)
            elif value is None or isinstance(value, str | int | float | bool | dict):
                facts[field.name] = value
        return facts


S = TypeVar("S", bound=Spec)


class Registry(Generic[S]):
    """Specs by id, found by importing every module of `package` at the first look.

    An import error or a duplicate id raises: a method that silently vanishes is worse than a crash.
    """

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self._package = package
        self._specs: dict[str, S] = {}
        self._discovered = False

    def add(self, spec: S) -> S:
        """Register `spec` and return it."""
        if spec.id in self._specs:
            raise ValueError(f"{self.name}: {spec.id!r} is registered twice")
        self._specs[spec.id] = spec
        return spec

    def _discover(self) -> None:
        if not self._discovered:
            self._discovered = True
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")

    def __getitem__(self, id: str) -> S:
        self._discover()
        try:
            return self._specs[id]
        except KeyError:
            raise ConfigError(
                f"Unknown {self.name[:-1]} {id!r}; there is: {', '.join(spec.id for spec in self)}."
            ) from None

    def __iter__(self) -> Iterator[S]:
        self._discover()
        return iter(sorted(self._specs.values(), key=lambda spec: (spec.order, spec.id)))

    def __contains__(self, id: str) -> bool:
        self._discover()
        return id in self._specs
