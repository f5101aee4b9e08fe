"""A run's networks in numbers, before anything is trained."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Mapping
from typing import Any

from kdexplorer.config import LayerPair, NetworkConfig, RunConfig
from kdexplorer.distillation.pairing import pair_with_itself, propose_attention, propose_pairs
from kdexplorer.models import ModelIO
from kdexplorer.models.build import count_parameters, read_facts
from kdexplorer.models.weights import other_io
from kdexplorer.params import ConfigError
from kdexplorer.tasks import TASKS
from kdexplorer.training.binding import Binder
from kdexplorer.training.offers import appraise, offers
from kdexplorer.training.outline import Outline, outline
from kdexplorer.weight_file import bundled_weights

KINDS = ("last", "middle", "all", "attention")


def sizes(config: RunConfig) -> dict[str, Any]:
    """Parameter counts of all networks, and how many times smaller than the teacher the student is.

    Returns:
        {"teacher": {"model", "parameters"} or None, "student": …, "teachers.<name>": …,
        "compression": float or None, "problems": [str], "reads": {place: what `read_facts` says of its file}}
    """
    problems: list[str] = []

    def count(network: NetworkConfig, place: str, io: ModelIO) -> dict[str, Any] | None:
        try:
            parameters, facts = count_parameters(network, io), read_facts(network)
            scheme, _, name = network.weights.partition(":")
            card = bundled_weights().get(name) if scheme == "bundled" else None
            if card and (problem := other_io(card, io)):
                problems.append(f"{place}.weights: {name} {problem}: choose other weights.")
            return {"model": facts["architecture"] if facts else network.id, "parameters": parameters}
        except ConfigError as error:
            problems.append(f"{place}: {error}")
            return None

    try:
        io = TASKS[config.task].io_of(config)
    except ConfigError as error:
        return {"teacher": None, "student": None, "compression": None, "problems": [str(error)], "reads": {}}
    found = {place: count(network, place, io) for place, network in config.networks.items()}
    teacher, student = found.get("teacher"), found["student"]
    try:
        TASKS[config.task].check_run(config)
    except ConfigError as error:
        problems.append(str(error))
    ratio = teacher["parameters"] / max(student["parameters"], 1) if teacher and student else None
    return {"teacher": teacher, **found, "compression": ratio, "problems": problems, "reads": _reads(config)}


def _reads(config: RunConfig) -> dict[str, Any]:
    """What the files of networks say of them, also where they do not fit the run: the form can follow them."""
    found = {}
    for place, network in config.networks.items():
        with contextlib.suppress(ConfigError):  # one of the problems already
            if facts := read_facts(network):
                found[place] = facts
    return found


def describe(config: RunConfig) -> dict[str, Any]:
    """As `sizes`, with the layers that can be tapped, how they are paired when nobody says, and what methods fit.

    Returns:
        also {"stages": {place: [{"name", "path", "shape"}]}, "attention": {place: [{"name", "path", "heads"}]},
        "pairing": {"teacher", "teachers.<name>" or "self": {kind of layers: [{"student", "teacher"}]}}}, where the
        kinds are those of `MethodSpec.layers`; and where all networks can be built
        {"methods": {id: facts}, "terms": {variant: {term: facts}}}, see `kdexplorer.training.offers`. A term that
        does not fit is one of the problems.
    """
    found = sizes(config)
    outlines = {
        place: _outline(network, config) for place, network in config.networks.items() if found.get(place)
    }
    student = outlines.get("student")
    pairing: dict[str, Any] = {}
    if student is not None:
        taught = {place: seen for place, seen in outlines.items() if place != "student"}
        pairing = {place: _pairing(student, seen) for place, seen in taught.items()}
        own = [*student.network.stages]
        pairing["self"] = {kind: _listed(pair_with_itself(own, kind)) for kind in KINDS[:-1]}
    seen = {
        "stages": {
            place: [
                {"name": name, "path": seen.network.stages[name], "shape": list(shape)}
                for name, shape in seen.stages().items()
            ]
            for place, seen in outlines.items()
        },
        "attention": {
            place: [
                {"name": n, "path": path, "heads": heads}
                for n, (path, heads) in seen.network.attention.items()
            ]
            for place, seen in outlines.items()
        },
        "pairing": pairing,
    }
    whole = outlines.keys() == config.networks.keys()
    return {**found, **seen, **(_terms(config, outlines, found["problems"]) if whole else {})}


def _terms(config: RunConfig, outlines: Mapping[str, Outline], problems: list[str]) -> dict[str, Any]:
    """What methods and terms are for these networks; what refuses a term is added to `problems`."""
    task = TASKS[config.task]
    binder = Binder(
        config,
        outlines["student"],
        {place.removeprefix("teachers."): seen for place, seen in outlines.items() if place != "student"},
        scale=task.io_of(config).scale,
        samples=task.samples_of(config),
    )
    terms = {
        variant.name: {term.id: appraise(binder, variant.name, term) for term in variant.terms}
        for variant in config.variants
    }
    for variant, found in terms.items():
        problems += [
            f"variants.{variant}.{term}: {facts['problem']}"
            for term, facts in found.items()
            if facts["problem"]
        ]
    return {"methods": offers(config, binder), "terms": terms}


def _pairing(student: Outline, teacher: Outline) -> dict[str, list[dict[str, str]]]:
    stages, taught = student.stages(), teacher.stages()
    found = {kind: _listed(propose_pairs(stages, taught, kind)) for kind in KINDS[:-1]}
    blocks = propose_attention([*student.network.attention], [*teacher.network.attention])
    return {**found, "attention": _listed(blocks)}


def _listed(pairs: tuple[LayerPair, ...]) -> list[dict[str, str]]:
    return [pair.model_dump() for pair in pairs]


def _outline(network: NetworkConfig, config: RunConfig) -> Outline:
    io = TASKS[config.task].io_of(config)
    facts = read_facts(network)
    weights = network.weights if facts else "none"  # of others, only the shapes count
    params = json.dumps(dict(network.params), sort_keys=True)
    return _outline_of(network.id, params, weights, json.dumps(facts), io, io.size or config.data.patch)


@functools.lru_cache(maxsize=32)
def _outline_of(id: str, params: str, weights: str, facts: str, io: ModelIO, side: int) -> Outline:
    """`facts` are those of the file: another one of the same name is looked at again."""
    values: Mapping[str, Any] = json.loads(params)
    return outline(NetworkConfig(id=id, params=dict(values), weights=weights), io, side)
