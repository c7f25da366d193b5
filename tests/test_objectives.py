"""Objectives by name: aliases, mistakes and their way out."""

from __future__ import annotations

import pytest

from mixnas.errors import UnknownName, UsageError
from mixnas.objectives import ALIASES, OBJECTIVES, objective, parse_objectives


def test_aliases_lead_to_objectives() -> None:
    assert {objective(alias).name for alias in ALIASES} <= set(OBJECTIVES)
    assert objective("flops") is objective("macs")


def test_sign_turns_everything_into_minimisation() -> None:
    assert (objective("acc").sign, objective("params").sign) == (-1, 1)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", UsageError, "--objective is empty"),
        (" , ", UsageError, "--objective is empty"),
        ("acc,acc", UsageError, "objective 'acc' is given twice"),
        ("macs,flops", UsageError, "flops and macs are the same"),
        ("acc,parms", UnknownName, "did you mean 'params'"),
    ],
)
def test_mistakes_say_the_way_out(text: str, error: type[UsageError], message: str) -> None:
    with pytest.raises(error) as caught:
        parse_objectives(text)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_objective_of_another_task_lists_those_that_fit() -> None:
    with pytest.raises(UsageError, match="objective 'acc' is for classification, the task is segmentation") as caught:
        parse_objectives("acc,params", "segmentation")
    assert "params" in caught.value.hint
