"""One description of a run: flags of `mixnas search` build one, files in `studies/` are one, the store keeps it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from mixnas import catalog
from mixnas.data import dataset, datasets_for
from mixnas.errors import ConfigError, UsageError
from mixnas.objectives import Objective, default_objectives, parse_objectives
from mixnas.printable import printable
from mixnas.recipe import RECIPES, Recipe
from mixnas.records import Task

_RECIPE_FIELDS = {f.name for f in fields(Recipe)}
_HOW = "it has to be what `mixnas search` stores: see mixnas.study.StudySpec"

DEFAULT_STORAGE = "sqlite:///mixnas.db"


@dataclass(frozen=True)
class StudySpec:
    """What to search, on which data, for what, how long and how.

    Filled in where they are left empty: `task` from the data set, `dataset` from the task (`digits` from neither),
    `objectives` from the task (its main metric and `params`). `epochs=0` takes the data set's own default; an empty
    `name` becomes `<space>-<dataset>-<objectives>`.
    """

    space: str
    """A name in `search_spaces/`, or a path to a space file."""
    objectives: tuple[str, ...] = ()
    dataset: str = ""
    task: Task | Literal[""] = ""
    name: str = ""
    trials: int = 40
    """Finished trainings asked for, over all runs of the study together."""
    epochs: int = 0
    seed: int = 0
    """Seeds the proposals and every training."""
    split_seed: int = 0
    """Cuts the validation part from the training data."""
    sampler: str = "auto"
    constraints: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    """Models from outside the space to train beside it: published names, `timm:NAME`, config files."""
    recipe: Recipe = field(default_factory=lambda: RECIPES["small"])
    evaluator: str = "train"
    data_dir: str | None = None
    early_stopping: str = "none"
    """`none` or `mo-asha`."""
    rungs: tuple[int, ...] = ()
    """Epochs at which trials pause; empty lays them out from `epochs`."""
    reduction: float = 3.0
    """One of so many trials is promoted to the next rung."""
    min_full: int = 0
    """Full trainings that there are at least; 0 takes a tenth of the trials, 5 at least."""
    trial_timeout: float = 0.0
    """Seconds that one go at a trial may take; 0 waits for ever."""
    retries: int = 1
    """How often a trial whose worker is lost is tried again."""
    seeds: int = 1
    """Trainings of each member of the front and of what is near it, that of the search included; the others come at the
    end."""

    def __post_init__(self) -> None:
        self._fill_in()
        object.__setattr__(self, "objectives", tuple(o.name for o in self.resolved_objectives))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        object.__setattr__(self, "baselines", tuple(self.baselines))
        object.__setattr__(self, "rungs", tuple(self.rungs))
        if self.trials < 1:
            raise UsageError(f"--trials {self.trials} is not a number of trials", hint="ask for at least 1")
        if self.epochs < 0:
            raise UsageError(f"--epochs {self.epochs} must be at least 1")
        if not math.isfinite(self.reduction):
            raise UsageError(f"--reduction {self.reduction} is not a number", hint="3, say")
        if not 0 <= self.trial_timeout < float("inf"):
            raise UsageError(f"--trial-timeout {self.trial_timeout:g} is not a number of seconds", hint="600, say")
        if self.retries < 0:
            raise UsageError(f"--retries {self.retries} is not a number of times", hint="0 tries every trial once")
        if self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds} is not a number of seeds", hint="3 is a good start, 1 does without")

    def _fill_in(self) -> None:
        known = datasets_for(self.task or "classification")
        if not self.dataset:
            object.__setattr__(self, "dataset", known[0])
        if not self.task:
            object.__setattr__(self, "task", dataset(self.dataset).problem.task)
        if not self.objectives:
            object.__setattr__(self, "objectives", default_objectives(self.task))

    @property
    def resolved_objectives(self) -> tuple[Objective, ...]:
        """The records of its objectives, in order."""
        return parse_objectives(",".join(self.objectives), self.task)

    def named(self) -> StudySpec:
        """The same spec with its name filled in."""
        if self.name:
            return self
        space, data = Path(self.space).stem, Path(self.dataset.partition("@")[0]).stem
        return replace(self, name=f"{space}-{data}-{'-'.join(self.objectives)}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the store."""
        data = asdict(self)
        data["objectives"] = list(self.objectives)
        data["constraints"] = list(self.constraints)
        data["baselines"] = list(self.baselines)
        data["rungs"] = list(self.rungs)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StudySpec:
        """The inverse of `to_dict`; keys that are no fields are left out.

        Raises:
            ConfigError: a field is missing or has the wrong type.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            values = {k: v for k, v in data.items() if k in cls.__dataclass_fields__}
            if isinstance(recipe := values.get("recipe"), Mapping):
                Recipe.from_dict({str(name): value for name, value in recipe.items() if name not in _RECIPE_FIELDS})
            return TypeAdapter(cls).validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "it"
            value = printable(repr(first["input"]))
            raise ConfigError(f"not a study: {place}: {first['msg'].lower()}, found {value}", hint=_HOW) from error
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"not a study: {printable(str(error))}", hint=_HOW) from error


IDENTITY = (
    "kind",
    "space_json",
    "objectives",
    "dataset",
    "task",
    "epochs",
    "seed",
    "split_seed",
    "constraints",
    "recipe",
    "evaluator",
    "early_stopping",
    "rungs",
    "reduction",
)
"""What must be equal for a run to go on with a study of the same name."""


LATER: Mapping[str, Any] = {"early_stopping": "none", "rungs": [], "reduction": 3.0}
"""What a study that was stored before there was such a field is taken to have."""


def differences(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """One line for each identity field in which two stored specs differ."""
    lines = []
    for key in IDENTITY:
        old, new = (_plain(spec.get(key, LATER.get(key))) for spec in (stored, asked))
        if old == new:
            continue
        lines.append(
            "the space has changed" if key == "space_json" else f"{key}: stored {_short(old)}, asked {_short(new)}"
        )
    return lines


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def load_study(name_or_path: str) -> StudySpec:
    """The spec in a file of `studies/`: its module attribute `study`.

    Raises:
        UnknownName: no study of that name.
        ConfigError: the file has no StudySpec named `study`.
    """
    path = catalog.find("studies", name_or_path)
    spec = getattr(catalog.load(path), "study", None)
    if not isinstance(spec, StudySpec):
        example = "study = StudySpec(space=..., objectives=...)"
        hint = example if spec is None else f"for an ablation: mixnas ablate {name_or_path} --scale smoke"
        raise ConfigError(f"{path} has no StudySpec named 'study'", hint=hint)
    return spec if spec.name else replace(spec, name=path.stem)
