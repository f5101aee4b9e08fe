"""No text of the page is missing, and none is left over."""

from __future__ import annotations

import re
from typing import get_args

from kdexplorer.catalog import catalog
from kdexplorer.config import FeatureNoise, Schedule, TermConfig
from kdexplorer.runs.run import Status
from kdexplorer.ui.assets import STATIC
from kdexplorer.ui.words import words

SOURCES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}


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
    prices = ("parameters", "latency_ms", "multiply_adds", "peak_bytes")
    expected |= {f"compare.{name}" for name in ("helps", "hurts", "unclear", "axis.step", "axis.seconds")}
    expected |= {
        f"compare.{name}" for name in ("name", "variant", "value", "control", "difference", "low", "high")
    }
    expected |= {f"compare.price.{name}" for name in prices}
    expected |= {f"compare.role.{name}" for name in ("teacher", "student", "control")}
    assert not expected - set(words())


def test_no_text_is_left_over() -> None:
    """A key is in use if a script names it, or puts it together: `role.${role}`."""
    scripts = "\n".join(SOURCES.values())
    named = set(re.findall(r"'([a-z]+(?:\.[A-Za-z]+)*)'", scripts))
    built = re.findall(r"`([a-z][A-Za-z]*\.(?:[A-Za-z.]|\$\{[^}]*\})*\$\{[^}]*\}[A-Za-z.]*)`", scripts)
    patterns = [re.compile(re.sub(r"\\\$\\\{.*?\\\}", "[A-Za-z_.]+", re.escape(key))) for key in built]
    # What the server says in English is its own key.
    keys = {key for key in words() if key[0].islower() and " " not in key}
    assert not {key for key in keys - named if not any(pattern.fullmatch(key) for pattern in patterns)}


def test_nothing_is_parsed_as_html() -> None:
    for name, text in SOURCES.items():
        assert not re.search(
            r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        ), name


def test_every_method_says_why_in_both_languages() -> None:
    for language in ("en", "zh"):
        texts = words(language)
        for method in catalog()["methods"]:
            parts = texts[f"why.{method['id']}"].split("\n")
            assert len(parts) == 2, method["id"]  # what the symbols mean, when it helps
            assert all(len(part) > 20 for part in parts), method["id"]
            assert method["matches"] in texts or language == "en", method["id"]


def test_what_a_term_can_be_has_words() -> None:
    kinds = get_args(Schedule.model_fields["kind"].annotation)
    expected = {f"schedule.kind.{kind}" for kind in kinds}
    for name in ("projector", "levels"):
        values = get_args(TermConfig.model_fields[name].annotation)
        expected |= {f"features.{name}", f"features.{name}.help"} | {f"features.{name}.{v}" for v in values}
    expected |= {f"features.{name}{more}" for name in FeatureNoise.model_fields for more in ("", ".help")}
    assert not expected - set(words())
