"""Restoration looked at closely: local attribution maps of a marked patch, the filmstrip, spectrum and line profile."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from kdexplorer.home import preview_path
from kdexplorer.preview_pictures import addressed
from kdexplorer.ui.picture_routes import prefix_of

SPECTRUM = """async ([values, width, height]) => {
  const address = [...document.querySelectorAll('link[rel=modulepreload]')].find(link => /spectrum\\.js$/.test(link.href));
  const maths = await import(address.href);
  return maths.radialSpectrum(Float64Array.from(values), width, height);
}"""
PLACES = """() => ['.k-patch-view .k-patch', '.k-lam-maps [data-role=teacher] .k-patch'].map(place => {
  const {left, top, width} = document.querySelector(place).style;
  return [left, top, width].map(text => Math.round(parseFloat(text)));
})"""


def items(shared: Any, step: int) -> Any:
    """The images of a step, their pictures by address."""
    found = json.loads(preview_path(Path(shared.home) / "runs" / shared.photos, step).read_text())
    return addressed(found, f"{shared.url}{prefix_of(shared.photos)}")["items"]


def luma(address: str) -> np.ndarray:
    content = httpx.get(address, trust_env=False).raise_for_status().content
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(float)
    return pixels @ [0.299, 0.587, 0.114]


def radial(values: np.ndarray) -> np.ndarray:
    """The power spectrum in dB, by NumPy, averaged over rings."""
    height, width = values.shape
    window = np.outer(*(np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in (height, width)))
    size = [2 ** int(np.ceil(np.log2(n))) for n in (height, width)]
    power = np.abs(np.fft.fft2(window * (values - values.mean()), size)) ** 2 / (window**2).sum()
    bins = min(height, width) // 2
    ring = np.floor(
        2 * bins * np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None]) + 0.5
    )
    return np.array([10 * np.log10(power[ring == i].mean()) for i in range(1, bins + 1)])


def test_a_marked_patch_is_explained_for_all_networks(visitor: Any, shared: Any) -> None:
    asked: list[Any] = []
    person = visitor(locale="en-US")

    def watch(request: Any) -> None:
        data = request.post_data_json if "component_server" in request.url else None
        if data and data.get("fn_name") == "local":
            asked.append(data)

    person.page.on("request", watch)
    page: Page = person.visit(f"?run={shared.photos}&tab=attention")
    marker, maps = page.locator(".k-patch-view"), page.locator(".k-lam-maps .k-picture")
    expect(page.locator(".k-lam-maps > .k-ghost-text")).to_be_visible()
    expect(page.locator(".k-lam output")).to_have_text("16 × 16 at 40, 40")
    assert not asked  # before a patch is marked

    box = marker.bounding_box()
    assert box
    for share in (0.3, 0.7):  # the newest counts
        marker.click(position={"x": share * box["width"], "y": 0.5 * box["height"]})
    expect(maps).to_have_count(3)
    expect(maps.locator(".k-panel-name")).to_have_text(["teacher", "distilled", "control"])
    page.wait_for_function(f"(([a, b]) => a.join() === b.join())(({PLACES})())")
    assert len(asked) <= 2
    expect(page.locator(".k-lam output")).to_have_text("16 × 16 at 59, 40")
    expect(maps.nth(0).locator("dt")).to_have_text(["Diffusion index"])
    expect(maps.nth(1).locator("dt")).to_have_text(["Diffusion index", "cosine", "top 20 %"])
    for score in maps.locator("dt:text-is('Diffusion index') + dd").all_inner_texts():
        assert 0 < float(score) < 100

    distilled, teacher = (
        page.locator(f".k-lam-maps [data-role={role}] .k-over") for role in ("variant", "teacher")
    )
    before = [image.get_attribute("src") or "" for image in (distilled, teacher)]
    page.locator(".k-look .k-scrub input").fill("0")
    expect(distilled).not_to_have_attribute("src", before[0])
    expect(teacher).to_have_attribute("src", before[1])
    expect(page.locator(".k-lam-marker [role=status]")).to_contain_text(
        "step 10 · 96 × 96 pixels of the input"
    )

    marker.hover()
    box = marker.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 20 + box["width"] / 4, box["y"] + 30, steps=3)
    page.mouse.up()
    expect(page.locator(".k-lam output")).to_contain_text("24 × 24 at ")
    marker.click(position={"x": 0.7 * box["width"], "y": 0.5 * box["height"]})
    marker.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("+")
    expect(page.locator(".k-lam output")).to_have_text("30 × 30 at 51, 27")


def test_a_classifier_has_no_patch_to_mark(visitor: Any, shared: Any) -> None:
    page: Page = visitor(locale="en-US").visit(f"?run={shared.shapes}&tab=attention")
    expect(page.locator(".k-maps-panel .k-picture").first).to_be_visible()
    expect(page.locator(".k-lam")).to_be_hidden()


def test_the_filmstrip_plays_the_stored_steps(visitor: Any, shared: Any) -> None:
    person = visitor(locale="en-US", reduced_motion="reduce")
    page: Page = person.visit(f"?run={shared.photos}&tab=pictures")
    film = page.locator(".k-filmstrip")
    panels = film.locator(".k-picture")
    expect(panels).to_have_count(5)
    expect(film.locator(".k-scrub")).to_contain_text("step 20")
    slider = film.locator("input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    first = items(shared, 1)[0]["panels"][2]["metrics"]["psnr"]
    expect(panels.nth(2).locator(".k-panel-scores")).to_have_text(f"{first:.2f} dB")
    page.wait_for_timeout(900)
    expect(film.locator(".k-scrub")).to_contain_text("step 1")  # nothing plays by itself

    seen = page.evaluate(
        """async () => {
          const film = document.querySelector('.k-filmstrip');
          const label = film.querySelector('.k-scrub span');
          const seen = [label.textContent];
          new MutationObserver(() => seen.push(label.textContent)).observe(label, {childList: true, characterData: true, subtree: true});
          const button = film.querySelector('.k-play');
          button.click();
          await new Promise(done => new MutationObserver(() => button.textContent.includes('Play') && done()).observe(button, {childList: true}));
          return seen;
        }"""
    )
    folder = Path(shared.home) / "runs" / shared.photos / "previews"
    stored = sorted(int(file.stem) for file in folder.glob("????????.json"))
    assert list(dict.fromkeys(seen)) == [f"step {step}" for step in stored]
    last = items(shared, 20)[0]["panels"][2]["metrics"]["psnr"]
    expect(panels.nth(2).locator(".k-panel-scores")).to_have_text(f"{last:.2f} dB")
    zoom = "element => getComputedStyle(element).getPropertyValue('--zoom')"
    assert film.evaluate(zoom) == "2"  # the middle
    page.get_by_role("button", name="Zoom in").first.click()
    page.get_by_role("button", name="Zoom in").first.click()
    assert film.evaluate(zoom) == "4"


def test_the_spectrum_is_numpys_and_the_profile_the_pixels(visitor: Any, shared: Any) -> None:
    page: Page = visitor(locale="en-US").visit(f"?run={shared.photos}&tab=pictures")
    expect(page.locator(".k-filmstrip .k-picture")).to_have_count(5)
    signals = page.locator(".k-signals")
    assert page.evaluate("kdx.pictures.view.signals.lines.length") == 0  # nothing before it is opened

    noise = np.random.default_rng(0).normal(100, 20, (45, 70))
    found = page.evaluate(SPECTRUM, [noise.ravel().tolist(), 70, 45])
    np.testing.assert_allclose(found["decibels"], radial(noise), atol=1e-6)
    assert found["frequency"][-1] == 0.5
    assert np.mean(found["decibels"]) == pytest.approx(20 * np.log10(20), abs=1)
    wave = 50 * np.cos(2 * np.pi * 0.25 * np.arange(64))[None].repeat(64, 0)
    found = page.evaluate(SPECTRUM, [wave.ravel().tolist(), 64, 64])
    assert found["frequency"][int(np.argmax(found["decibels"]))] == pytest.approx(0.25)

    signals.locator("summary").first.click()
    page.wait_for_function("document.getElementById('kdx-chart-profile').data?.length === 5")
    signals.get_by_label("Row of the line profile").fill("7")
    pictures = [luma(panel["image"]) for panel in items(shared, 20)[0]["panels"]]
    page.wait_for_function(
        "([x, y]) => Math.abs(document.getElementById('kdx-chart-profile').data[2].y[x] - y) < 1e-6",
        arg=[3, pictures[2][7, 3]],
    )
    shown = page.evaluate("document.getElementById('kdx-chart-profile').data.map(line => [...line.y])")
    np.testing.assert_allclose(shown, [picture[7] for picture in pictures], atol=1e-6)
    drawn = page.evaluate("document.getElementById('kdx-chart-spectrum').data.map(line => [...line.y])")
    np.testing.assert_allclose(drawn, [radial(picture) for picture in pictures], atol=1e-6)
    twin = page.locator(".k-chart-panel", has=page.locator("#kdx-chart-spectrum"))
    twin.locator("summary").click()
    expect(twin.locator("thead th")).to_have_count(6)
    expect(twin.locator("tbody tr")).to_have_count(len(drawn[0]))
