"""The words of the project: plain, frozen records that travel between layers, processes and the store.

Standard library only. Three things stay three types: a candidate (a dict of axis values), a model (torch), and a
measurement (what came out of training it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeAlias, cast

Value: TypeAlias = bool | int | float | str

Candidate: TypeAlias = dict[str, Value]
"""One architecture as plain data: dotted axis name to value, active axes only, in the order of the space.

`{"width": 64, "depth": 4, "channel": "overlap", "channel.ratio": "2/3", ...}`
"""

Task = Literal["classification", "segmentation", "super_resolution"]

State = Literal["running", "paused", "stopped", "finished", "failed"]
"""`running` has a worker (or lost it and waits to be taken up again); `paused` waits at a rung for a promotion.

The others are final: `stopped` trials were paused when the search ended, or would never have been promoted.
"""


@dataclass(frozen=True)
class Problem:
    """What a model is asked to do: the task, its input `[C, H, W]` and the number of classes.

    `num_classes` is the number of output channels where there are no classes (super-resolution: the image channels).
    """

    task: Task = "classification"
    in_channels: int = 3
    height: int = 32
    width: int = 32
    num_classes: int = 10

    @classmethod
    def square(
        cls, image_size: int, in_channels: int = 3, num_classes: int = 10, task: Task = "classification"
    ) -> Problem:
        """A problem on square images."""
        return cls(task, in_channels, image_size, image_size, num_classes)

    @property
    def input(self) -> tuple[int, int, int]:
        """`(C, H, W)`."""
        return (self.in_channels, self.height, self.width)

    @property
    def image_size(self) -> int:
        """The shorter side in pixels: the one that limits how deep a model may go."""
        return min(self.height, self.width)

    def context(self) -> dict[str, Value]:
        """The names that rules of a search space may use beside its axes."""
        return {
            "task": self.task,
            "image_size": self.image_size,
            "in_channels": self.in_channels,
            "num_classes": self.num_classes,
        }

    def key(self) -> str:
        """A short name for costs that depend on the problem: `classification-3x32x32-10`."""
        return f"{self.task}-{self.in_channels}x{self.height}x{self.width}-{self.num_classes}"

    @classmethod
    def from_key(cls, key: str) -> Problem:
        """The inverse of `key`.

        Raises:
            ValueError: the text is no such key.
        """
        task, shape, num_classes = key.split("-")
        channels, height, width = (int(size) for size in shape.split("x"))
        return cls(cast(Task, task), channels, height, width, int(num_classes))


@dataclass(frozen=True)
class Fidelity:
    """How much of a full training a result stands for."""

    epochs: int
    seed: int


@dataclass(frozen=True)
class Job:
    """One training to run. Names, dicts and seeds only, so that it can go to any process or machine.

    `evaluator` is a name in `mixnas.evaluators.EVALUATORS` or `package.module:function`.
    """

    study: str
    trial: int
    attempt: int
    family: str
    axes: Candidate
    problem: Problem
    dataset: str
    fidelity: Fidelity
    recipe: Mapping[str, Value] = field(default_factory=dict)
    split_seed: int = 0
    data_dir: str | None = None
    device: str = "cpu"
    evaluator: str = "train"
    measure: tuple[str, ...] = ()
    """Timed objectives to measure when the training is over: `latency`, `throughput`."""
    until: int = 0
    """Pause after this epoch; 0 trains to the last epoch of the fidelity."""
    after: int = 0
    """Epochs that an earlier job of the same trial has trained; its checkpoint holds them."""
    checkpoint: str = ""
    """File to keep the training's state in, and to go on from where it exists; none is kept where it is empty."""
    timeout: float = 0.0
    """Seconds after which an executor that can ends the job; 0 waits for ever."""


