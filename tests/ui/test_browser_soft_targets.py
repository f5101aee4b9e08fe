"""The Soft targets tab: its arithmetic against torch's, and its controls in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Browser, Page, expect

from kdexplorer.config import with_values
from kdexplorer.presets import preset_config
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store

SLIDER = "[data-name=soft-temperature]"
TEMPERATURES = (1.0, 2.5, 4.0, 20.0)

MATHS = """async ([values, students, labels, temperatures]) => {
  const address = [...document.querySelectorAll('link[rel=modulepreload]')].find(link => /softmax\\.js$/.test(link.href));
  const maths = await import(address.href);
  return temperatures.map(T => ({
    softmax: values.map(row => [...maths.softmax(row, T)]),
    logs: values.map(row => [...maths.logSoftmax(row, T)]),
    entropy: values.map(row => maths.entropy(row, T)),
    divergence: values.map((row, i) => maths.divergence(row, students[i], T)),
    gradient: values.map((row, i) => maths.gradient(row, students[i], T)),
    label: students.map((row, i) => maths.labelGradient(row, labels[i])),
    similarity: maths.similarity(values, labels, values[0].length, T).map(row => [...row]),
  }));
}"""


def run_in(home: Path, preset: str, **values: Any) -> str:
    """A short run in this process."""
    store = Store(home)
    config = with_values(
        preset_config(preset), {"training.threads": 1, **{k.replace("__", "."): v for k, v in values.items()}}
    )
    run: str = Manager(store, executor=Inline()).start(config, actor=None)
    store.close()
    return run


@pytest.fixture
def page(browser: Browser, shared: Any) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    complaints: list[str] = []
    found = context.new_page()
    found.set_default_timeout(90_000)
    found.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    yield found
    context.close()
    assert not complaints


@pytest.fixture(scope="module")
def digits(shared: Any) -> str:
    short = {"training__steps": 30, "training__evaluate_every": 15, "training__log_every": 5}
    return run_in(shared.home, "digits_without_3", **short)


def visit(page: Page, shared: Any, run: str) -> None:
    page.goto(f"{shared.url}?run={run}")
    page.get_by_role("tab", name="Soft targets").click()


def test_the_arithmetic_is_torchs(page: Page, shared: Any) -> None:
    generator = np.random.default_rng(0)
    values = np.concatenate([
        generator.normal(0, 5, (12, 6)),
        [[1e4, -1e4, 0, 1, 2, 3], [-800.0] * 6, [0, 0, 0, 0, 0, 1e300]],
    ])  # fmt: skip
    students = generator.normal(0, 3, values.shape)
    labels = np.arange(len(values)) % 5  # the sixth class has no image
    page.goto(shared.url)
    page.locator("#kdx-distill").wait_for()
    asked = [values.tolist(), students.tolist(), labels.tolist(), list(TEMPERATURES)]
    teacher, student = torch.tensor(values), torch.tensor(students, requires_grad=True)
    onehot = F.one_hot(torch.tensor(labels), 6)
    for temperature, found in zip(TEMPERATURES, page.evaluate(MATHS, asked), strict=True):
        log_p, log_q = (teacher / temperature).log_softmax(1), (student / temperature).log_softmax(1)
        p = log_p.exp()
        divergence = F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(1)
        (gradient,) = torch.autograd.grad(divergence.sum(), student)
        entropy = torch.special.entr(p).sum(1)
        rows = [p[torch.tensor(labels) == c].mean(0) for c in range(6)]
        expected = {
            "softmax": p, "logs": log_p, "entropy": entropy, "divergence": divergence.detach(),
            "gradient": gradient.norm(dim=1),
            "label": (student.detach().softmax(1) - onehot).norm(dim=1),
            "similarity": torch.stack(rows),
        }  # fmt: skip
        for name, value in expected.items():
            given = np.array(found[name], dtype=float)
            np.testing.assert_allclose(given, value.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_temperature_changes_everything_at_once(page: Page, shared: Any, digits: str) -> None:
    visit(page, shared, digits)
    slider, words = page.locator(SLIDER), page.locator(".k-soft-words")
    expect(words).to_contain_text("At T =")
    entropy = page.locator(".k-soft-numbers tbody tr").first.locator("td").nth(1)
    bars, matrix = (page.locator(f"#kdx-chart-soft-targets{part}") for part in ("", "-similarity"))
    asked: list[str | None] = []
    page.on("request", lambda request: asked.append(request.post_data))
    seen = []
    for position in (0, 60, 120):
        slider.fill(str(position))
        state = page.evaluate("window.kdx.softTargets.state()")
        logits = torch.tensor(state["networks"][0]["logits"], dtype=torch.float64)
        shares = (logits / state["temperature"]).softmax(0)
        assert entropy.inner_text() == f"{float(torch.special.entr(shares).sum()):.2f}"
        assert f"T = {state['temperature']:g}." in (bars.get_attribute("aria-label") or "")
        seen.append((words.inner_text(), bars.inner_text(), matrix.inner_text()))
    assert all(len(set(column)) == 3 for column in zip(*seen, strict=True))
    assert not [data for data in asked if data and "preview" in data]  # all of it is computed here
    assert page.evaluate("performance.getEntriesByName('kdx-temperature').length") == 1
    slider.press("ArrowLeft")
    assert 19 < page.evaluate("window.kdx.softTargets.state().temperature") < 20


def test_images_steps_and_tables(page: Page, shared: Any, digits: str) -> None:
    visit(page, shared, digits)
    chosen = page.locator(".k-soft .k-strip [aria-checked=true]")
    expect(page.locator(".k-soft-name")).to_contain_text("never shown")  # the unseen class stands in front
    chosen.focus()
    page.keyboard.press("End")
    expect(chosen).to_be_focused()
    assert page.locator(".k-soft .k-strip [tabindex='0']").count() == 1
    expect(page.locator(".k-soft-picture")).not_to_have_attribute("alt", "3")
    bars = page.locator(".k-chart-panel", has=page.locator("#kdx-chart-soft-targets"))
    bars.locator("summary").click()
    rows = bars.locator(".k-twin tbody tr")
    expect(rows).to_have_count(10)
    column = [float(cell) for cell in bars.locator(".k-twin tbody td:nth-child(2)").all_inner_texts()]
    assert sum(column) == pytest.approx(100, abs=0.01)
    scrub = page.locator(".k-soft .k-scrub")
    expect(scrub).to_contain_text("step 30")
    student = page.locator(".k-soft-numbers tbody tr").nth(1)
    before = student.inner_text()
    scrub.locator("input").fill("0")
    expect(student).not_to_have_text(before, use_inner_text=True)
    expect(page.locator(".k-soft .k-bias-words")).to_contain_text("of the 3s it never saw")
    with page.expect_download() as saved:
        bars.get_by_role("button", name="PNG").click()
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_restoration_run_says_why_there_are_none(page: Page, shared: Any) -> None:
    small = {"data__held_out": 2, "data__held_out_crop": 32, "data__patch": 16, "training__batch_size": 2}
    run = run_in(shared.home, "denoise", training__steps=2, training__evaluate_every=1, **small)
    visit(page, shared, run)
    expect(page.locator(".k-soft-head .k-ghost-text")).to_contain_text("pixels, not probabilities")
    page.get_by_role("button", name="Choose “Shapes: soft targets”").click()
    assert page.evaluate("window.kdx.form.config()") == preset_config("shapes").model_dump(mode="json")
