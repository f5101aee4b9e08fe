"""Every method against its references: the largest relative difference found, as a Markdown table.

    uv run benchmarks/proof.py [--json FILE]

The references are those of the tests: tests/distillation/oracles.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "distillation"))

from oracles import ORACLES, difference

from kdexplorer.distillation import METHODS


def paper(number: str) -> str:
    """A link for an arXiv number; a venue stays what it is."""
    return f"[{number}](https://arxiv.org/abs/{number})" if number[:4].isdigit() else number


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write {method: {oracle, difference}} here")
    found = {}
    args = parser.parse_args()
    print("| Method | Paper | Reference | Largest relative difference |")
    print("|---|---|---|---|")
    for spec in METHODS:
        reference, compare = ORACLES[spec.id]
        found[spec.id] = {"oracle": reference, "difference": difference(compare())}
        print(f"| {spec.title} | {paper(spec.paper)} | {reference} | {found[spec.id]['difference']:.0e} |")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
