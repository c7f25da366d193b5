"""What every model family promises. Being in `FAMILIES` is being tested here; nothing in this file knows a family.

A family whose `macs` hold what fvcore cannot see says how much that is in `macs_unseen`.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterator

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


@functools.cache
def ends(space_name: str, problem: Problem) -> tuple[str, dict[str, Candidate]]:
    """The family of a space, and for each value at an end of an axis a candidate that takes it.

    The smallest of some random candidates is taken, so that the suite stays fast.
    """
    from mixnas.space import load_space

    space = load_space(space_name).given(**problem.context())
    rng, found = random.Random(0), {}
    missing = {f"{p.name}={value}" for p in space.parameters().values() for value in wanted(p.values)}
    drawn = sorted((space.sample(rng) for _ in range(400)), key=lambda axes: size(space.family, axes, problem))
    for axes in drawn:
        for name, value in space.to_parameters(axes).items():
            if f"{name}={value}" in missing:
                found.setdefault(f"{name}={value}", axes)
    unreached = missing - set(found)
    assert not unreached, f"no candidate of {space_name} among {len(drawn)} takes {sorted(unreached)}"
    return space.family, found


def wanted(values: tuple[Value, ...] | None) -> tuple[Value, ...]:
    """Both ends of numbers, every word."""
    if values is None:
        return ()
    return values if isinstance(values[0], str) else (values[0], values[-1])


def size(name: str, axes: Candidate, problem: Problem) -> int:
    return int(family(name).macs(axes, problem))


def space_cases() -> Iterator[tuple[str, str]]:
    """Built-in spaces with each task of their family."""
    from mixnas.space import load_space

    for name in catalog.names("search_spaces"):
        space_family = load_space(name).family
        for task in family(space_family).tasks if space_family in FAMILIES else ():
            yield name, task


try:
    SPACES = list(space_cases())
except ImportError:
    SPACES = []


@pytest.mark.skipif(not SPACES, reason="there are no search spaces yet")
def test_every_family_has_a_space() -> None:
    from mixnas.space import load_space

    assert set(FAMILIES) <= {load_space(name).family for name, _ in SPACES}


@pytest.mark.parametrize(("space_name", "task"), SPACES)
def test_it_builds_at_both_ends_of_every_axis(space_name: str, task: str) -> None:
    problem = tiny_problem(task)
    name, found = ends(space_name, problem)
    for axes in {tuple(sorted(axes.items())): axes for axes in found.values()}.values():
        check(name, axes, problem)


@pytest.mark.parametrize(("space_name", "task"), SPACES)
def test_columns_of_a_space_cost_what_its_candidates_cost(space_name: str, task: str) -> None:
    from mixnas.space import load_space

    problem = tiny_problem(task)
    space = load_space(space_name).given(**problem.context())
    rng, found = np.random.default_rng(0), family(space.family)
    candidates = list(space.sample_many(rng, 300))
    columns = space.columns(candidates)
    for cost in (found.params, found.macs, found.macs_thop):
        assert cost(columns, problem).tolist() == [cost(axes, problem) for axes in candidates]
