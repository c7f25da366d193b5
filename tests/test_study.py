"""Descriptions of studies as data: what the store gives back is read with every type checked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mixnas.errors import MixnasError
from mixnas.study import StudySpec

SPEC = StudySpec(
    "splitmixer",
    ("acc", "params"),
    constraints=("params <= 9k",),
    early_stopping="mo-asha",
    rungs=(1, 3),
    trial_timeout=2.5,
    data_dir="/data",
)


def test_a_spec_comes_back_from_json() -> None:
    assert StudySpec.from_dict(json.loads(json.dumps(SPEC.to_dict()))) == SPEC
    assert StudySpec.from_dict({**SPEC.to_dict(), "of a later version": 1}) == SPEC
    assert StudySpec.from_dict({"space": "splitmixer", "objectives": ["acc", "params"]}).trials == 40


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reduction": float("nan")}, "--reduction nan is not a number"),
        ({"trials": "9"}, "not a study: trials: input should be a valid integer, found '9'"),
        ({"trials": True}, "not a study: trials: "),
        ({"rungs": [1, "x"]}, "not a study: rungs.1: "),
        ({"objectives": "acc"}, "not a study: objectives: "),
        ({"recipe": 3}, "not a study: recipe: "),
        ({"recipe": {"lr": "fast"}}, "not a study: recipe.lr: "),
        ({"recipe": {"rate": 1}}, "unknown recipe field 'rate'"),
        ({"space": None}, "not a study: space: "),
        ({"name": "\x1b[31m" * 200, "epochs": "x"}, "not a study: epochs: "),
        ({"reduction": [[]]}, "not a study: reduction: "),
        ({"task": "cooking"}, "task"),
    ],
)
def test_what_is_no_spec(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(MixnasError) as caught:
        StudySpec.from_dict({**SPEC.to_dict(), **changes})
    assert says in caught.value.message and caught.value.message.isprintable() and caught.value.hint


@pytest.mark.parametrize("data", [None, "text", [], {}, {"space": {1, 2}, "objectives": []}])
def test_what_is_not_even_named_fields(data: Any) -> None:
    with pytest.raises(MixnasError, match="not a study: "):
        StudySpec.from_dict(data)