@dataclass(frozen=True)
class EpochRecord:
    """One point of a learning curve. `epoch` counts from 1; `metrics` are of the validation part."""

    epoch: int
    train_loss: float
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Measurement:
    """What came out of a job. A failure is an outcome too, with its reason in one line.

    `metrics` holds the measured objectives (`acc`, `train_seconds`, ...), empty when `outcome` is "failed".
    `curve` begins at epoch 1, whatever the job went on from; `seconds` are of this job alone. An outcome of "paused"
    means that `Job.until` was reached before the last epoch.
    `reason` is one of the words of `FAILURES`; `detail` is one line for the screen, `traceback` goes to the store.
    """

    outcome: Literal["finished", "paused", "failed"]
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: tuple[EpochRecord, ...] = ()
    seconds: float = 0.0
    device: str = "cpu"
    reason: str = ""
    detail: str = ""
    traceback: str = ""


FAILURES: Mapping[str, str] = {
    "non_finite_loss": "the loss became NaN or infinite",
    "non_finite_value": "an objective is missing, NaN or infinite",
    "exception": "the training raised an error",
    "out_of_memory": "memory ran out",
    "timeout": "it took longer than allowed",
    "lost_worker": "the worker process ended without a word",
}


@dataclass(frozen=True)
class Trial:
    """A trial as the store knows it. `values` maps objective names to numbers and is empty unless finished."""

    study: str
    number: int
    digest: str
    axes: Candidate
    state: State
    values: Mapping[str, float]
    fidelity: Fidelity
    source: str = ""
    reason: str = ""
    detail: str = ""
    attempts: int = 0
    started_at: str = ""
    finished_at: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Decision:
    """What early stopping made of a trial at a rung; `rung` and `rank` count from 1.

    >>> str(Decision(trial=4, rung=3, epochs=8, rank=7, of=9, action="stopped"))
    'rung 3: 7th of 9, stopped'
    """

    trial: int
    rung: int
    epochs: int
    """Trained when the decision was taken."""
    rank: int
    of: int
    action: Literal["paused", "promoted", "stopped"]
    at: str = ""

    def __str__(self) -> str:
        return f"rung {self.rung}: {ordinal(self.rank)} of {self.of}, {self.action}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, ... `11th`, ... `21st`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


@dataclass(frozen=True)
class StudyCounts:
    """How a study stands, as `mixnas studies --json` prints it."""

    name: str
    finished: int = 0
    failed: int = 0
    running: int = 0
    duplicates: int = 0
    refused: int = 0
    paused: int = 0
    stopped: int = 0


@dataclass(frozen=True)
class FrontPoint:
    """The front after one finished trial: which trials are on it, and the hypervolume it covers."""

    trial: int
    finished: int
    hypervolume: float
    members: tuple[int, ...]
    at: str = ""


@dataclass(frozen=True)
class Baseline:
    """A model from outside the space, measured as the trials of a study are, to be drawn beside its front."""

    name: str
    family: str
    axes: Candidate
    state: Literal["finished", "failed"]
    values: Mapping[str, float]
    fidelity: Fidelity
    curve: tuple[EpochRecord, ...] = ()
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    at: str = ""


@dataclass(frozen=True)
class Replicate:
    """A trial's architecture trained once more with another seed."""

    trial: int
    seed: int
    state: Literal["finished", "failed"]
    values: Mapping[str, float]
    curve: tuple[EpochRecord, ...] = ()
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    at: str = ""


def to_dict(record: Any) -> dict[str, Any]:
    """Any record of this module as JSON-ready plain data."""
    return asdict(record)


def job_from_dict(data: Mapping[str, Any]) -> Job:
    """The inverse of `to_dict` for a job.

    Raises:
        KeyError: a field without a default is missing.
    """
    known = {f.name for f in fields(Job)}
    values = {k: v for k, v in data.items() if k in known}
    values["problem"] = Problem(**values["problem"])
    values["fidelity"] = Fidelity(**values["fidelity"])
    values["measure"] = tuple(values.get("measure", ()))
    return Job(**values)
