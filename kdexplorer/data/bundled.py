"""Files that ship inside the packages we depend on: nothing is downloaded, nothing is imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from kdexplorer.params import ConfigError


def bundled_file(package: str, path: str) -> Path:
    """The file `path` inside an installed `package`, without importing it (scikit-learn takes a second).

    Raises:
        ConfigError: the package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / path
        if file.is_file():
            return file
    raise ConfigError(f"{path} is missing from {package}: reinstall it, or choose another source.")
