"""How the page's server functions answer: JSON, every problem an `error` in words; nothing raises.

Anyone who knows the address can call them, with anything: each checks its arguments with the functions here.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from kdexplorer.config import RunConfig, explain
from kdexplorer.params import ConfigError
from kdexplorer.runs.inspection_client import Busy

log = logging.getLogger(__name__)
MAX_CONFIG = 200_000  # characters
T = TypeVar("T", bound=Callable[..., dict[str, Any]])


def answers(method: T) -> T:
    """Turn whatever goes wrong into `{"error": what to do}`, with `again` where asking again soon may do."""

    @functools.wraps(method)
    def call(self: Any, query: Any) -> dict[str, Any]:
        try:
            if not isinstance(query, Mapping):
                raise ConfigError("Expected a JSON object.")
            return method(self, query)
        except ValidationError as error:
            return {"error": explain(error)}
        except Busy as error:
            return {"error": str(error), "again": True}
        except ConfigError as error:
            return {"error": str(error)}
        except Exception:
            log.exception("%s failed", method.__name__)
            return {"error": "The server could not do this; its log says why. Try again, or reload the page."}

    return call  # type: ignore[return-value]


def text(query: Mapping[str, Any], key: str, limit: int = 200) -> str:
    """A text of at most `limit` characters; raises ConfigError otherwise."""
    value = query.get(key)
    if not isinstance(value, str) or len(value) > limit or "\x00" in value:
        raise ConfigError(f"{key}: expected a text of at most {limit:,} characters.")
    return value


def whole(query: Mapping[str, Any], key: str, default: int = 0, limit: int = 2**53) -> int:
    """A whole number from 0 to `limit`; raises ConfigError otherwise."""
    value = query.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
        raise ConfigError(f"{key}: expected a whole number from 0 to {limit:,}.")
    return value


def config_of(query: Mapping[str, Any]) -> RunConfig:
    """The form's configuration, validated."""
    values = query.get("config")
    if not isinstance(values, Mapping) or len(json.dumps(values, default=str)) > MAX_CONFIG:
        raise ConfigError("config: expected a run's configuration.")
    return RunConfig.from_dict(dict(values))


def token_of(query: Mapping[str, Any]) -> str:
    """The browser's secret, which makes it the owner of what it starts; raises ConfigError without one."""
    token = text(query, "token", 200)
    if len(token) < 16:
        raise ConfigError(
            "This browser has no identity yet: allow this page to keep site data, and reload it."
        )
    return token
