"""Who teaches, in the form and on the run's page: further teachers, the student itself, its peers, plateaus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from person import Person
from playwright.sync_api import Page, expect

from kdexplorer.config import RunConfig, with_values
from kdexplorer.presets import preset_config

CONFIG = "window.kdx.form.config()"
SHORT = {"training.steps": 4, "training.batch_size": 8, "training.evaluate_every": 1, "training.log_every": 1, "training.threads": 1, "data.held_out": 40}  # fmt: skip


def named(page: Page, name: str) -> Any:
    return page.locator(f"#kdx-form [data-name='{name}']")


def load(page: Page, config: RunConfig) -> None:
    page.evaluate("config => window.kdx.form.load(config)", config.model_dump(mode="json"))


def short(preset: str) -> dict[str, Any]:
    return with_values(preset_config(preset), SHORT).model_dump(mode="json")


def choices(page: Page, name: str) -> list[str]:
    found: list[str] = named(page, name).locator("option").all_text_contents()
    return found


def test_a_further_teacher_is_added_named_heard_and_removed(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    page.locator("[data-preset=digits_without_3]").click()
    assert "The mean of all teachers" not in choices(page, "teaches")
    named(page, "teachers.add").click()
    expect(page.locator(".k-further-teacher")).to_contain_text("accuracy 98.89")
    expect(page.locator(".k-warn", has_text="No term is taught by teacher-2")).to_be_visible()

    name = named(page, "teachers.teacher-2.name")
    name.fill("mean")
    expect(page.locator(".k-further-teacher .k-text .k-trouble")).to_have_text(
        "this name means somebody else: choose another"
    )
    name.fill("second")
    name.press("Tab")
    named(page, "teaches").select_option("second")
    expect(page.locator(".k-teaches .k-note")).to_contain_text("The further teacher second")
    expect(page.locator(".k-warn", has_text="No term is taught")).to_be_hidden()
    box = page.locator(".k-further-teacher input.k-number[data-name=weight]")
    box.fill("0.5")
    box.press("Tab")
    config = RunConfig.from_dict(page.evaluate(CONFIG))
    assert config.teachers["second"].weight == 0.5
    assert config.variants[0].terms[0].teacher == "second"

    named(page, "teaches").select_option("mean")
    named(page, "teachers.second.remove").click()
    expect(page.locator(".k-further-teacher")).to_have_count(0)
    assert RunConfig.from_dict(page.evaluate(CONFIG)).variants[0].terms[0].teacher == "teacher"


def test_a_run_with_two_teachers_has_its_pictures_and_its_verdict(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    me.begin(short("several_teachers"))
    me.until("run.over")
    assert page.evaluate("window.kdx.live.run().row.status") == "finished"
    assert page.evaluate("window.kdx.live.run().variants") == ["single", "mean", "each", "control"]
    expect(page.locator(".k-facts")).to_contain_text("Teacher second: Weights from bundled:digits_mlp")
    expect(page.locator(".k-verdict-words")).to_contain_text("variant")
    assert page.evaluate("window.kdx.live.run().evaluations.at(-1).teacher.accuracy") > 90


def test_students_that_teach_each_other_get_starts_of_their_own(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    mutual = preset_config("mutual_learning")
    load(page, with_values(mutual, {f"variants.{k}.own_start": False for k in range(3)}))
    expect(page.locator(".k-net.k-role-teacher")).to_contain_text(
        "the students teach themselves or each other"
    )
    assert choices(page, "teaches")[:2] == ["Its own moving average", "All other variants"]
    named(page, "variants.starts").click()
    expect(page.locator(".k-starts")).to_have_count(0)
    starts = [variant.own_start for variant in RunConfig.from_dict(page.evaluate(CONFIG)).variants]
    assert starts == [False, True, True]

    named(page, "teaches").select_option("ema")
    memory = named(page, "ema_decay")
    memory.fill("0.9")
    memory.press("Tab")
    named(page, "balance").select_option("uncertainty")
    found = RunConfig.from_dict(page.evaluate(CONFIG)).variants[0]
    assert (found.ema_decay, found.balance) == (0.9, "uncertainty")


def test_without_a_teacher_a_new_term_is_taught_by_the_student_itself(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    load(page, with_values(preset_config("self_distillation"), {"variants": [], "control": True}))
    named(page, "methods.find").fill("1905.08094")
    page.locator(".k-methods [data-method=self_distillation] input").click()
    expect(named(page, "teaches")).to_have_value("self")
    (term,) = RunConfig.from_dict(page.evaluate(CONFIG)).variants[0].terms
    assert (term.method, term.teacher) == ("self_distillation", "self")


def test_a_plateau_is_set_in_the_form_and_marked_on_the_curve(visitor: Callable[..., Person]) -> None:
    me = visitor()
    page = me.visit()
    page.locator(".k-preset-fold > summary").click()
    page.locator("[data-preset=until_it_stalls]").click()
    box = named(page, "plateau.soft_targets.stage")
    expect(box).to_have_value("1")
    patience = named(page, "patience")
    patience.fill("1")
    patience.press("Tab")
    config = with_values(
        RunConfig.from_dict(page.evaluate(CONFIG)), {**SHORT, "training.learning_rate": 1e-7}
    )
    assert config.variants[0].patience == 1
    me.begin(config.model_dump(mode="json"))
    me.until("run.over")
    turned = page.evaluate("window.kdx.live.run().knobs.map(turn => [turn.step, turn.knob, turn.new])")
    assert turned == [[2, "distilled.stage", 1]]


def test_a_checkpoint_file_becomes_the_teacher_and_the_images_follow(
    visitor: Callable[..., Person], tmp_path: Path
) -> None:
    from spandrel.architectures.DnCNN import DnCNN

    net = DnCNN(in_nc=1, out_nc=1, nc=8, nb=8, act_mode="R")
    torch.save(net.state_dict(), tmp_path / "gray.pth")
    me = visitor()
    page = me.visit()
    load(page, with_values(preset_config("sharpen"), {**SHORT, "data.held_out": 4}))
    named(page, "teacher").select_option("checkpoint")
    box = page.locator(".k-role-teacher input[type=file]")
    box.set_input_files(tmp_path / "gray.pth")
    note = page.locator(".k-role-teacher .k-note[role=status]")
    expect(note).to_have_text(
        "DnCNN: gray images, ×1, 3.66 k parameters. The images were set to gray. "
        "The degradation was set to Gaussian noise."
    )
    config = RunConfig.from_dict(page.evaluate(CONFIG))
    assert config.data.gray
    assert [each.id for each in config.data.degradations] == ["gaussian_noise"]
    begun = me.begin(page.evaluate(CONFIG))
    me.until(f"run.id === '{begun}' && run.over")
    assert page.evaluate("window.kdx.live.run().status") == "finished"
    page.evaluate("window.kdx.form.load(window.kdx.form.config())")
    expect(note).to_contain_text("DnCNN: gray images, ×1")  # also where the fields were drawn again
