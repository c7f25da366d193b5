"""What an ablation asks: a base, the factors that are varied around it, a design, data, seeds, and three sizes.

A file in `studies/` holds one, named `study`:

    study = AblationSpec(
        name="splitmixer_tricks",
        question="Which of the two tricks earns its cost?",
        expectation="Each trick saves parameters at about the same accuracy.",
        source="arXiv:2207.10255, table 4",
        base="splitmixer-I-256/8",
        vary=(
            "channel.ratio=2/3,3/5",
            Factor("spatial trick", {"on": {"spatial": "separable"}, "off": {"spatial": "depthwise"}}),
        ),
        design="factorial",
        scales={"smoke": Scale("digits", epochs=1, seeds=2, changes={"width": 16, "depth": 2})},
    )
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from mixnas import catalog
from mixnas.errors import ConfigError, UnknownName, UsageError
from mixnas.recipe import RECIPES, Recipe
from mixnas.records import Value

DesignKind = Literal["oat", "factorial", "fractional", "leave-one-out"]
DESIGNS: Mapping[DesignKind, str] = {
    "oat": "one factor at a time around the base",
    "factorial": "every combination of all levels: main effects and interactions",
    "fractional": "a regular fraction of the two-level factorial, its aliasing stated",
    "leave-one-out": "the base with each of its tricks turned off, one by one, and with all of them off",
}
SIZES = ("smoke", "laptop", "paper")
"""The sizes that a study in `studies/` has: seconds, minutes, and what the paper did."""


@dataclass(frozen=True)
class Factor:
    """What is varied: named levels, each a change of some axes; no change at all is the base as it is.

    A factor of one axis is also written as text, `channel.ratio=2/3,3/5`, or `channel.ratio` for all its values.
    """

    name: str
    levels: Mapping[str, Mapping[str, Value]]

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ConfigError("a factor needs a name")
        if not self.levels:
            raise ConfigError(f"factor {self.name!r} has no level", hint="name at least one other than the base")

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes that any of its levels changes."""
        return tuple(dict.fromkeys(axis for changes in self.levels.values() for axis in changes))


Varied: TypeAlias = str | Factor


@dataclass(frozen=True)
class Scale:
    """One size of a study: what differs from the study itself; what is left empty is as there."""

    dataset: str = ""
    epochs: int = 0
    seeds: int = 0
    changes: Mapping[str, Value] = field(default_factory=dict)
    """Axes of the base that are other at this size, beside the changes of the study."""
    vary: tuple[Varied, ...] = ()
    """In place of the study's factors."""
    recipe: Recipe | None = None
    evaluator: str = ""


@dataclass(frozen=True)
class AblationSpec:
    """A designed experiment around one model.

    Filled in where they are left empty: `space` (the one named like the base's family), `dataset` (`digits`), `epochs`
    (the data set's own default), `name` (`<base>-<dataset>-ablation`), `metric` (the task's main one).
    """

    base: str | Mapping[str, Value]
    """A published model, a config file, a trial STUDY/NUMBER, or the axes of a candidate of `space`."""
    vary: tuple[Varied, ...] = ()
    """Factors, or text for factors of one axis; empty for leave-one-out takes the tricks known of the family."""
    design: DesignKind = "oat"
    name: str = ""
    question: str = ""
    expectation: str = ""
    """What the paper leads one to expect, in a sentence."""
    source: str = ""
    """Where that is said."""
    result: str = ""
    """What came out at laptop scale, in a sentence or two."""
    measured: str = ""
    """How: data, seeds, spread, device and versions."""
    space: str = ""
    changes: Mapping[str, Value] = field(default_factory=dict)
    """Axes of the base that are set to another value, for every arm."""
    dataset: str = ""
    recipe: Recipe = field(default_factory=lambda: RECIPES["small"])
    epochs: int = 0
    seeds: int = 5
    """How many; `seed` is the first of them, and all arms have the same."""
    seed: int = 0
    split_seed: int = 0
    """Cuts the validation part from the training data."""
    resolution: int = 4
    """The least resolution of a fractional design."""
    metric: str = ""
    constraints: tuple[str, ...] = ()
    """What an arm must meet to be trained, on axes and exact costs, as in a search."""
    evaluator: str = "train"
    data_dir: str | None = None
    scales: Mapping[str, Scale] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "vary", tuple(self.vary))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        if self.design not in get_args(DesignKind):
            raise UnknownName("design", self.design, DESIGNS)
        if self.seeds < 1:
            raise UsageError(f"--seeds {self.seeds} is not a number of seeds", hint="5 is a good start")
        if self.epochs < 0:
            raise UsageError(f"--epochs {self.epochs} must be at least 1")
        for name in self.scales:
            if name not in SIZES:
                raise UnknownName("scale", name, SIZES)

    def at(self, scale: str) -> AblationSpec:
        """The spec at one of its sizes. Each size is a study of its own in the store.

        Raises:
            UnknownName: it has no size of that name.
        """
        if scale not in self.scales:
            raise UnknownName(f"scale of study {self.name!r}:", scale, self.scales)
        size = self.scales[scale]
        fields = ("dataset", "epochs", "seeds", "vary", "recipe", "evaluator")
        given: dict[str, Any] = {key: value for key in fields if (value := getattr(size, key))}
        given |= {"changes": {**self.changes, **size.changes}, "scales": {}}
        return replace(self, name=f"{self.name}-{scale}" if self.name else "", **given)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the store; the sizes are left out, since what is run is one of them."""
        data = asdict(replace(self, vary=(), scales={}))
        del data["scales"]
        data["constraints"] = list(self.constraints)
        data["vary"] = [item if isinstance(item, str) else asdict(item) for item in self.vary]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AblationSpec:
        """The inverse of `to_dict`; keys that are no fields are left out.

        Raises:
            ConfigError: a field is missing or has the wrong type.
        """
        values = {k: v for k, v in data.items() if k in cls.__dataclass_fields__}
        try:
            values["recipe"] = Recipe.from_dict(values.get("recipe", {}))
            vary = values.get("vary", ())
            values["vary"] = tuple(item if isinstance(item, str) else Factor(**item) for item in vary)
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ConfigError(f"not an ablation: {error}") from error


def load_ablation(name_or_path: str) -> AblationSpec:
    """The spec in a file of `studies/`: its module attribute `study`.

    Raises:
        UnknownName: no study of that name.
        ConfigError: the file has no AblationSpec named `study`.
    """
    path = catalog.find("studies", name_or_path)
    spec = getattr(catalog.load(path), "study", None)
    if not isinstance(spec, AblationSpec):
        way_out = f"`mixnas search {name_or_path}` runs a search" if spec is not None else "study = AblationSpec(...)"
        raise ConfigError(f"{path} has no AblationSpec named 'study'", hint=way_out)
    return spec if spec.name else replace(spec, name=path.stem)


def known_ablations() -> dict[str, Path]:
    """The files in `studies/` that hold an ablation, by name; those that cannot be run are left out."""
    found = {}
    for name, path in catalog.names("studies").items():
        try:
            load_ablation(name)
        except UsageError:
            continue
        found[name] = path
    return found
