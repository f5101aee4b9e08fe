"""Export and import in a real browser; the run that came back shows in every tab."""

from __future__ import annotations

import zipfile

from playwright.sync_api import expect


def test_a_run_is_saved_and_taken_in_again(visitor, shared, tmp_path):
    person = visitor()
    page = person.visit(f"?run={shared.photos}")
    page.wait_for_function("window.kdx.live.run()?.over")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert "students/distilled.safetensors" in zipfile.ZipFile(file).namelist()
    person.show("compare")
    page.locator(".k-import input[type=file]").set_input_files(file)
    page.wait_for_function(f"window.kdx.live.run()?.over && window.kdx.live.run().id !== '{shared.photos}'")
    assert page.evaluate("document.documentElement.dataset.tab") == "distill"
    expect(page.locator(".k-delta").first).to_be_visible()
    person.show("pictures")
    expect(page.locator("#kdx-tab-pictures img").first).to_be_visible()


def test_what_is_no_export_is_refused_in_words(visitor, tmp_path):
    person = visitor()
    page = person.visit("?tab=compare")
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("../../evil.txt", "x")
    page.locator(".k-import input[type=file]").set_input_files(bad)
    expect(page.locator("#kdx-tab-compare .k-trouble").first).to_contain_text("not an exported run")


def test_an_unknown_run_cannot_be_exported(visitor, shared):
    person = visitor()
    for run in ("nonsense1", "..%2F..%2Fetc", "x" * 500):
        answer = person.context.request.get(f"{shared.url}kdx/export/{run}.zip")
        assert answer.status == 404, run
        assert "Traceback" not in answer.text()
