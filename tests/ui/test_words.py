"""No text of the page is missing, and none is left over."""

from __future__ import annotations

import re
from typing import get_args

from kdexplorer.runs.run import Status
from kdexplorer.ui.assets import STATIC
from kdexplorer.ui.words import words

SOURCES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
BUILT = ("tab.", "task.", "group.", "schedule.", "status.", "attention.", "run.", "history.", "role.", "predict.", "chart.", "verdict.", "upload.", "preview.", "compare.")  # fmt: skip


def test_every_key_that_a_script_names_has_a_text() -> None:
    named = {key for text in SOURCES.values() for key in re.findall(r"\bt\('([A-Za-z.]+)'", text)}
    assert len(named) > 100
    assert not named - set(words())


def test_keys_that_scripts_put_together_have_texts() -> None:
    expected = {f"status.{status}" for status in get_args(Status)}
    expected |= {f"group.{group}" for group in ("data", "networks", "distillation", "training")}
    expected |= {
        f"schedule.{name}{more}" for name in ("start", "end", "begin", "until") for more in ("", ".help")
    }
    expected |= {
        f"attention.{name}{more}" for name in ("cosine", "spearman", "overlap") for more in ("", ".help")
    }
    expected |= {f"run.{name}" for name in ("pause", "step", "stop", "extend", "fork", "settings", "resume")}
    prices = ("parameters", "latency_ms", "multiply_adds")
    expected |= {f"compare.{name}" for name in ("helps", "hurts", "unclear", "axis.step", "axis.seconds")}
    expected |= {
        f"compare.{name}" for name in ("name", "variant", "value", "control", "difference", "low", "high")
    }
    expected |= {f"compare.price.{name}" for name in prices}
    expected |= {f"compare.role.{name}" for name in ("teacher", "student", "control")}
    assert not expected - set(words())


def test_no_text_is_left_over() -> None:
    named = {key for text in SOURCES.values() for key in re.findall(r"'([a-z]+(?:\.[A-Za-z]+)*)'", text)}
    sentences = {key for key in words() if key[0].isupper() or " " in key}  # what the server says in English is its own key
    assert not {key for key in words() if key not in named | sentences and not key.startswith(BUILT)}


def test_nothing_is_parsed_as_html() -> None:
    for name, text in SOURCES.items():
        assert not re.search(
            r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        ), name
