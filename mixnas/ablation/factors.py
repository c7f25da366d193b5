"""From what a user writes to factors.

spatial                          an axis with all its values
channel.ratio=2/3,3/5,spatial    one with some of its values, and another
trick: on spatial=separable | off spatial=depthwise kernel_size=3      a group: named levels of several axes
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from mixnas.ablation.spec import Factor, Varied
from mixnas.errors import UnknownName, UsageError
from mixnas.records import Candidate, Value
from mixnas.space import SearchSpace
from mixnas.space.layout import Parameter

AS_IN_BASE = "as in the base"

_GROUP = re.compile(r"([^:=,]+):(.*)", re.DOTALL)


def read_factors(items: Iterable[Varied], space: SearchSpace, base: Candidate) -> tuple[Factor, ...]:
    """All factors with their levels. One with a single level gets the base as the other.

    Raises:
        UsageError: an axis, a value or a name is wrong, or two factors share a name or an axis.
    """
    factors = [factor for item in items for factor in _read(item, space)]
    for factor in factors:
        for changes in factor.levels.values():
            check_changes(changes, space, f"factor {factor.name!r}")
    _refuse_shared(factors)
    return tuple(_with_base(factor, base) for factor in factors)


def check_changes(changes: Mapping[str, Value], space: SearchSpace, where: str) -> None:
    """Does nothing where all axes and values are of the space.

    Raises:
        UsageError: one is not.
    """
    for axis, value in changes.items():
        places = places_of(axis, space, where)
        if all(place.domain.code(value) is None for place in places):
            listed = "; ".join(dict.fromkeys(place.domain.describe() for place in places))
            raise UsageError(f"{where}: axis {axis!r} has no value {value!r}", hint=f"values: {listed}")


def places_of(axis: str, space: SearchSpace, where: str) -> list[Parameter]:
    """The places of the space in which an axis may stand.

    Raises:
        UnknownName: there is none.
    """
    found = [place for place in space.parameters().values() if place.axis == axis]
    if not found:
        raise UnknownName(f"axis of space {space.name!r}", axis, {p.axis for p in space.parameters().values()})
    return found


def read_changes(text: str, space: SearchSpace, where: str) -> Candidate:
    """Reads `width=32 depth=4`; commas may stand between them, too.

    Raises:
        UsageError: an axis or a value is wrong.
    """
    changes: Candidate = {}
    for part in re.split(r"[\s,]+", text.strip()):
        axis, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"{where}: {part!r} is no change of an axis", hint="write AXIS=VALUE")
        changes[axis] = read_value(axis, value, space, where)
    return changes


def read_value(axis: str, text: str, space: SearchSpace, where: str) -> Value:
    """The value of an axis that a text names.

    Raises:
        UsageError: it has no such value; lists those it has.
    """
    places = places_of(axis, space, where)
    for place in places:
        for value in place.values or ():
            if _names(text, value):
                return value
        if place.values is None and (number := _number(text)) is not None and place.domain.code(number) is not None:
            return number
    listed = "; ".join(dict.fromkeys(place.domain.describe() for place in places))
    raise UsageError(f"{where}: axis {axis!r} has no value {text!r}", hint=f"values: {listed}")


def level_name(value: Value) -> str:
    """A value as the name of a level."""
    return "on" if value is True else "off" if value is False else str(value)


def _read(item: Varied, space: SearchSpace) -> list[Factor]:
    if isinstance(item, Factor):
        return [item]
    if match := _GROUP.fullmatch(item.strip()):
        return [_group(match[1].strip(), match[2], space)]
    return [_of_axis(axis, values, space) for axis, values in _axes_in(item, space)]


def _group(name: str, text: str, space: SearchSpace) -> Factor:
    """`both spatial=separable channel=overlap | none spatial=depthwise channel=dense`; a level may have no change."""
    levels: dict[str, Candidate] = {}
    for part in text.split("|"):
        words = part.split()
        label = " ".join(word for word in words if "=" not in word)
        changes = " ".join(word for word in words if "=" in word)
        read = read_changes(changes, space, f"--vary {name!r}") if changes else {}
        label = label or changes
        if not label or label in levels:
            raise UsageError(
                f"--vary {name!r}: {'a level is empty' if not label else f'two levels are called {label!r}'}",
                hint=f'--vary "{name}: LABEL axis=value axis=value | LABEL axis=value"',
            )
        levels[label] = read
    return Factor(name, levels)


def _axes_in(text: str, space: SearchSpace) -> list[tuple[str, list[str]]]:
    """`channel.ratio=2/3,3/5,spatial` as axes with their values; a word that is no value of the axis before it begins
    the next axis."""
    known = {place.axis for place in space.parameters().values()}
    found: list[tuple[str, list[str]]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if ":" in part:
            raise UsageError(f"--vary {part!r} is a group after other axes", hint="give the group a --vary of its own")
        axis, equals, value = part.partition("=")
        if equals:
            found.append((axis.strip(), [value.strip()]))
        elif part in known and not (found and found[-1][1] and _has_value(found[-1][0], part, space)):
            found.append((part, []))
        elif found and found[-1][1]:
            found[-1][1].append(part)
        else:
            raise UnknownName(f"axis of space {space.name!r}", part, known)
    return found


def _has_value(axis: str, text: str, space: SearchSpace) -> bool:
    places = [place for place in space.parameters().values() if place.axis == axis]
    return any(_names(text, value) for place in places for value in place.values or ())


def _of_axis(axis: str, texts: Sequence[str], space: SearchSpace) -> Factor:
    where = f"--vary {axis}"
    if texts:
        values = [read_value(axis, text, space, where) for text in texts]
    else:
        places = places_of(axis, space, where)
        if any(place.values is None for place in places):
            raise UsageError(f"{where}: the axis is continuous", hint=f"list the values: {where}=0.1,0.2")
        values = list(dict.fromkeys(value for place in places for value in place.values or ()))
    return Factor(axis, {level_name(value): {axis: value} for value in values})


def _with_base(factor: Factor, base: Candidate) -> Factor:
    if len(factor.levels) > 1:
        return factor
    ((name, changes),) = factor.levels.items()
    if len(changes) == 1 and (axis := next(iter(changes))) in base:
        before = level_name(base[axis]) if name == level_name(changes[axis]) else AS_IN_BASE
    else:
        before = AS_IN_BASE
    return factor if before == name else Factor(factor.name, {before: {}, name: changes})


def _refuse_shared(factors: Sequence[Factor]) -> None:
    seen: dict[str, str] = {}
    for factor in factors:
        if factor.name in seen.values():
            raise UsageError(f"factor {factor.name!r} is given twice", hint="name each once")
        for axis in factor.axes:
            if axis in seen:
                raise UsageError(
                    f"factors {seen[axis]!r} and {factor.name!r} both change axis {axis!r}",
                    hint="put their levels into one factor",
                )
            seen[axis] = factor.name


def _names(text: str, value: Value) -> bool:
    """Whether a text means a value: `true` and `on` are the same."""
    return text.lower() in (str(value).lower(), level_name(value).lower())


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
