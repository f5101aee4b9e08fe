"""The tables of docs/methods.md are those that the benchmarks print."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kdexplorer.distillation import METHODS

ROOT = Path(__file__).parents[2]


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def test_every_method_is_in_the_docs_as_it_is_registered() -> None:
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    assert "\n".join(benchmark("proof").overview()) in text


def test_every_method_is_in_the_proof_and_none_is_further_than_rounding() -> None:
    text = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    proof = benchmark("proof")
    oracles = {id: {"oracle": reference, "difference": 0} for id, (reference, _) in proof.ORACLES.items()}
    for spec, row in zip(METHODS, proof.proof(oracles)[2:], strict=True):
        start = row.rpartition(" 0 |")[0]
        written = next((line for line in text.splitlines() if line.startswith(start)), None)
        assert written, spec.id
        assert float(written.split("|")[-2]) < 1e-12


def test_an_interval_over_seeds_is_a_t_interval() -> None:
    interval = benchmark("methods_table").interval
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.303 / 3**0.5, rel=1e-4)


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    tables = benchmark("methods_table")
    file = tmp_path / "methods.jsonl"
    gain = {"kind": "gain", "setting": "shapes", "steps": 3, "method": "hint", "value": 51.0, "control": 50.0}
    tables.Log(file).add(**gain, seed=0, difference=1.0)
    tables.Log(file).add(**gain, seed=1, difference=3.0)
    log = tables.Log(file)
    log.add(kind="time", setting="shapes", method="hint", ratio=1.25)
    log.add(kind="memory", setting="shapes", method="hint", ratio=1.5)
    log.add(kind="refused", setting="shapes", method="vid", reason="no maps")
    assert [cell["seed"] for cell in tables.Log(file).find(kind="gain", method="hint")] == [0, 1]
    text = tables.table(tables.Log(file), "shapes", 3, {"hint": "FitNets hint", "vid": "VID"})
    assert "| FitNets hint | +2.00 | −10.71 … +14.71 | ×1.25 | ×1.50 |" in text
    assert "2 seeds, control 50.0 %" in text
    assert "- VID: no maps" in text
    assert "Nothing" in tables.table(log, "denoise", 3, {"hint": "FitNets hint"})
