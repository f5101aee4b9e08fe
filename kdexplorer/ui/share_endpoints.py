"""What the page may ask to share a configuration, and to take one over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdexplorer.catalog import check_config
from kdexplorer.config import MAX_CODE, RunConfig
from kdexplorer.ui.answers import MAX_CONFIG, answers, config_of, text
from kdexplorer.ui.share import cli_command, python_snippet


class ShareEndpoints:
    """A configuration as a link, a command and a program; and back."""

    @answers
    def link(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{code} of a link → {config}, which holds against the registries and has no parent."""
        return _taken_over(RunConfig.from_code(text(query, "code", 10 * MAX_CODE)))

    @answers
    def read(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{text} of a config.json → {config}, as `link`."""
        return _taken_over(RunConfig.from_json(text(query, "text", MAX_CONFIG)))

    @answers
    def share(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{config} → {code, command, python, json}: the same run for others; `code` is null where it is too long."""
        config = config_of(query).model_copy(update={"parent": None})
        code = config.to_code()
        return {
            "code": code if len(code) <= MAX_CODE else None,
            "command": cli_command(config),
            "python": python_snippet(config),
            "json": config.to_json(indent=1),
        }


def _taken_over(config: RunConfig) -> dict[str, Any]:
    check_config(config)
    return {"config": config.model_copy(update={"parent": None}).model_dump(mode="json")}
