"""Degradations in the form: switched on by chips, put in order, seen before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from person import Person
from PIL import Image
from playwright.sync_api import expect

from kdexplorer.config import with_values
from kdexplorer.presets import preset_config

# What it costs is measured between two looks: that shall be quick.
LIGHT = with_values(
    preset_config("denoise"),
    {
        "teacher": None,
        "variants": [],
        "training.batch_size": 1,
        "data.patch": 16,
        "data.held_out": 2,
        "data.held_out_crop": 32,
        "student.params": {"width": 8, "depth": 3},
    },
).model_dump(mode="json")
PICTURE = re.compile("^data:image/png")
CHAIN = "window.kdx.form.config().data.degradations.map(found => found.id)"


def test_degradations_are_chips_with_an_order_and_a_picture(visitor: Callable[..., Person]) -> None:
    page = visitor().visit()
    page.evaluate("config => window.kdx.form.load(config)", LIGHT)
    block = page.locator("#kdx-form .k-worse")
    image = block.locator("img").nth(1)
    expect(image).to_have_attribute("src", PICTURE)
    first = image.get_attribute("src")
    height = block.evaluate("node => node.offsetHeight")

    page.locator("#kdx-form [data-name=jpeg]").click()
    assert page.evaluate(CHAIN) == ["gaussian_noise", "jpeg"]
    page.wait_for_function("was => document.querySelectorAll('.k-worse img')[1].src !== was", arg=first)
    second = image.get_attribute("src")
    page.locator("[data-name='form.earlier.jpeg']").click()
    assert page.evaluate(CHAIN) == ["jpeg", "gaussian_noise"]
    expect(page.locator("[data-name='form.later.jpeg']")).to_be_focused()
    page.wait_for_function("was => document.querySelectorAll('.k-worse img')[1].src !== was", arg=second)

    clean = block.locator("img").first.get_attribute("src")
    page.locator("[data-name='degraded.another']").click()
    page.wait_for_function("was => document.querySelector('.k-worse img').src !== was", arg=clean)
    assert block.evaluate("node => node.offsetHeight") == height

    for name in ("jpeg", "gaussian_noise"):
        page.locator(f"#kdx-form .k-chip[data-name={name}]").click()
    expect(block.locator(".k-note")).to_have_text("Switch a degradation on to see what it does.")
    expect(page.locator("#kdx-form .k-degradation")).to_have_count(0)


def test_pairs_bring_their_degraded_images_with_them(visitor: Callable[..., Person], tmp_path: Path) -> None:
    for side, name in ((64, "clean"), (32, "degraded")):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.effect_noise((side, side), 40 * index).save(tmp_path / name / f"{index}.png")
    page = visitor().visit()
    page.evaluate("config => window.kdx.form.load(config)", LIGHT)
    form, data = page.locator("#kdx-form"), "window.kdx.form.config().data"
    expect(form.locator(".k-chip[data-name=scale]")).to_have_count(1)
    form.locator("select[data-name=source]").select_option("pair_folders")
    expect(form.locator(".k-chip[data-name=gaussian_noise]")).to_have_count(0)
    expect(form.locator(".k-chip[data-name=scale]")).to_have_count(0)
    expect(form.locator(".k-worse .k-note")).to_have_text("Name the folder of clean images.")
    form.locator("[data-name=clean_path]").fill(str(tmp_path / "clean"))
    form.locator("[data-name=degraded_path]").fill(str(tmp_path / "degraded"))
    expect(form.locator(".k-worse .k-note")).to_contain_text("set Scale to 2")
    form.locator("input[data-name=scale][value='2']").check(force=True)
    expect(form.locator(".k-worse figcaption").nth(1)).to_have_text("Degraded · 32 × 32")
    assert page.evaluate(f"{data}.degradations") == []
    assert page.evaluate(f"{data}.augmentations.map(found => found.id)") == ["flip", "rotate"]
    form.locator("select[data-name=source]").select_option("photos")
    assert page.evaluate(CHAIN) == ["gaussian_noise"]
