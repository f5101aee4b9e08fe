"""One distillation term of a student's objective, bound to a pair of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from kdexplorer.config import FeatureNoise, LayerPair, TermConfig, VariantConfig
from kdexplorer.data.draws import generator
from kdexplorer.distillation.balance import LevelBalance
from kdexplorer.distillation.feature_noise import with_noise
from kdexplorer.distillation.method import METHODS, DoesNotFit, MethodSpec, Pair, Signals, full_precision
from kdexplorer.distillation.projection import projected, projectors
from kdexplorer.distillation.schedule import factor_at, is_active
from kdexplorer.params import ConfigError, Param, Value


class Term:
    """A method with its weight, its parameters and its learnable parts.

    Weight and live parameters are knobs: plain numbers that may change between two steps. The config stays what it
    was.

    Args:
        config: the term.
        layers: the pairs of layers that it compares, as module paths.
        pair: the shapes of outputs and of those layers' features.

    Raises:
        ConfigError: the method does not fit, or a setting does not fit the method.
    """

    def __init__(self, config: TermConfig, layers: Sequence[LayerPair], pair: Pair) -> None:
        self.spec: MethodSpec = METHODS[config.method]
        self.config, self.layers, self.heads = config, tuple(layers), pair.heads
        self.weight = config.weight
        self.params: dict[str, Value] = self.spec.check(config.params)
        self._moving = {name: self._live(name) for name in config.schedules}
        self.parts: dict[
            str, nn.Module
        ] = {}  # what is learned or kept, by the name of its place in a checkpoint
        self.pair = self._behind_projectors(pair)
        if reason := self.spec.fits(self.pair):
            raise DoesNotFit(self.spec, "this pair", reason)
        self._bind(self.pair)

    @property
    def id(self) -> str:
        return self.config.id

    def _live(self, name: str) -> Param:
        for param in self.spec.params:
            if param.name == name and param.live:
                return param
        raise ConfigError(f"{self.spec.title}: {name!r} cannot follow a schedule.")

    def _behind_projectors(self, pair: Pair) -> Pair:
        self._projectors: nn.ModuleList | None = None
        config = self.config
        if self.spec.teacher_gradient and (config.projector != "none" or config.noise != FeatureNoise()):
            raise ConfigError(
                f"{self.spec.title}: it follows gradients to the layers themselves; set the projector to none, "
                "and mask and shuffle to 0."
            )
        if self.config.projector == "none":
            return pair
        if not pair.features or self.spec.layers == "attention":
            raise ConfigError(
                f"{self.spec.title}: there are no features to project; set the projector to none."
            )
        self._projectors = projectors(self.config.projector, pair)
        self.parts[f"{self.id}:projectors"] = self._projectors
        return projected(pair)

    def _bind(self, pair: Pair) -> None:
        self.learnable: nn.Module | None = None
        self._levels: LevelBalance | None = None
        learnable = self.spec.learnable or (lambda pair, params: None)
        place = self.id if not self.config.name else f"{self.id}:method"
        if self.config.levels == "importance" and self.spec.whole:
            raise ConfigError(f"{self.spec.title}: it weighs its levels itself; set levels to equal.")
        if self.config.levels == "importance" and len(pair.features) > 1:
            each = [
                replace(pair, features=(features,), heads=pair.heads[i : i + 1])
                for i, features in enumerate(pair.features)
            ]
            self._by_level = [learnable(level, self.params) for level in each]
            self._levels = LevelBalance(len(each))
            self.parts |= {f"{place}:{i}": part for i, part in enumerate(self._by_level) if part is not None}
            self.parts[f"{self.id}:levels"] = self._levels
            return
        self.learnable = learnable(pair, self.params)
        if self.learnable is not None:
            self.parts[place] = self.learnable

    @property
    def seen(self) -> dict[str, Tensor]:
        """What its method noted at the last step beside the loss, by name; scalars on the device."""
        return dict(getattr(self.learnable, "seen", {}))

    @property
    def memory(self) -> int:
        """Bytes that a step needs for it, beyond those of the forward passes."""
        return self.spec.memory(self.pair, self.params)

    @property
    def shows(self) -> int:
        """Images that each network is shown at a step, beside the batch."""
        return self.spec.shows(self.pair, self.params)

    def is_active(self, step: int, stage: int = 0) -> bool:
        return is_active(self.config.active, step, stage)

    def weight_at(self, step: int, steps: int) -> float:
        return self.weight * factor_at(self.config.schedule, step, steps)

    def params_at(self, step: int, steps: int) -> dict[str, Value]:
        """The parameters for the update that follows `step`: those that move are held within their bounds."""
        if not self._moving:
            return self.params
        moved = dict(self.params)
        for name, param in self._moving.items():
            value = float(self.params[name]) * factor_at(self.config.schedules[name], step, steps)
            low, high = param.minimum, param.maximum
            value = value if low is None else max(value, low)
            value = value if high is None else min(value, high)
            moved[name] = round(value) if param.kind == "int" else value
        return moved

    def loss(self, signals: Signals, step: int, steps: int) -> Tensor:
        """The unweighted scalar loss of the update that follows `step`."""
        params = self.params_at(step, steps)
        signals = self._prepared(signals)
        if self._levels is None:
            return self.spec.loss(signals, params, self.learnable)
        losses = [
            self.spec.loss(
                replace(signals, features=(features,), heads=signals.heads[i : i + 1]),
                params,
                self._by_level[i],
            )
            for i, features in enumerate(signals.features)
        ]
        return self._levels.combine(losses)

    def _prepared(self, signals: Signals) -> Signals:
        features, noise = signals.features, self.config.noise
        if self._projectors is not None:
            features = tuple(
                (project(full_precision(student)), teacher)
                for project, (student, teacher) in zip(self._projectors, features, strict=True)
            )
        if (noise.mask or noise.shuffle) and features:
            draws = generator(features[0][0].device, "feature noise", self.id, signals.seed)
            features = tuple(with_noise(*pair, noise, draws) for pair in features)
        return signals if features is signals.features else replace(signals, features=features)

    def turn(self, name: str, value: float) -> None:
        if name == "weight":
            self.weight = value
        else:
            self.params[name] = int(value) if self.knobs()[name][1].kind == "int" else value

    def knobs(self) -> dict[str, tuple[float, Param]]:
        """`weight` and the live parameters: value and bounds."""
        found = {"weight": (self.weight, WEIGHT)}
        return found | {p.name: (float(self.params[p.name]), p) for p in self.spec.params if p.live}


def bounded(name: str, model: type[VariantConfig] | type[TermConfig]) -> Param:
    """A number of a config as a knob, with the config's bounds."""
    field = model.model_fields[name]
    bounds = {type(m).__name__: m for m in field.metadata}
    return Param(
        name=name, title=field.title or "", help=field.description or "", default=float(field.default),
        minimum=bounds["Ge"].ge, maximum=bounds["Le"].le, live=True,
    )  # fmt: skip


WEIGHT = bounded("weight", TermConfig)
