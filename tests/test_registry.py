"""Registries: what is found, what is refused."""

import sys

import pytest

from kdexplorer.params import ConfigError, Param
from kdexplorer.registry import Registry, Spec


def spec(id: str) -> Spec:
    return Spec(
        id=id,
        title=id,
        summary="One.",
        params=(Param(name="size", default=3, minimum=1, maximum=9, help="."),),
    )


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An empty family whose files a test writes."""
    folder = tmp_path / "family_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [n for n in sys.modules if n.startswith("family_for_test")]:
        del sys.modules[name]


def test_a_file_in_the_family_is_found(package):
    things: Registry[Spec] = Registry("things", "family_for_test")
    sys.modules["registry_under_test"] = type(sys)("registry_under_test")
    sys.modules["registry_under_test"].THINGS = things
    sys.modules["registry_under_test"].spec = spec
    (package / "new.py").write_text("from registry_under_test import THINGS, spec\nTHINGS.add(spec('new'))\n")
    assert [thing.id for thing in things] == ["new"]
    assert "new" in things
    assert things["new"].check({}) == {"size": 3}


def test_an_import_error_is_not_swallowed(package):
    (package / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        list(Registry("things", "family_for_test"))


def test_unknown_and_duplicate_ids_are_errors(package):
    things: Registry[Spec] = Registry("things", "family_for_test")
    things.add(spec("one"))
    with pytest.raises(ValueError, match="registered twice"):
        things.add(spec("one"))
    with pytest.raises(ConfigError, match="Unknown thing 'two'; there is: one"):
        things["two"]
    with pytest.raises(ConfigError, match="one: Size: must lie between 1 and 9"):
        things["one"].check({"size": 10})
