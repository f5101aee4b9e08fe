"""The terms of the form in a real browser: methods, several of one, schedules, stages, pairs of layers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from person import RUN, Person
from playwright.sync_api import Locator, Page, expect

from kdexplorer.catalog import catalog
from kdexplorer.config import Active, RunConfig, Schedule, with_values
from kdexplorer.distillation.schedule import factor_at, is_active
from kdexplorer.presets import preset_config

PATIENCE = 120_000  # ms: who looks at the networks loads first
CONFIG = "window.kdx.form.config()"
MODULE = "document.querySelector('link[rel=modulepreload][href$=\"/{name}\"]').href"


def named(page: Page, name: str) -> Locator:
    return page.locator(f"#kdx-form [data-name='{name}']")


def fold(page: Page, key: str) -> Locator:
    """Opens a fold of the distillation group by the end of its key."""
    found = page.locator(f"#kdx-form details[data-fold$='{key}']").first
    if found.get_attribute("open") is None:
        found.locator("> summary").click()
    return found


def load(page: Page, preset: str, **changes: Any) -> None:
    config = preset_config(preset).model_dump(mode="json")
    page.evaluate("config => window.kdx.form.load(config)", {**config, **changes})


def described(page: Page) -> None:
    """Waits until the server has looked at the pair."""
    page.locator(".k-method-about", has_text="a step").first.wait_for(state="attached", timeout=PATIENCE)


def terms(page: Page) -> Any:
    return page.evaluate(f"{CONFIG}.variants[0].terms")


def test_methods_are_found_used_and_refused_with_a_reason(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    load(page, "shapes")
    described(page)
    used = page.locator(".k-terms [data-method=soft_targets]")
    link = used.locator("a.k-paper").first
    expect(link).to_have_attribute("href", "https://arxiv.org/abs/1503.02531")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert page.locator(".k-methods .k-card:visible").count() == 0

    named(page, "methods.find").fill("relational no such")
    expect(page.locator(".k-methods [role=status]")).to_have_text("No method has this word.")
    named(page, "methods.find").fill("contrast")
    crd = page.locator(".k-methods [data-method=crd]")
    expect(crd.locator(".k-method-reason")).to_contain_text("remembers every training image")
    expect(crd.locator("input")).to_be_disabled()
    named(page, "methods.find").fill("tokens")
    expect(page.locator(".k-methods .k-card:visible")).to_have_count(2)
    named(page, "methods.find").fill("1412.6550")
    hint = page.locator(".k-methods [data-method=hint]")
    expect(hint).to_contain_text("learns")
    hint.locator("input").click()
    expect(page.locator(".k-terms [data-method=hint]")).to_be_visible()
    assert RunConfig.from_dict(page.evaluate(CONFIG)).variants[0].terms[1].weight == 100

    page.evaluate("config => window.kdx.form.load(config)", {**page.evaluate(CONFIG), "teacher": None})
    expect(page.locator(".k-message")).to_contain_text("distillation terms need a teacher")


def test_a_method_can_stand_twice_and_every_formula_is_known(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    load(page, "digits_without_3")
    named(page, "another.soft_targets").click()
    expect(named(page, "soft_targets-2")).to_be_focused()
    name = page.locator(".k-terms .k-card").nth(1).locator("[data-name='term.name']")
    name.fill("Late!")
    expect(page.locator(".k-terms .k-trouble").filter(has_text="small letters")).to_be_visible()
    name.fill("")
    expect(page.locator(".k-terms .k-trouble").filter(has_text="another term")).to_be_visible()
    name.fill("late")
    name.press("Tab")
    assert [term["name"] for term in terms(page)] == ["", "late"]
    RunConfig.from_dict(page.evaluate(CONFIG))
    named(page, "remove.late").click()
    assert [term["name"] for term in terms(page)] == [""]

    fold(page, "soft_targets.why")
    expect(page.locator(".k-term-why").first).to_be_visible()
    drawn = page.evaluate(
        f"""async formulas => {{
          const {{ formula }} = await import({MODULE.format(name="formula.js")});
          return formulas.map(latex => {{
            const node = formula(latex);
            const unknown = [...node.querySelectorAll('.k-unknown')].map(each => each.textContent);
            return [Boolean(node.querySelector('math')), unknown, node.textContent.includes('\\\\')];
          }});
        }}""",
        [method["formula"] for method in catalog()["methods"]],
    )
    assert drawn == [[True, [], False]] * len(drawn)


def test_the_browser_moves_a_schedule_as_the_core_does(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    draws = random.Random(0)
    cases = []
    for kind in ("constant", "linear", "cosine", "warmup", "step"):
        for _ in range(40):
            steps, begin = draws.randint(1, 500), draws.choice([0, 0, draws.randint(0, 600)])
            schedule = Schedule(
                kind=kind, start=draws.choice([0, 1, draws.uniform(0, 5)]), end=draws.uniform(0, 5),
                begin=begin, until=draws.choice([0, draws.randint(0, 600)]),
            )  # fmt: skip
            cases.append((schedule, draws.randint(0, steps), steps))
    asked = [[schedule.model_dump(), step, steps] for schedule, step, steps in cases]
    found = page.evaluate(
        f"""async cases => {{
          const {{ factorAt }} = await import({MODULE.format(name="form_schedule_curve.js")});
          return cases.map(([schedule, step, steps]) => factorAt(schedule, step, steps));
        }}""",
        asked,
    )
    wanted = [factor_at(*case) for case in cases]
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 1e-12
    stages = [(Active(begin=2, until=5), k, 0) for k in range(7)] + [
        (Active(begin=3), k, 0) for k in range(5)
    ]
    stages += [(Active(stage=1, until_stage=until), 0, k) for until in (0, 2) for k in range(4)]
    found = page.evaluate(
        f"""async cases => {{
          const {{ isActive }} = await import({MODULE.format(name="form_schedule_curve.js")});
          return cases.map(([active, step, stage]) => isActive(active, step, stage));
        }}""",
        [[active.model_dump(), step, stage] for active, step, stage in stages],
    )
    assert found == [is_active(*stage) for stage in stages]


def test_schedules_and_stages_are_drawn_where_they_are_set(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    load(page, "shapes")
    schedules = fold(page, "soft_targets.schedules")
    named(page, "recipe.adaptive").click()
    schedules = page.locator("details[data-fold$='soft_targets.schedules']")
    expect(schedules).to_have_attribute("open", "")
    (term,) = terms(page)
    assert term["schedules"]["temperature"]["kind"] == "linear"
    heat = term["params"].get("temperature", 4)
    assert round(heat * term["schedules"]["temperature"]["end"], 2) == 1
    curve = schedules.get_by_role("img", name="Temperature")
    expect(curve).to_have_attribute("aria-label", f"Temperature: {heat} until step 0, 1 from step 600 on")
    schedules.locator("[data-name='schedule.weight']").select_option("step")
    schedules.locator("[data-name=begin]").first.fill("30")
    expect(schedules.get_by_role("img", name="Weight")).to_have_attribute(
        "aria-label", "Weight: 0 before step 30, 0.9 from there on"
    )
    named(page, "recipe.adaptive").click()
    assert terms(page)[0]["schedules"] == {}

    fold(page, ".labels")
    named(page, "recipe.hardToSoft").click()
    assert page.evaluate(f"{CONFIG}.variants[0].task_schedule.end") == 0.1
    stage = fold(page, "soft_targets.stage")
    stage.locator("[data-name=begin]").fill("200")
    expect(stage.locator("> summary")).to_contain_text("steps 200 to 600")
    expect(stage.get_by_role("img")).to_have_attribute(
        "aria-label", "Stage: Labels: the whole run; Soft targets: steps 200 to 600"
    )
    RunConfig.from_dict(page.evaluate(CONFIG))


def test_layers_are_paired_by_keyboard_and_come_back(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    load(page, "three_signals")
    described(page)
    layers = fold(page, "attention_transfer.layers")
    expect(layers.locator("> summary")).to_contain_text("3 × automatic")
    expect(layers.locator(".k-pairs-lines path")).to_have_count(3)
    first = layers.locator("[data-name='pairs.student.stage1']")
    first.focus()
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(first).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Enter")
    layers.locator("[data-name='pairs.teacher.stage1']").press("Enter")
    taps = "attention_transfer"
    own = next(term["layers"] for term in terms(page) if term["method"] == taps)
    assert own == [{"student": name, "teacher": name} for name in ("stage2", "stage3")]
    first.press("Enter")
    layers.locator("[data-name='pairs.teacher.stage3']").press("Enter")
    expect(layers.locator("> summary")).to_contain_text("3 × your choice")

    fold(page, f"{taps}.byPath")
    layers.locator("[data-name='pairs.path.student']").fill("nowhere.at.all")
    layers.locator("[data-name='pairs.path.teacher']").fill("stages.0")
    layers.locator("[data-name='pairs.add']").click()
    expect(page.locator(".k-message")).to_contain_text("has no layer 'nowhere.at.all'")
    layers.locator("[data-name='pairs.automatic']").click()
    expect(layers.locator("> summary")).to_contain_text("3 × automatic")
    layers.locator("[data-name='term.projector']").select_option("conv")
    expect(layers.locator("> summary")).to_contain_text("1 × 1 convolution")
    expect(page.locator(f".k-terms [data-method={taps}] .k-method-about")).to_contain_text("learns")
    RunConfig.from_dict(page.evaluate(CONFIG))


def test_what_is_set_here_is_what_the_run_does(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    short = {
        "training.steps": 8,
        "training.batch_size": 8,
        "training.log_every": 1,
        "training.evaluate_every": 8,
    }
    plan = {"training.threads": 1, "data.held_out": 20, "variants.0.balance": "fixed"}
    config = with_values(preset_config("three_signals"), {**short, **plan})
    page.evaluate("config => window.kdx.form.load(config)", config.model_dump(mode="json"))
    described(page)
    stage = fold(page, "hint.stage")
    stage.locator("[data-name=begin]").fill("5")
    expect(stage.locator("> summary")).to_contain_text("steps 5 to 8")
    schedules = fold(page, "soft_targets.schedules")
    schedules.locator("[data-name='schedule.weight']").select_option("step")
    schedules.locator("[data-name=begin]").first.fill("3")
    layers = fold(page, "attention_transfer.layers")
    layers.locator("[data-name='pairs.student.stage1']").press("Enter")
    layers.locator("[data-name='pairs.teacher.stage1']").press("Enter")
    expect(layers.locator("> summary")).to_contain_text("2 × your choice")
    page.locator("#kdx-distill").click()
    me.until("run.over && run.steps.length === 8")
    assert page.evaluate(f"{RUN}.status") == "finished"
    hint, soft, attention = (
        page.evaluate(f"{RUN}.losses.distilled.{term}")
        for term in ("hint", "soft_targets", "attention_transfer")
    )
    assert [value is None for value in hint[0]] == [True] * 5 + [False] * 3
    assert soft[1] == [0] * 3 + [0.5] * 5
    assert all(value > 0 for value in attention[0])
    kept = page.evaluate(f"{RUN}.config.variants[0].terms")
    pairs = next(term["layers"] for term in kept if term["method"] == "attention_transfer")
    assert [pair["student"] for pair in pairs] == ["stage2", "stage3"]
