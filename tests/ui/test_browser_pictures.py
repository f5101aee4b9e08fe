"""The Restorations / Predictions tab over short runs: one zoom, error maps, the slider, one's own photo, matrices."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from kdexplorer.config import with_values
from kdexplorer.home import preview_path
from kdexplorer.presets import preset_config
from kdexplorer.preview_pictures import addressed
from kdexplorer.runs.executors import Inline
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.store import Store
from kdexplorer.ui.picture_routes import prefix_of

STEPS = 4
COMPARED = ".k-restorations .k-comparison > .k-pictures .k-picture"

ERRORS = """async uris => {
  const address = [...document.querySelectorAll('link[rel=modulepreload]')].find(link => /pictures_errors\\.js$/.test(link.href));
  const maths = await import(address.href);
  const [a, b] = await Promise.all(uris.map(maths.pixels));
  const found = maths.errors(a, b);
  const colors = maths.colored(Float32Array.from([0, 63.75, 255]), 3, 1, 4).data;
  return {size: [a.width, a.height], errors: [...found], mean: maths.mean(found), colors: [...colors]};
}"""
TRANSFORMS = """() => [...new Set([...document.querySelectorAll('.k-restorations .k-pixels')]
  .map(canvas => getComputedStyle(canvas).transform.split(',')[0]))]"""


def trained(home: Path, preset: str, **values: Any) -> str:
    """A short run in this process."""
    settings = {"training.threads": 1, "training.steps": STEPS, "training.evaluate_every": 2, **values}
    store = Store(home)
    run: str = Manager(store, executor=Inline()).start(
        with_values(preset_config(preset), settings), actor=None
    )
    store.close()
    return run


@pytest.fixture(scope="module")
def restored(shared: Any) -> str:
    values = {"data.held_out": 2, "data.held_out_crop": 48, "data.patch": 16, "training.batch_size": 2}
    return trained(shared.home, "denoise", **values)


@pytest.fixture(scope="module")
def classified(shared: Any) -> str:
    return trained(shared.home, "digits_without_3", **{"data.held_out": 120})


@pytest.fixture
def visit(browser: Browser, shared: Any) -> Iterator[Callable[..., Page]]:
    """Opens the tab on a run; nobody may leave with a complaint of the browser."""
    complaints: list[str] = []
    contexts = []

    def open_(run: str | None, **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{shared.url}?tab=pictures" + (f"&run={run}" if run else ""))
        page.locator(".k-pictures-tab").wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints


def kept(shared: Any, run: str, step: int, part: str = "") -> Any:
    """What the server gives: pictures by their addresses."""
    found = json.loads(preview_path(shared.home / "runs" / run, step, part).read_text())
    return addressed(found, f"{shared.url}{prefix_of(run)}")


def pixels(address: str) -> np.ndarray:
    content = httpx.get(address, trust_env=False).raise_for_status().content
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(float)


def test_all_panels_share_one_zoom_and_the_steps_can_be_scrubbed(
    visit: Callable[..., Page], shared: Any, restored: str
) -> None:
    page = visit(restored)
    panels = page.locator(COMPARED)
    expect(panels).to_have_count(5)
    expect(panels.locator(".k-panel-name")).to_have_text(
        ["input", "control", "distilled", "teacher", "target"]
    )
    first = kept(shared, restored, STEPS)["items"][0]["panels"]
    for i in range(4):
        expect(panels.nth(i).locator(".k-panel-scores")).to_contain_text(
            f"{first[i]['metrics']['psnr']:.2f} dB"
        )
    expect(page.locator(".k-convention").first).to_contain_text("PSNR on RGB, no shave")

    view = panels.nth(1).locator(".k-view")
    view.click()
    assert page.evaluate(TRANSFORMS) == ["matrix(1"]
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"({TRANSFORMS})().join() !== 'matrix(1'")
    assert len(page.evaluate(TRANSFORMS)) == 1  # all panels, and both halves of the slider
    page.keyboard.press("ArrowRight")
    assert page.evaluate("kdx.pictures.view.comparison.viewport.x") < 0
    page.keyboard.press("0")
    assert page.evaluate(TRANSFORMS) == ["matrix(1"]

    slider = page.locator(".k-pictures-head input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator(".k-pictures-head .k-scrub")).to_contain_text("step 1")
    before = kept(shared, restored, 1)["items"][0]["panels"][2]["metrics"]["psnr"]
    expect(panels.nth(2).locator(".k-panel-scores")).to_contain_text(f"{before:.2f} dB")

    page.locator(".k-restorations .k-strip button").nth(1).click()
    other = kept(shared, restored, 1)["items"][1]
    expect(page.locator(".k-picture-name")).to_have_text(other["name"])
    expect(panels.nth(0).locator(".k-panel-scores")).to_contain_text(
        f"{other['panels'][0]['metrics']['psnr']:.2f}"
    )
    expect(page.locator(".k-scores-table tbody tr")).to_have_count(len(kept(shared, restored, 1)["items"]))


def test_error_maps_are_the_difference_of_the_pixels(
    visit: Callable[..., Page], shared: Any, restored: str
) -> None:
    page = visit(restored)
    panels = kept(shared, restored, STEPS)["items"][0]["panels"]
    student, target = panels[2]["image"], panels[4]["image"]
    expected = np.abs(pixels(student) - pixels(target)).mean(axis=2)
    found = page.evaluate(ERRORS, [student, target])
    assert found["size"] == list(expected.shape[::-1])
    np.testing.assert_allclose(np.array(found["errors"]).reshape(expected.shape), expected, atol=1e-4)
    assert found["colors"][:4] == [0, 34, 78, 255]
    assert found["colors"][4:8] == found["colors"][8:12] == [254, 232, 56, 255]

    page.get_by_role("button", name="Error maps").first.click()
    shown = page.locator(COMPARED)
    expect(shown.nth(2).locator(".k-panel-scores")).to_have_text(f"mean error {expected.mean():.2f}")
    expect(page.locator(".k-error-scale").first).to_contain_text("63.8 / 255")
    page.locator(".k-error-tools select").first.select_option("1")
    expect(page.locator(".k-error-scale").first).to_contain_text("255 / 255")
    page.get_by_role("button", name="Pictures", exact=True).first.click()
    expect(shown.nth(2).locator(".k-panel-scores")).to_contain_text("dB")
    drawn = page.evaluate(
        """() => { const canvas = document.querySelectorAll('.k-restorations .k-picture canvas')[2];
          return [...canvas.getContext('2d').getImageData(0, 0, 2, 1).data]; }"""
    )
    assert drawn == [*pixels(student)[0, 0], 255, *pixels(student)[0, 1], 255]


def test_the_slider_works_by_keyboard_and_takes_any_two(visit: Callable[..., Page], restored: str) -> None:
    page = visit(restored)
    line = page.locator(".k-restorations .k-split")
    line.focus()
    page.keyboard.press("End")
    expect(line).to_have_attribute("aria-valuenow", "100")
    page.keyboard.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuetext", re.compile("98 % input, the rest distilled"))
    page.get_by_label("Right of the line").first.select_option(label="target")
    expect(line).to_have_attribute("aria-valuetext", re.compile("the rest target"))
    box = page.locator(".k-restorations .k-before-after").bounding_box()
    assert box
    handle = line.bounding_box()
    assert handle
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, handle["y"] + 30, steps=4)
    page.mouse.up()
    expect(line).to_have_attribute("aria-valuenow", re.compile("2[456]"))


def test_a_photo_of_ones_own_goes_through_all_networks(
    visit: Callable[..., Page], restored: str, tmp_path: Path
) -> None:
    photo, broken = tmp_path / "mine.png", tmp_path / "broken.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)).save(photo)
    broken.write_text("no image")
    page = visit(restored)
    mine = page.locator(".k-own-photo")
    chooser = mine.locator("input[type=file]")
    expect(mine).to_be_visible()  # it is there once the first pictures are
    chooser.set_input_files(broken)
    expect(mine.locator(".k-trouble")).to_contain_text("no image that can be read")
    chooser.set_input_files(photo)
    panels = mine.locator(".k-pictures .k-picture")
    expect(panels).to_have_count(5)
    expect(panels.nth(2).locator(".k-panel-scores")).to_contain_text("dB")
    expect(mine.locator("[role=status]").first).to_have_text("mine.png · 56 × 40")
    with page.expect_download() as saved:
        panels.nth(4).locator(".k-save").click()
    assert np.array_equal(
        np.asarray(Image.open(saved.value.path()).convert("RGB")), np.asarray(Image.open(photo))
    )
    mine.get_by_role("button", name="Take it as it is").click()
    expect(panels).to_have_count(4)
    expect(mine.get_by_role("button", name="Error maps")).to_be_disabled()


def test_every_scored_image_is_listed_and_shown_when_it_is_pressed(
    visit: Callable[..., Page], shared: Any
) -> None:
    run = shared.photos
    scores = kept(shared, run, 20, "scores")
    psnr = scores["metrics"]["psnr"]
    gains = np.array(psnr["distilled"]) - np.array(psnr["control"])
    page = visit(run)
    table = page.locator(".k-image-scores")
    rows = table.locator("tbody tr")
    expect(rows.locator("th")).to_have_text(scores["names"])
    expect(rows.first.locator("td")).to_have_text(
        [f"{gains[0]:+.3f}".replace("-", "−")]
        + [f"{psnr[name][0]:.2f}" for name in ("input", "control", "distilled", "teacher")]
    )
    head = table.locator("th[scope=col]").nth(1)
    head.get_by_role("button", name="− control").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    ordered = [scores["names"][i] for i in np.argsort(-gains, kind="stable")]
    expect(rows.locator("th")).to_have_text(ordered)
    mean = table.locator(".k-scores-mean")
    expect(mean).to_contain_text("95 % interval over images")
    wrap = page.locator(".k-image-scores .k-table-wrap")
    assert wrap.evaluate("wrap => wrap.scrollWidth <= wrap.clientWidth")  # the teacher's column is in sight
    table.get_by_role("button", name="SSIM").click()
    ssim = scores["metrics"]["ssim"]
    expect(mean).to_contain_text(f"control {np.mean(ssim['control']):.4f}")
    expect(mean).to_contain_text("95 % interval over images")
    table.get_by_role("button", name="PSNR").click()

    table.get_by_role("button", name="Worst image").click()
    worst = int(np.argmin(gains))
    expect(page.locator(".k-picture-name")).to_have_text(scores["names"][worst])
    expect(page.locator(".k-picture-state")).to_contain_text("As it is scored, 96 × 96 pixels")
    shown = page.locator(COMPARED).nth(2).locator(".k-panel-scores")
    expect(shown).to_contain_text(f"{psnr['distilled'][worst]:.2f}")  # the run's last step has a checkpoint
    expect(table.locator("tr[data-chosen] th")).to_have_text(scores["names"][worst])
    page.keyboard.press("Tab")
    table.locator("tr[data-chosen] button").focus()
    page.keyboard.press("Home")
    expect(page.locator(".k-picture-name")).to_have_text(ordered[0])
    expect(rows.first.locator("button")).to_be_focused()
    with page.expect_download() as saved:
        table.get_by_role("button", name="CSV").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0].startswith("image,psnr_input,psnr_control,psnr_distilled,psnr_teacher,ssim_input")
    assert [line.partition(",")[0] for line in lines[1:]] == ordered
    page.locator(".k-restorations .k-strip button").first.click()
    expect(page.locator(".k-picture-state")).to_contain_text("A larger crop to look at")
    expect(table.locator("tr[data-chosen]")).to_have_count(0)


def test_a_busy_inspector_is_asked_again_and_an_older_run_lists_its_preview(
    visit: Callable[..., Page], shared: Any, restored: str, tmp_path: Path
) -> None:
    preview_path(shared.home / "runs" / restored, 1, "scores").unlink(missing_ok=True)
    page = visit(restored)
    page.locator(".k-image-scores").wait_for()
    page.locator(".k-pictures-head input[type=range]").focus()
    page.keyboard.press("Home")
    expect(page.locator(".k-scores-table tbody tr")).to_have_count(4)

    photo, mine = tmp_path / "mine.png", page.locator(".k-own-photo")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)).save(photo)
    page.evaluate(
        """() => { const photo = kdx.pictures.photo; const ask = photo.server.photo; window.asked = [];
          photo.server = { ...photo.server, photo: async query => {
            window.asked.push(query.ensemble);
            return window.asked.length < 2 ? { error: 'busy', again: true } : ask(query); } }; }"""
    )
    mine.get_by_role("button", name="Self-ensemble ×8").click()
    mine.locator("input[type=file]").set_input_files(photo)
    expect(mine.locator(".k-pictures .k-picture")).to_have_count(5)
    expect(mine).to_contain_text("the mean over the eight flips and turns")
    assert page.evaluate("window.asked") == [True, True]


def test_predictions_say_who_confuses_what_and_who_is_right(
    visit: Callable[..., Page], shared: Any, classified: str
) -> None:
    page = visit(classified)
    scores = kept(shared, classified, STEPS, "scores")
    matrices = page.locator(".k-confusion")
    expect(matrices).to_have_count(3)
    expect(matrices.locator("h3")).to_have_text(["teacher", "distilled", "control"])
    matrices.nth(1).locator("summary").click()
    rows = matrices.nth(1).locator("tbody tr")
    expect(rows).to_have_count(10)
    cells = [[int(cell) for cell in row.split("\t")[1:]] for row in rows.all_inner_texts()]
    assert cells == scores["confusion"]["distilled"]

    pair = scores["pairs"]["distilled"]
    expect(page.locator(".k-disagree-words")).to_contain_text(
        f"disagree on {pair['total']} of 120 images: distilled is right on {pair['right']}"
    )
    expect(page.locator(".k-disagreement")).to_have_count(len(scores["disagreements"]))
    right = [d for d in scores["disagreements"] if d["says"]["distilled"] == d["label"]]
    page.locator(".k-disagree-panel .k-segment").nth(1).click()
    expect(page.locator(".k-disagreement")).to_have_count(len(right))

    beliefs = page.locator(".k-belief-line .k-chart-panel")
    expect(beliefs.locator(".k-plot")).to_have_attribute("aria-label", re.compile("teacher: 3 "))
    page.locator(".k-predictions .k-strip button").nth(1).focus()
    page.wait_for_function("document.getElementById('kdx-chart-per-class').data?.length === 3")
    excluded = page.evaluate("document.getElementById('kdx-chart-per-class').layout.shapes[0].x0")
    assert excluded == 2.5
    names = page.evaluate("document.getElementById('kdx-chart-per-class').data.map(trace => trace.name)")
    assert names == ["teacher", "distilled", "control"]


def test_without_a_run_it_says_what_to_press_and_a_phone_never_scrolls_sideways(
    visit: Callable[..., Page], restored: str
) -> None:
    page = visit(None)
    expect(page.locator(".k-pictures-empty")).to_contain_text("Press Distill")
    phone = visit(restored, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    phone.locator(COMPARED).nth(4).wait_for()
    assert phone.evaluate("document.getElementById('kdx-pictures').scrollWidth") <= 390
