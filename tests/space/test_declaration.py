"""Declaring spaces and axes: what is accepted, and that every mistake comes at once, with its place and way out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mixnas import space as names
from mixnas.errors import SpaceError
from mixnas.space import (
    Choice,
    Option,
    SearchSpace,
    choice,
    flag,
    forbid,
    integer,
    merge,
    option,
    real,
    require,
)


def tiny(**parts: Any) -> SearchSpace:
    return SearchSpace(**{"name": "tiny", "family": "splitmixer", "width": choice(32, 64), **parts})


def problems(**parts: Any) -> tuple[str, ...]:
    with pytest.raises(SpaceError) as caught:
        tiny(**parts)
    return caught.value.problems


@pytest.mark.parametrize(
    "axis",
    [
        choice(0, 2.5, "x", True),
        choice("a", option("b", ratio=choice("2/3", "3/5"), on=flag())),
        choice(option("b", {"x.y": real(0.0, 1.0)})),
        Choice((Option("a"), "b")),
        integer(2, 12, step=2),
        integer(1, 100, log=True),
        real(0.0, 0.5, step=0.1),
        real(1e-4, 1.0, log=True),
        flag(),
    ],
    ids=repr,
)
def test_the_repr_of_an_axis_can_be_pasted_back(axis: Any) -> None:
    assert eval(repr(axis), vars(names)) == (axis if axis != Choice((Option("a"), "b")) else choice("a", "b"))
    space = tiny(a=axis)
    assert SearchSpace.from_json(json.loads(json.dumps(space.to_json()))) == space
    with pytest.raises(AttributeError):
        axis.values = ()


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        (integer(2, 8, step=2), [2, 4, 6, 8]),
        (integer(-1, 1), [-1, 0, 1]),
        (real(0.0, 0.3, step=0.1), [0.0, 0.1, 0.2, 0.3]),
        (real(1, 2, step=0.5), [1.0, 1.5, 2.0]),
        (flag(), [False, True]),
    ],
)
def test_values_of_an_axis(axis: Any, values: list[Any]) -> None:
    assert list(axis.values) == values
    assert [type(v) for v in axis.values] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("axis", "says"),
    [
        (choice(), "axis 'a' has no choices; give at least one"),
        (choice(3, 4, 3), "axis 'a' has the choice 3 twice"),
        (choice(1, 1.0), "axis 'a' has the choice 1.0 twice (1 and 1.0 are equal)"),
        (choice(1, True), "axis 'a' has the choice True twice (1 and True are equal)"),
        (choice("x", option("x")), "axis 'a' has the choice 'x' twice"),
        (choice([1], None), "axis 'a' has the choice [1], which is no number, string, True or False"),
        (choice(float("nan")), "axis 'a' has the choice nan, which is not finite"),
        (choice(2**60), f"axis 'a' has the choice {2**60}, beyond 2**53"),
        (integer(5, 2), "axis 'a' has low=5 above high=2; swap them"),
        (integer(1, 2, step=0), "axis 'a' has step=0, which must be greater than 0"),
        (integer(1, 10, step=2), "axis 'a' has high=10, which steps of 2 from 1 miss; use 9 or 11"),
        (integer(0, 8, log=True), "axis 'a' has low=0 on a log scale, which must be above 0"),
        (integer(1, 9, step=2, log=True), "axis 'a' has both step=2 and log; leave one out"),
        (integer(1.5, 3), "axis 'a' has low=1.5, which is no integer"),  # type: ignore[arg-type]
        (integer(True, 3), "axis 'a' has low=True, which is no integer"),
        (integer(1, 2**60), f"axis 'a' has high={2**60}, beyond 2**53"),
        (real(0.0, float("inf")), "axis 'a' has high=inf, which is no finite number"),
        (real("0", 1.0), "axis 'a' has low='0', which is no finite number"),  # type: ignore[arg-type]
        (real(0.0, 1.0, step=-0.1), "axis 'a' has step=-0.1, which must be greater than 0"),
        (real(0.0, 1.0, step=0.3), "axis 'a' has high=1.0, which steps of 0.3 from 0.0 miss; use 0.9 or 1.2"),
        (real(0.0, 1.0, step=1e-7), "axis 'a' has more than 1,000,000 steps; leave out step for a continuous axis"),
        ([1, 2], "axis 'a' is [1, 2], which is no axis; write choice(...)"),
        (choice(option("x", b=3)), "axis 'a[x].b' is 3, which is no axis"),  # type: ignore[arg-type]
        (choice(option("x", k=integer(3, 1))), "axis 'a[x].k' has low=3 above high=1"),
        (choice(option("x", {"b-c": flag()})), "below a[x], axis 'b-c' is no name"),
    ],
)
def test_a_wrong_axis(axis: Any, says: str) -> None:
    (problem, *_) = problems(a=axis)
    assert says in problem


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("image_size", "is a name that rules have for the task and its data"),
        ("params", "is the name of an objective"),
        ("flops", "is the name of an objective"),
        ("GiB", "is a unit"),
        ("lambda", "is a word of the language"),
        ("where", "is a word of the language"),
        ("late.if", "is a word of the language"),
        ("a-b", "is no name; use letters, digits, underscores and dots"),
        ("a..b", "is no name"),
        ("", "is no name"),
        (3, "is no name"),
    ],
)
def test_names_that_an_axis_cannot_have(name: Any, says: str) -> None:
    (problem,) = problems(axes={name: flag()})
    assert says in problem


def test_dotted_names_are_fine_and_may_not_clash_with_sub_axes() -> None:
    assert tiny(axes={"early.width": integer(1, 2)}).size() == 4
    clashing = {"c.x": flag(), "c": choice(option("p", x=flag()), "q")}
    assert problems(axes=clashing) == ("axis 'c[p].x' is declared twice as 'c.x'; rename one",)
    assert problems(axes={"width": flag()}) == ("axis 'width' is declared twice as 'width'; rename one",)


def test_options_may_share_sub_axis_names_with_different_values() -> None:
    space = tiny(c=choice(option("p", x=choice(1, 2)), option("q", x=choice("1", "2", "3")), "r"))
    assert space.size() == 2 * (2 + 3 + 1)
    assert space.digest({"width": 32, "c": "p", "c.x": 1}) != space.digest({"width": 32, "c": "q", "c.x": "1"})
    with pytest.raises(SpaceError, match=r"axis 'c\.x' has no value '1'; values: 1, 2"):
        space.canonical({"width": 32, "c": "p", "c.x": "1"})
    assert list(space.parameters()) == ["width", "c", "c[p].x", "c[q].x"]


def test_deeper_parameters_are_qualified_at_every_branch() -> None:
    space = tiny(c=choice("d", option("o", mixes=choice("one", option("all", shared=flag())))))
    assert list(space.parameters()) == ["width", "c", "c[o].mixes", "c[o].mixes[all].shared"]
    shared = space.parameters()["c[o].mixes[all].shared"]
    assert (shared.axis, shared.parent, shared.parent_value) == ("c.mixes.shared", "c[o].mixes", "all")
    assert shared.values == (False, True)
    assert space.parameters()["c"].domain == choice("d", "o")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            forbid("widht > 3", because="x"),
            "rule 1: unknown name 'widht' at column 1 of 'widht > 3' (did you mean 'width'?",
        ),
        (forbid("width >", because="x"), "rule 1: cannot be read"),
        (forbid("width > 3", because=" "), "rule 1 (forbid width > 3) has no reason; say why in because=..."),
        (forbid("c == 'q'", because="x"), "rule 1: 'c' is never 'q'; values: plain, option"),
        (forbid("c in ('plain', 'optoin')", because="x"), "rule 1: 'c' is never 'optoin'; did you mean 'option'?"),
        (forbid("'x' != width", because="x"), "rule 1: 'width' is never 'x'; values: 32, 64"),
        (forbid("c.ratio == 0.5", because="x"), "'c.ratio' holds text and never equals 0.5; put quotes around it"),
        (
            forbid("task == 'clasification'", because="x"),
            "'task' is never 'clasification'; did you mean 'classification'?",
        ),
        (forbid("width", because="x"), "is neither true nor false"),
        (require("c + width > 3", because="x"), "is text, not a number"),
        (forbid("10 // (width - 32) > 1", because="x"), "rule 1: division by zero"),
        (merge("c.rato", by="width", because="x"), "rule 1: merge of an unknown axis 'c.rato'; did you mean 'c.ratio'"),
        (merge("lr", by="width", because="x"), "rule 1: merge of the continuous axis 'lr'; give it a step"),
        (merge("big", by="width", because="x"), "with more than 10,000 values"),
        ("width > 3", "rule 1 is 'width > 3', which is no rule; write forbid(...), require(...) or merge(...)"),
        (forbid(3, because="x"), "rule 1: 3 is no text"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_rule(rule: Any, says: str) -> None:
    c = choice("plain", option("option", ratio=choice("2/3", "3/5")))
    found = problems(c=c, lr=real(0.0, 1.0), big=integer(1, 10**6), rules=[rule])
    assert any(says in problem for problem in found), found


def test_all_mistakes_come_at_once() -> None:
    with pytest.raises(SpaceError) as caught:
        SearchSpace(
            "wrong",
            family="",
            width=choice(),
            depth=integer(5, 2),
            channel=choice(option("overlap", ratio=choice("2/3", "2/3"))),
            rules=[forbid("width > 3 and dept == 2", because="a"), forbid("width > 'x", because=""), 7],
            context={"image": 3, "classes": 0, "image_size": 0, "task": "cleaning"},
        )
    text = caught.value.message
    assert text.startswith("space 'wrong' has 12 mistakes:\n  1. family is ''; give a short text\n  2. axis 'width'")
    for part in (
        "'depth' has low",
        "'channel[overlap].ratio'",
        "'dept'",
        "rule 2",
        "rule 3",
        "no context name 'image'",
    ):
        assert part in text
    assert "unknown task 'cleaning'" in text and "image_size=0" in text
    assert len(caught.value.problems) == 12
    assert caught.value.exit_code == 2


def test_a_space_without_axes_and_rules_that_are_no_list() -> None:
    with pytest.raises(SpaceError, match="the space has no axes; give at least one"):
        SearchSpace("empty", family="splitmixer")
    assert "rules is 'width > 3', which is no list" in problems(rules="width > 3")[0]


def test_a_space_cannot_be_changed() -> None:
    space = tiny()
    with pytest.raises(AttributeError, match="a search space cannot be changed"):
        space.name = "other"
    with pytest.raises(TypeError):
        space.axes["depth"] = flag()  # type: ignore[index]
    with pytest.raises(TypeError):
        space.context["image_size"] = 3  # type: ignore[index]


def test_given_binds_the_context_again() -> None:
    space = tiny(rules=[forbid("width > image_size", because="small images")])
    assert space.context == {"task": "classification", "image_size": 32, "in_channels": 3, "num_classes": 10}
    assert (space.size(), space.given(image_size=64).size(), space.given(image_size=8).size()) == (1, 2, 0)
    assert space.size() == 1
    with pytest.raises(SpaceError, match=r"there is no context name 'imagesize'; did you mean 'image_size'\?"):
        space.given(imagesize=3)


def test_nested_too_deep() -> None:
    axis: Any = flag()
    for _ in range(14):
        axis = choice(option("o", a=axis))
    assert "nests options deeper than 12; flatten it" in problems(a=axis)[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "this JSON is no search space"),
        ({"format": "other"}, "this JSON is no search space"),
        ({"format": "mixnas.space", "version": 2}, "search space of version 2; this program reads 1"),
        (
            {"format": "mixnas.space", "version": 1, "name": 3, "axes": {}, "rules": 3, "more": 1},
            "has 5 mistakes",
        ),
        (
            {
                "format": "mixnas.space",
                "version": 1,
                "name": "n",
                "family": "f",
                "rules": [{"kind": "never"}],
                "axes": [],
            },
            "rules[0]: unknown kind 'never'; kinds: forbid, require, merge",
        ),
        (
            {"format": "mixnas.space", "version": 1, "name": "n", "family": "f", "rules": [], "axes": [{"name": "a"}]},
            "axes[0]: unknown kind None; kinds: choice, integer, real, flag",
        ),
    ],
)
def test_json_that_is_no_space(data: Any, says: str) -> None:
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_json(data)
    assert says in caught.value.message


def test_json_has_a_version_and_reads_back_everything() -> None:
    space = tiny(
        source="arXiv:1",
        summary="s",
        lr=real(0.1, 1.0, log=True),
        c=choice("a", option("b", x=integer(1, 4, log=True), y=real(0.0, 1.0, step=0.25))),
        rules=[forbid("width > 32 and c.x > 2", because="1"), require("c.y < 1", because="2")],
        context={"image_size": 8},
    )
    data = json.loads(json.dumps(space.to_json()))
    assert data["version"] == 1 and data["format"] == "mixnas.space"
    assert SearchSpace.from_json(data) == space
    assert SearchSpace.from_json(data).context["image_size"] == 8
