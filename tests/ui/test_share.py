"""Settings that travel: every text gives exactly the run it came from, and nothing hostile gets in."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from kdexplorer.config import RunConfig, with_values
from kdexplorer.presets import preset_config, presets
from kdexplorer.ui.share import cli_command, python_snippet, short_dict
from kdexplorer.ui.share_endpoints import ShareEndpoints

SHARE = ShareEndpoints()
SMALL = {"training.steps": 2, "training.evaluate_every": 2, "training.batch_size": 4, "training.threads": 1}
TWO = [{"name": "a"}, {"name": "b", "terms": [{"method": "soft_targets", "params": {"temperature": 2}}]}]
NAME = 'it\'s "quoted" $HOME `ls` \\ EOF'
CONFIGS = {
    **{name: preset_config(name) for name in presets()},
    "changed": with_values(preset_config("digits_without_3"), {**SMALL, "name": NAME, "teacher": None, "variants": []}),
    "variants": with_values(preset_config("digits_without_3"), {**SMALL, "name": NAME, "variants": TWO}),
}  # fmt: skip


def code_of(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_config_comes_back_from_every_text(config: RunConfig) -> None:
    assert RunConfig.from_dict(short_dict(config)) == config
    shared = SHARE.share({"config": config.model_dump(mode="json")})
    assert SHARE.link({"code": shared["code"]})["config"] == config.model_dump(mode="json")
    assert SHARE.read({"text": shared["json"]})["config"] == config.model_dump(mode="json")
    known: dict[str, Any] = {}
    exec(python_snippet(config).split("for event")[0], known)
    assert known["config"] == config


def test_a_preset_with_a_change_is_a_short_command() -> None:
    config = with_values(preset_config("denoise"), {"training.steps": 50})
    assert cli_command(preset_config("denoise")) == "kdexplorer fit --preset denoise"
    assert cli_command(config) == "kdexplorer fit --preset denoise --set training.steps=50"


@pytest.mark.skipif(sys.platform == "win32", reason="the command is for a POSIX shell")
@pytest.mark.parametrize("name", ["changed", "variants"])
def test_the_command_trains_that_run(name: str, tmp_path: Path) -> None:
    command = f"{cli_command(CONFIGS[name])}".replace(
        "kdexplorer fit", f"{sys.executable} -m kdexplorer.cli fit --quiet"
    )
    environment = {**os.environ, "KDX_HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    from kdexplorer.runs.store import Store

    store = Store(tmp_path)
    [run] = store.runs()
    assert run.config == CONFIGS[name]
    store.close()


def test_the_program_trains_and_prints(tmp_path: Path) -> None:
    program = tmp_path / "run.py"
    program.write_text(python_snippet(CONFIGS["variants"]), encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "95 % interval" in done.stdout.splitlines()[-1] or "the same" in done.stdout.splitlines()[-1]


def test_a_parent_does_not_travel() -> None:
    forked = preset_config("denoise").model_copy(update={"parent": {"run": "abcdef12", "step": 3}})
    code = code_of(
        json.dumps(
            {**forked.model_dump(mode="json", exclude={"parent"}), "parent": {"run": "abcdef12", "step": 3}}
        )
    )
    assert SHARE.link({"code": code})["config"]["parent"] is None


HOSTILE = {
    "nothing": "",
    "not base64": "§§§§",
    "cut": preset_config("denoise").to_code()[:-9],
    "too long": "A" * 30_000,
    "far too long": "A" * 1_000_000,
    "a bomb": code_of(" " * 5_000_000),
    "no config": code_of("[1, 2]"),
    "nested": code_of("[" * 50_000),
    "unknown model": code_of(json.dumps({"student": {"id": "no_such_model"}})),
    "unknown field": code_of(json.dumps({"student": {"id": "dncnn"}, "__class__": "x"})),
    "out of bounds": code_of(json.dumps({"training": {"steps": 10**12}})),
    "not finite": code_of('{"training": {"learning_rate": NaN}}'),
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE)
def test_hostile_links_are_refused_in_words(code: str) -> None:
    answer = SHARE.link({"code": code})
    assert set(answer) == {"error"}
    assert 10 < len(answer["error"]) < 1000


@pytest.mark.parametrize("query", [None, {}, {"code": 3}, {"code": None}, {"text": ["x"]}, {"config": "x"}])
def test_no_argument_makes_them_raise(query: Any) -> None:
    for ask in (SHARE.link, SHARE.read, SHARE.share):
        assert "error" in ask(query)
