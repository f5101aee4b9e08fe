"""KD Explorer: `uv run app.py` opens it; a Hugging Face Space runs the same file."""

from __future__ import annotations

import sys

from kdexplorer.ui.app import build_demo, main

demo = build_demo()

if __name__ == "__main__":
    sys.exit(main(demo=demo))
