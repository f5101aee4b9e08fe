"""Every method: what it matches, what it needs, and how far it is from its references.

    uv run benchmarks/proof.py [--markdown] [--json FILE]

Prints the largest relative difference to each method's references, which are those of the tests
(tests/distillation/oracles.py); with --markdown, exactly the two tables of docs/methods.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "distillation"))

from oracles import ORACLES, difference

from kdexplorer.distillation import METHODS, MethodSpec

TAPS = {
    "none": "outputs",
    "last": "the last stage",
    "middle": "the middle stage",
    "all": "all stages",
    "attention": "query, key, value of the last block",
}
CLASSES, IMAGES, MAPS = "the same classes", "images of one size", "feature maps"
FEATURES, TOKENS = "maps, tokens or vectors", "attention over as many tokens"
# Of those whose `fits` asks for one thing only; the others say it here in full.
FITS = {
    "same_logits": CLASSES,
    "same_images": IMAGES,
    "feature_maps": MAPS,
    "some_features": FEATURES,
    "same_tokens": TOKENS,
}
FROZEN = {
    "image_contrastive",
    "contrastive_regularization",
    "distribution_mapping",
}  # an encoder nobody trains
NEEDS = {
    "dist": f"{CLASSES}, 2 images a batch",
    "self_distillation": f"{CLASSES}, {MAPS}",
    "review_kd": f"{MAPS} larger than 1×1, or 2 images a batch",
    "similarity_preserving": f"{FEATURES}, 2 images a batch",
    "rkd_distance": f"{FEATURES}, 2 images a batch",
    "rkd_angle": f"{FEATURES}, 3 images a batch",
    "pkt": f"{FEATURES}, 2 images a batch",
    "crd": f"{FEATURES}, a fixed number of training images",
    "channel_wise": f"{MAPS} larger than 1×1",
    "image_contrastive": f"{IMAGES}, 2 images a batch",
    "contrastive_regularization": f"{IMAGES}, 16 pixels a side",
    "distribution_mapping": f"{IMAGES}, 16 pixels a side",
    "data_upcycling": f"{IMAGES}, super-resolution",
    "grad_cam_alignment": f"{CLASSES}, {MAPS} larger than 1×1",
}


def paper(number: str) -> str:
    """A link for an arXiv number; a venue stays what it is."""
    return f"[{number}](https://arxiv.org/abs/{number})" if number[:4].isdigit() else number


def formula(spec: MethodSpec) -> str:
    """The formula as GitHub renders it; a bar would end the table's cell."""
    text = spec.formula.replace("\\|", "\\Vert ").replace("|", "\\vert ")
    return f"$`{text}`$"


def needs(spec: MethodSpec) -> str:
    """What the pair, the data and the batch must have."""
    found = [NEEDS.get(spec.id) or FITS[spec.fits.__name__]]
    found += [f"{task} only" for task in spec.tasks]
    found += ["learns parameters"] if spec.learnable is not None and spec.id not in FROZEN else []
    found += ["the teacher's gradient"] if spec.teacher_gradient else []
    return "; ".join(found)


def weight(spec: MethodSpec) -> str:
    warm = ", warm-up" if spec.schedule == "warmup" else ""
    own = f"; restoration {spec.restoration_weight:g}" if spec.restoration_weight is not None else ""
    return f"{spec.default_weight:g}{warm}{own}"


def overview() -> list[str]:
    """The table of what each method is."""
    lines = [
        "| Method | Matches | Paper | Formula | Weight | Taps | Needs |",
        "|---|---|---|---|---|---|---|",
    ]
    for spec in METHODS:
        cells = [f"**{spec.title}** `{spec.id}`", spec.matches, paper(spec.paper), formula(spec)]
        lines.append(f"| {' | '.join([*cells, weight(spec), TAPS[spec.layers], needs(spec)])} |")
    return lines


def proof(found: dict[str, dict[str, Any]]) -> list[str]:
    """The table of how far each method is from its references."""
    lines = ["| Method | References | Largest relative difference |", "|---|---|---:|"]
    for spec in METHODS:
        seen = found[spec.id]
        far = f"{seen['difference']:.0e}" if seen["difference"] else "0"
        lines.append(f"| {spec.title} | {seen['oracle']} | {far} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/methods.md")
    parser.add_argument("--json", type=Path, help="also write {method: {oracle, difference}} here")
    args = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for spec in METHODS:
        reference, compare = ORACLES[spec.id]
        found[spec.id] = {"oracle": reference, "difference": difference(compare())}
    lines = [*overview(), "", *proof(found)] if args.markdown else proof(found)
    print("\n".join(lines))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
