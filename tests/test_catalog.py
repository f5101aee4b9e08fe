"""The catalogue: what the page knows of the registries without loading torch."""

import json
import subprocess
import sys
from pathlib import Path

from kdexplorer import catalog as catalog_module
from kdexplorer.catalog import FAMILIES, catalog, digest, read_registries

SHIPPED = Path(catalog_module.__file__).parent / "catalog.json"


def test_shipped_catalogue_is_current():
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    stale = "run `python -m kdexplorer.catalog`"
    assert shipped.pop("digest") == digest(), stale
    assert shipped == json.loads(json.dumps(read_registries())), stale


def test_catalogue_is_read_without_torch():
    code = (
        "import sys; from kdexplorer.catalog import catalog; catalog(); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'gradio', 'torchvision', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_stale_catalogue_is_read_again_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("KDX_HOME", str(tmp_path))
    monkeypatch.setattr(catalog_module, "_SHIPPED", tmp_path / "none.json")
    catalog_module._registries.cache_clear()
    try:
        found = catalog()
        assert [entry["id"] for entry in found["methods"]]
        assert (tmp_path / f"catalog-{digest()}.json").exists()
    finally:
        catalog_module._registries.cache_clear()


def test_every_family_is_there_and_every_number_bounded():
    found = catalog()
    assert set(found) == {*FAMILIES, "presets", "weights"}
    for family in FAMILIES:
        assert found[family], family
        for entry in found[family]:
            assert entry["title"], entry["id"]
            assert entry["summary"].endswith("."), entry["id"]
            for param in entry["params"]:
                assert param["help"], (entry["id"], param["name"])
                if param["kind"] in ("int", "float"):
                    assert param["minimum"] is not None, (entry["id"], param["name"])
                    assert param["maximum"] is not None, (entry["id"], param["name"])
                    assert param["minimum"] <= param["default"] <= param["maximum"]
