"""A space as plain text: its axes as a tree, and its rules with their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mixnas.records import Candidate
from mixnas.space.axes import Axis, Choice, Option, count_note
from mixnas.space.rules import title

if TYPE_CHECKING:
    from mixnas.space.space import SearchSpace


def show(space: SearchSpace) -> str:
    """The space as lines of text: what it is, its axes with the conditional ones below their option, its rules."""
    source = f", {space.source}" if space.source else ""
    lines = [f"{space.name}: family {space.family}{source}"]
    lines += [space.summary] if space.summary else []
    lines += ["", "axes", *_axes(space.axes.items(), "  ")]
    lines += ["", "rules" if space.rules else "no rules"]
    for number, rule in enumerate(space.rules, start=1):
        lines += [f"  {number}. {title(rule)}", f"     because {rule.because}"]
    context = ", ".join(f"{key}={value}" for key, value in space.context.items())
    return "\n".join([*lines, "", f"rules are judged for {context}"])


def show_candidate(candidate: Candidate) -> str:
    """A candidate in one line: `width=64 depth=4 channel=overlap channel.ratio=2/3`."""
    return " ".join(f"{axis}={value}" for axis, value in candidate.items())


def _axes(axes: Iterable[tuple[str, Axis]], indent: str) -> Iterator[str]:
    listed = list(axes)
    width = max((len(name) for name, _ in listed), default=0)
    for name, axis in listed:
        if isinstance(axis, Choice) and any(isinstance(o, Option) and o.axes for o in axis.options):
            yield f"{indent}{name:<{width}}  one of"
            for option in axis.options:
                yield f"{indent}  - {option.name if isinstance(option, Option) else option}"
                if isinstance(option, Option):
                    yield from _axes(option.axes, f"{indent}      ")
        else:
            yield f"{indent}{name:<{width}}  {axis.describe()}  ({count_note(axis)})"
