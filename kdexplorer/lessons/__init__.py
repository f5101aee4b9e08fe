"""Lessons: guided walks that drive the real page. One JSON file each; the id is the file's name.

A text is written in every language: `{"en": "…", "zh": "…"}`. A step may name what it is about (`at`), open a tab, fill
the form with a preset's settings and changes (`config`), press *Distill* (`press`), set the temperature of the *Soft
targets* tab (`temperature`), and say what completes it (`until`). Nothing in a lesson is executed: these few words are all that the page understands.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kdexplorer.config import RunConfig, explain, with_values
from kdexplorer.params import ConfigError
from kdexplorer.presets import preset_config

LANGUAGES = ("en", "zh")
Tab = Literal["distill", "pictures", "attention", "softTargets", "compare"]
Place = Literal[
    "presets", "data", "networks", "distillation", "variants", "training", "button", "status", "quality", "losses",
    "verdict", "knobs", "preview", "bias", "temperature", "answers", "gradient", "similarity", "tab",
]  # fmt: skip
Text = Annotated[str, Field(min_length=2, max_length=900)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Strict):
    """One text in every language of the page."""

    en: Text
    zh: Text


class Settings(Strict):
    """What the form is filled with: a preset, and what differs from it (dotted paths)."""

    preset: str
    set: dict[str, Any] = Field(default_factory=dict)

    def config(self) -> RunConfig:
        """The complete configuration.

        Raises:
            ConfigError: there is no such preset, or a change leads to no valid run.
        """
        return with_values(preset_config(self.preset), self.set)


class LessonStep(Strict):
    """One step.

    Attributes:
        at: the part of the page that it is about; a step that presses points at *Distill* until its run has begun.
        tab: the tab that is opened with it.
        config: what the form is filled with when the learner asks for it.
        press: *Distill* is pressed with it.
        temperature: what the *Soft targets* tab shows when the step is opened.
        until: what completes the step: a run has `begun`, was evaluated (`looked`), or has `ended`.
    """

    title: Words
    text: Words
    at: Place | None = None
    tab: Tab | None = None
    config: Settings | None = None
    press: bool = False
    temperature: float | None = Field(default=None, ge=1, le=20)
    until: Literal["begun", "looked", "ended"] | None = None


class Lesson(Strict):
    """A walk of five to seven steps."""

    order: int = 99
    minutes: int = Field(ge=1, le=30)
    title: Words
    summary: Words
    steps: tuple[LessonStep, ...] = Field(min_length=5, max_length=7)

    @model_validator(mode="after")
    def _settings_are_valid(self) -> Lesson:
        for step in self.steps:
            if step.config is not None:
                step.config.config()
        return self


@functools.cache
def lessons() -> dict[str, Lesson]:
    """All lessons by id, in their order.

    Raises:
        ConfigError: a file is not a lesson; says which and why.
    """
    found = {}
    for path in Path(__file__).parent.glob("*.json"):
        try:
            found[path.stem] = Lesson.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            raise ConfigError(f"lessons/{path.name}: {explain(error)}") from None
    return dict(sorted(found.items(), key=lambda pair: (pair[1].order, pair[0])))


def lesson(id: str, language: str) -> dict[str, Any]:
    """A lesson in one language (another language's person reads English), its settings complete.

    Returns:
        {id, title, summary, minutes, steps: [{title, text, at, tab, config, press, temperature, until}]}.

    Raises:
        ConfigError: there is no such lesson.
    """
    found = lessons().get(id)
    if found is None:
        raise ConfigError(f"There is no lesson {id!r:.60}; there is: {', '.join(lessons())}.")
    spoken = language if language in LANGUAGES else "en"

    def say(words: Words) -> str:
        return str(getattr(words, spoken))

    return {
        "id": id,
        "title": say(found.title),
        "summary": say(found.summary),
        "minutes": found.minutes,
        "steps": [
            {
                "title": say(step.title),
                "text": say(step.text),
                "at": step.at,
                "tab": step.tab,
                "config": step.config and step.config.config().model_dump(mode="json"),
                "press": step.press,
                "temperature": step.temperature,
                "until": step.until,
            }
            for step in found.steps
        ],
    }
