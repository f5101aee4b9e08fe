"""What the page asks about a run, beyond its log, and what a run would cost; answered by the inspector process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kdexplorer.catalog import check_config, entry
from kdexplorer.params import ConfigError
from kdexplorer.runs import claims
from kdexplorer.runs.checkpoints import checkpoint_steps
from kdexplorer.runs.estimate import estimate, measured_config
from kdexplorer.runs.inspection_client import Busy, InspectionClient
from kdexplorer.runs.manager import Manager
from kdexplorer.runs.run import Run
from kdexplorer.runs.store import Store
from kdexplorer.ui.answers import answers, config_of, text, whole

SECONDS = 30.0  # for one look; twice that while a run trains
PHOTO_SECONDS = 60.0
MEASURE_SECONDS = 30.0
MAX_IMAGES = 48
MAX_PHOTO = 600_000  # pixels of a shown photo
CROWDED = "Measured beside a run that is going on: alone it will be faster."


class InspectEndpoints:
    """Looking into runs is open to everybody who knows a run's id, as its preview is."""

    def __init__(self, store: Store, manager: Manager) -> None:
        self._store, self._manager = store, manager
        self._client = InspectionClient(store.home)

    def warm(self) -> None:
        """Start the inspector before the first question; returns at once."""
        self._client.warm()

    def give_way(self) -> None:
        """A run begins: what a run would cost can be measured after it."""
        self._client.give_way()

    def close(self) -> None:
        """End the inspector; it also ends with this process."""
        self._client.close()

    @answers
    def facts(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run} → {steps, images, classes, layers, layer, algorithms, task, notes}: what there is to choose from."""
        run = self._store.run(text(query, "run", 64))
        steps = checkpoint_steps(self._store.folder(run.id))
        return {"steps": steps, **self._ask("facts", run, keep=True)}

    @answers
    def attribute(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step, image, algorithm, layer, target} → {step, title, caption, panels, alignment, inside}."""
        run, step = self._run_at(query)
        asked = _view(query)
        image = whole(query, "image", 0, 100_000)
        return {"step": step, **self._ask("attribute", run, keep=True, step=step, image=image, **asked)}

    @answers
    def align(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step, algorithm, layer, target, images} → {step, images, alignment}: means with 95 % intervals."""
        run, step = self._run_at(query)
        images = max(1, min(whole(query, "images", 16), MAX_IMAGES))
        return {"step": step, **self._ask("align", run, keep=True, step=step, images=images, **_view(query))}

    @answers
    def local(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step, image, patch: {left, top, side}, variant?} → {step, picture, size, window, counted, patch,
        panels, alignment}: local attribution maps; the patch is in pixels of the restored image."""
        run, step = self._run_at(query)
        asked = query.get("patch")
        if not isinstance(asked, Mapping):
            raise ConfigError("patch: expected an object with left, top and side.")
        patch = {name: whole(asked, name, 0, 100_000) for name in ("left", "top", "side")}
        variant = None if query.get("variant") is None else text(query, "variant", 200)
        image = whole(query, "image", 0, 100_000)
        shown = self._ask("local", run, keep=True, step=step, image=image, patch=patch, variant=variant)
        return {"step": step, **shown}

    @answers
    def restored(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step, image} → {step, name, size, panels, notes, convention}: a held-out image as it is scored, at the
        last checkpoint up to `step`."""
        run = self._store.run(text(query, "run", 64))
        steps, asked = self._steps(run), whole(query, "step")
        step = max((saved for saved in steps if saved <= asked), default=None)
        if step is None:
            raise ConfigError(f"Before step {steps[0]} no checkpoint was saved: choose a later step.")
        image = whole(query, "image", 0, 100_000)
        return {"step": step, **self._ask("restored", run, keep=True, step=step, image=image)}

    @answers
    def photo(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{run, step?, upload, degrade, ensemble?, seed?} → {step, name, size, panels, notes, convention?}."""
        run, step = self._run_at(query)
        degrade = query.get("degrade", True)
        if not isinstance(degrade, bool):
            raise ConfigError("degrade: expected true or false.")
        ensemble = query.get("ensemble", False)
        if not isinstance(ensemble, bool):
            raise ConfigError("ensemble: expected true or false.")
        most = self._manager.limits.max_pixels
        shown = self._ask(
            "photo",
            run,
            seconds=PHOTO_SECONDS,
            step=step,
            upload=text(query, "upload", 64),
            degrade=degrade,
            ensemble=ensemble,
            seed=whole(query, "seed", 0, 2**31 - 1),
            max_pixels=MAX_PHOTO if most is None else min(MAX_PHOTO, most),
        )
        return {"step": step, **shown}

    @answers
    def estimate(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{config, force?} → {seconds, step_ms, evaluate_ms, steps, memory_bytes, device, threads, notes}, or
        {reason}: a run is training (unless `force`), or it cannot be measured."""
        config = config_of(query)
        check_config(config)
        self._manager.limits.check(config)
        busy = self._training()
        if busy and query.get("force") is not True:
            return {"reason": "A run is training: measuring now would slow it down.", "busy": True}
        try:
            measured = self._client.ask(
                "measure",
                MEASURE_SECONDS,
                keep=not busy,
                still=lambda: not self._training(),  # else one that began meanwhile has slowed it down
                config=measured_config(config).model_dump(mode="json"),
                limits=self._manager.limits.model_dump(mode="json"),
            )
        except Busy:
            raise
        except ConfigError as error:
            return {"reason": str(error)}
        return {**estimate(config, measured), "notes": [CROWDED] if busy else []}

    @answers
    def degraded(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """{source, degradations, gray, draw} → {name, clean, degraded, clean_size, degraded_size}: what they do to it."""
        data = {name: query.get(name) for name in ("source", "degradations")}
        data["gray"] = query.get("gray", False)
        config = config_of({"config": {"task": "restoration", "data": data}})
        check_config(config)
        self._manager.limits.check(config)
        source = entry("sources", config.data.source.id)
        shown: dict[str, Any] = self._client.ask(
            "degraded",
            SECONDS,
            busy=self._training(),
            keep=not source.get("reads_paths"),  # a folder's images may change
            data=config.data.model_dump(mode="json"),
            draw=whole(query, "draw", 0, 2**31 - 1),
        )
        return shown

    def _ask(
        self, op: str, run: Run, *, seconds: float = SECONDS, keep: bool = False, **question: Any
    ) -> Any:
        busy = self._training()
        config = run.config.model_dump(mode="json")
        return self._client.ask(
            op, seconds * (2 if busy else 1), busy=busy, keep=keep, run=run.id, config=config, **question
        )

    def _run_at(self, query: Mapping[str, Any]) -> tuple[Run, int]:
        """The run, and the checkpoint that was asked for; its last without a step."""
        run = self._store.run(text(query, "run", 64))
        steps = self._steps(run)
        step = steps[-1] if query.get("step") is None else whole(query, "step")
        if step not in steps:
            raise ConfigError(f"step: there are checkpoints of steps {', '.join(map(str, steps))}.")
        return run, step

    def _steps(self, run: Run) -> list[int]:
        steps = checkpoint_steps(self._store.folder(run.id))
        if not steps:
            raise ConfigError("This run has no checkpoint yet: wait until it has saved one.")
        return steps

    def _training(self) -> bool:
        """Whether a run is being trained just now; a paused one leaves the machine free."""
        held = [found for found in claims.held(self._store) if found.alive]
        return any(self._store.run(found.claim.run_id).status == "running" for found in held)


def _view(query: Mapping[str, Any]) -> dict[str, Any]:
    """How to look: the algorithm (None: the task's), the layers (None: each network's own), and at what."""
    algorithm = None if query.get("algorithm") is None else text(query, "algorithm", 64)
    layer = query.get("layer") or {}
    if not isinstance(layer, Mapping):
        raise ConfigError("layer: expected an object with teacher and student.")
    layers = {role: text(layer, role, 200) if layer.get(role) else None for role in ("teacher", "student")}
    target = query.get("target", "label")
    if target not in ("label", "predicted") or isinstance(target, bool):
        target = whole(query, "target", 0, 100_000)
    return {"algorithm": algorithm, "layer": layers, "target": target}
