"""The words a run is found by, kept in its row so that a search reads no configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def keywords(config: Mapping[str, Any]) -> str:
    """Ids of the task, data, networks and methods of a config as JSON holds it, each once, in that order.

    Whatever an older or newer version wrote, what is not there is left out.
    """
    return " ".join(dict.fromkeys(_ids(config)))


def _ids(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(config.get("task"))
    data = _mapping(config.get("data"))
    yield from _id(data.get("source"))
    for part in ("degradations", "augmentations"):
        for item in _list(data.get(part)):
            yield from _id(item)
    for role in ("teacher", "student"):
        yield from _id(config.get(role))
    for teacher in _mapping(config.get("teachers")).values():
        yield from _id(teacher)
    for variant in _list(config.get("variants")):
        yield from _text(_mapping(variant).get("name"))
        for term in _list(_mapping(variant).get("terms")):
            yield from _text(_mapping(term).get("method"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value


def _id(value: Any) -> Iterator[str]:
    yield from _text(_mapping(value).get("id"))
