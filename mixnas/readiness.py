"""What has to be there before a study trains anything. Looks for it without torch, which only workers need."""

from __future__ import annotations

from typing import Protocol

from mixnas.data import require_readable
from mixnas.data.augment_names import augment_names
from mixnas.evaluators import EVALUATORS, load_evaluator
from mixnas.recipe import Recipe, resolve_augment
from mixnas.records import Problem


class Trained(Protocol):
    """What a study says of its trainings."""

    @property
    def evaluator(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def data_dir(self) -> str | None: ...
    @property
    def recipe(self) -> Recipe: ...


def require_trainable(spec: Trained, problem: Problem, download: bool = False) -> None:
    """Checks that there is the evaluator and, where it trains, the data and what is to be done to them.

    Raises:
        UsageError: something is not there, is damaged, or does not suit the task.
    """
    if spec.evaluator not in EVALUATORS:
        load_evaluator(spec.evaluator)
    if spec.evaluator == "train":
        augment_names(resolve_augment(spec.recipe, spec.dataset).augment, problem.task)
        require_readable(spec.dataset, spec.data_dir, download)
