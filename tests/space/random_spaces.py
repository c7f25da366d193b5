"""Hypothesis strategies for small random spaces, and a naive second implementation of what they mean.

The naive side shares no code with mixnas: rules are Python functions, and candidates come out of the plain product of
all axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from mixnas.space import Axis, Choice, Flag, Option, SearchSpace, choice, flag, forbid, integer, merge, option, require
from mixnas.space.rules import Rule

Candidate = dict[str, Any]


@dataclass
class NaiveRule:
    """`allows` for forbid and require; `axis` and `key` for merges."""

    allows: Callable[[Candidate], bool] | None = None
    axis: str = ""
    key: Callable[[Candidate], Any] | None = None


@dataclass
class RandomSpace:
    space: SearchSpace
    naive: list[NaiveRule]

    def raw(self) -> list[Candidate]:
        """The product of all axes, rules unseen."""
        return list(_product(list(self.space.axes.items()), ""))

    def naive_canonical(self, candidate: Candidate) -> Candidate:
        values = dict(_all_values(self.space.axes.items(), ""))
        current, changed = dict(candidate), True
        while changed:
            changed = False
            for rule in self.naive:
                if rule.key is None or rule.axis not in current:
                    continue
                here = rule.key(current)
                order = values[rule.axis]
                for earlier in order[: order.index(current[rule.axis])]:
                    if not changed and here is not None and rule.key({**current, rule.axis: earlier}) == here:
                        current[rule.axis] = earlier
                        changed = True
        return current

    def naive_valid(self, candidate: Candidate) -> bool:
        return all(rule.allows(candidate) for rule in self.naive if rule.allows)

    def brute_force(self) -> list[Candidate]:
        """Every valid canonical candidate, by listing everything."""
        return [c for c in self.raw() if self.naive_canonical(c) == c and self.naive_valid(c)]


def _product(axes: list[tuple[str, Axis]], prefix: str) -> Iterator[Candidate]:
    if not axes:
        yield {}
        return
    (name, axis), rest = axes[0], axes[1:]
    for value in axis.values:
        below = (
            [o for o in axis.options if isinstance(o, Option) and o.name == value] if isinstance(axis, Choice) else []
        )
        inner = list(below[0].axes) if below else []
        for sub in _product(inner, f"{prefix}{name}."):
            for others in _product(rest, prefix):
                yield {f"{prefix}{name}": value, **sub, **others}


def _all_values(axes: Any, prefix: str) -> Iterator[tuple[str, list[Any]]]:
    for name, axis in axes:
        yield f"{prefix}{name}", list(axis.values)
        if isinstance(axis, Choice):
            for opt in axis.options:
                if isinstance(opt, Option):
                    yield from _all_values(opt.axes, f"{prefix}{name}.")


@st.composite
def plain_axes(draw: st.DrawFn) -> Axis:
    kind = draw(st.sampled_from(["numbers", "texts", "integer", "flag"]))
    if kind == "numbers":
        return choice(*draw(st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True)))
    if kind == "texts":
        return choice(*draw(st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=3, unique=True)))
    if kind == "integer":
        low, steps, step = draw(st.integers(1, 4)), draw(st.integers(0, 2)), draw(st.integers(1, 2))
        return integer(low, low + steps * step, step=step)
    return flag()


@st.composite
def nested_axes(draw: st.DrawFn, depth: int = 2) -> Axis:
    """A choice whose options bring different sub-axes: sub-axis names differ by option, so values are unambiguous."""
    options: list[Any] = []
    for name in draw(st.lists(st.sampled_from(["p", "q", "r"]), min_size=1, max_size=3, unique=True)):
        subs = {}
        for i in range(draw(st.integers(0, 2))):
            deeper = depth > 1 and draw(st.integers(0, 4)) == 0
            subs[f"{name}{i}"] = draw(nested_axes(depth=depth - 1)) if deeper else draw(plain_axes())
        options.append(option(name, **subs) if subs else name)
    return choice(*options)


@st.composite
def random_spaces(draw: st.DrawFn) -> RandomSpace:
    names = ["a", "b", "c", "d", "e"][: draw(st.integers(1, 5))]
    axes = {n: draw(nested_axes()) if draw(st.integers(0, 2)) == 0 else draw(plain_axes()) for n in names}
    values = dict(_all_values(axes.items(), ""))
    rules: list[Rule] = []
    naive: list[NaiveRule] = []
    for _ in range(draw(st.integers(0, 4))):
        rule, check = draw(_rules(axes, values))
        rules.append(rule)
        naive.append(check)
    return RandomSpace(SearchSpace("random", family="splitmixer", rules=rules, axes=axes), naive)


@st.composite
def _rules(draw: st.DrawFn, axes: dict[str, Axis], values: dict[str, list[Any]]) -> tuple[Rule, NaiveRule]:
    a, b = draw(st.sampled_from(sorted(values))), draw(st.sampled_from(sorted(values)))
    v, w = draw(st.sampled_from(values[a])), draw(st.sampled_from(values[b]))
    numbers = all(type(x) is int for x in values[a] + values[b])
    kind = draw(st.sampled_from(["both", "require", "merge", "unless"] + (["sum", "rest"] if numbers else [])))
    if kind == "both":
        return forbid(f"{a} == {v!r} and {b} == {w!r}", because="both"), NaiveRule(
            lambda c: not (a in c and c[a] == v and b in c and c[b] == w)
        )
    if kind == "unless":
        return forbid(f"{a} != {v!r} and not {b} in ({w!r},)", because="unless"), NaiveRule(
            lambda c: not (a in c and c[a] != v and not (b in c and c[b] == w))
        )
    if kind == "require":
        return require(f"{a} == {v!r} or {b} == {w!r}", because="one"), NaiveRule(
            lambda c: a not in c or b not in c or c[a] == v or c[b] == w
        )
    if kind == "sum":
        limit = draw(st.integers(2, 12))
        return forbid(f"{a} + 2 * {b} > {limit}", because="sum"), NaiveRule(
            lambda c: not (a in c and b in c and c[a] + 2 * c[b] > limit)
        )
    if kind == "rest":
        return forbid(f"{a} % {b} == 1", because="rest"), NaiveRule(
            lambda c: not (a in c and b in c and c[a] % c[b] == 1)
        )
    return _merge(a, b, v, w, axes)


def _merge(a: str, b: str, v: Any, w: Any, axes: dict[str, Axis]) -> tuple[Rule, NaiveRule]:
    """Where b has the value w, only whether a is v matters. Values with sub-axes are never merged."""
    leafy = _leaf_values(axes, a)

    def key(c: Candidate) -> Any:
        if c[a] not in leafy:
            return None
        return (c[a] == v) if b in c and c[b] == w else f"is {c[a]}"

    texts = " ".join(f"'is {x}' if {a} == {x!r} else" for x in leafy) + " 'other'"
    by = f"{a} == {v!r} if {b} == {w!r} else ({texts})"
    return merge(a, by=by, because="the same"), NaiveRule(axis=a, key=key)


def _leaf_values(axes: dict[str, Axis], name: str) -> list[Any]:
    head, *rest = name.split(".")
    axis: Axis = axes[head]
    for part in rest:
        assert isinstance(axis, Choice)
        axis = next(dict(o.axes)[part] for o in axis.options if isinstance(o, Option) and part in dict(o.axes))
    if isinstance(axis, Flag) or not isinstance(axis, Choice):
        return list(axis.values)
    return [o for o in axis.options if not isinstance(o, Option)]
