"""What every model family promises. Being in `FAMILIES` is being tested here; nothing in this file knows a family.

A family whose `macs` hold what fvcore cannot see says how much that is in `macs_unseen`.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from mixnas import catalog
from mixnas.cost.check import count
from mixnas.models import FAMILIES, family, named_models
from mixnas.records import Candidate, Problem, Value

CLASSES = {"classification": 5, "segmentation": 4, "super_resolution": 3}
"""Output channels of the tiny problem of each task; super-resolution gives images."""

CASES = [(name, task) for name in FAMILIES for task in family(name).tasks]


def tiny_problem(task: str, height: int = 16, width: int = 16) -> Problem:
    return Problem(task, 3, height, width, CLASSES[task])  # type: ignore[arg-type]


def expected_shape(problem: Problem) -> tuple[int, ...]:
    """Of the output for two images. Super-resolution doubles the sides."""
    if problem.task == "classification":
        return (2, problem.num_classes)
    scale = 2 if problem.task == "super_resolution" else 1
    return (2, problem.num_classes, scale * problem.height, scale * problem.width)


def check(name: str, axes: Candidate, problem: Problem) -> None:
    """Builds, runs, and costs what the closed forms say."""
    found = family(name)
    model = found.build(axes, problem)
    output = model(torch.randn(2, *problem.input))
    assert output.shape == expected_shape(problem)
    assert torch.isfinite(output).all()
    assert found.params(axes, problem) == sum(p.numel() for p in model.parameters())
    seen = found.macs(axes, problem) - found.macs_unseen(axes, problem)
    assert seen == count(model, problem.input).total


# ------------------------------------------------------------------------------------------------ the tiny member


@pytest.mark.parametrize("name", FAMILIES)
def test_the_record_is_complete(name: str) -> None:
    found = family(name)
    assert found.name == name
    assert re.fullmatch(r"arXiv:\d{4}\.\d{4,5}", found.source)
    assert found.summary and not found.summary.endswith(".")
    assert set(found.tiny) <= set(found.defaults)


@pytest.mark.parametrize(("name", "task"), CASES)
@pytest.mark.parametrize("size", [(16, 16), (15, 22)])
def test_the_tiny_member_builds_runs_and_costs_what_is_said(name: str, task: str, size: tuple[int, int]) -> None:
    check(name, family(name).tiny, tiny_problem(task, *size))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_every_parameter_learns(name: str, task: str) -> None:
    problem = tiny_problem(task)
    model = family(name).build(family(name).tiny, problem)
    model(torch.randn(2, *problem.input)).square().mean().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_tiny_member_survives_export(name: str, task: str) -> None:
    problem = tiny_problem(task)
    model = family(name).build(family(name).tiny, problem).eval()
    images = torch.randn(2, *problem.input)
    batch = torch.export.Dim("batch", min=2, max=64)
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: batch},)).module()
    more = torch.randn(5, *problem.input)
    with torch.no_grad():
        torch.testing.assert_close(exported(images), model(images))
        torch.testing.assert_close(exported(more), model(more))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_state_dict_makes_the_round_trip(name: str, task: str) -> None:
    problem, found = tiny_problem(task), family(name)
    first, second = found.build(found.tiny, problem).eval(), found.build(found.tiny, problem).eval()
    second.load_state_dict(first.state_dict())
    images = torch.randn(2, *problem.input)
    with torch.no_grad():
        assert torch.equal(first(images), second(images))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_it_builds_on_the_meta_device(name: str, task: str) -> None:
    with torch.device("meta"):
        model = family(name).build(family(name).tiny, tiny_problem(task))
    assert all(p.is_meta for p in model.parameters())


@pytest.mark.parametrize(("name", "task"), CASES)
def test_axes_left_out_take_the_defaults(name: str, task: str) -> None:
    found, problem = family(name), tiny_problem(task, 32, 32)
    assert found.params({}, problem) == found.params(dict(found.defaults), problem)
    assert found.macs({}, problem) == found.macs(dict(found.defaults), problem)


# ---------------------------------------------------------------------------------------------------- named members

NAMED = named_models()


def test_a_name_belongs_to_one_family() -> None:
    assert sum(len(family(name).named) for name in FAMILIES) == len(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_named_member_builds_with_the_parameters_that_are_said(name: str) -> None:
    key, member = NAMED[name]
    found = family(key)
    with torch.device("meta"):
        model = found.build(member.axes, member.problem)
    assert found.params(member.axes, member.problem) == sum(p.numel() for p in model.parameters())
    assert set(member.axes) <= set(found.defaults)


# ----------------------------------------------------------------------------------------------------------- spaces


def ends(space: Any, problem: Problem) -> Iterator[Candidate]:
    """Few candidates of a space that together take both ends of every axis under each branch, as far as they fit.

    Ends of numbers, every word. Of many random candidates, those that take most of what is left, the cheaper first.
    """
    rng, cost = random.Random(0), family(space.family).macs
    drawn = sorted((space.sample(rng) for _ in range(400)), key=lambda axes: int(cost(axes, problem)))
    takes = [set(space.to_parameters(axes).items()) for axes in drawn]
    values: dict[str, set[Value]] = {}
    for name, value in set().union(*takes):
        values.setdefault(name, set()).add(value)
    left = {(name, value) for name, taken in values.items() for value in both_ends(list(taken))}
    while left:
        best = max(range(len(drawn)), key=lambda i: len(takes[i] & left))
        left -= takes[best]
        yield drawn[best]


def both_ends(values: list[Any]) -> list[Value]:
    """The smallest and the largest number, or every word."""
    return values if isinstance(values[0], str) else [min(values), max(values)]


def space_and_problems(name: str) -> Iterator[tuple[Any, Problem]]:
    """A built-in space bound to the tiny problem of each task that its family does."""
    from mixnas.space import load_space

    space = load_space(name)
    for task in family(space.family).tasks:
        problem = tiny_problem(task)
        yield space.given(**problem.context()), problem


SPACES = sorted(catalog.names("search_spaces"))


def test_every_family_has_a_space() -> None:
    from mixnas.space import load_space

    assert set(FAMILIES) <= {load_space(name).family for name in SPACES}


@pytest.mark.parametrize("space_name", SPACES)
def test_it_builds_at_both_ends_of_every_axis(space_name: str) -> None:
    for number, (space, problem) in enumerate(space_and_problems(space_name)):
        few = None if number == 0 else 6  # blocks are the same for every task; stems and heads are not
        for axes in itertools.islice(ends(space, problem), few):
            check(space.family, axes, problem)


@pytest.mark.parametrize("space_name", SPACES)
def test_columns_of_a_space_cost_what_its_candidates_cost(space_name: str) -> None:
    for space, problem in space_and_problems(space_name):
        found = family(space.family)
        candidates = list(space.sample_many(np.random.default_rng(0), 300))
        columns = space.columns(candidates)
        for cost in (found.params, found.macs, found.macs_thop):
            assert cost(columns, problem).tolist() == [cost(axes, problem) for axes in candidates]
