"""Spaces as JSON: plain data with a format name and a version number, read with all mistakes reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixnas.errors import SpaceError
from mixnas.space.axes import Axis, Choice, Flag, Integer, Option, Real
from mixnas.space.binding import mistaken
from mixnas.space.rules import Forbid, Merge, Require, Rule

if TYPE_CHECKING:
    from mixnas.space.space import SearchSpace

FORMAT = "mixnas.space"
VERSION = 1


def space_to_json(space: SearchSpace) -> dict[str, Any]:
    """The space as data that `json.dumps` takes."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": space.name,
        "family": space.family,
        "source": space.source,
        "summary": space.summary,
        "axes": [_axis_to_json(name, axis) for name, axis in space.axes.items()],
        "rules": [_rule_to_json(rule) for rule in space.rules],
        "context": dict(space.context),
    }


def space_from_json(data: Any) -> SearchSpace:
    """The space of such data.

    Raises:
        SpaceError: it is no space, of a newer version, or has mistakes (all in `problems`).
    """
    from mixnas.space.space import SearchSpace

    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise SpaceError(
            "this JSON is no search space", hint=f'it needs "format": "{FORMAT}"; see mixnas space show --json'
        )
    if data.get("version") != VERSION:
        raise SpaceError(
            f"search space of version {data.get('version')!r}; this program reads {VERSION}",
            hint="update mixnas, or write the space anew",
        )
    mistakes: list[str] = []
    reader = _Reader(mistakes)
    texts = {key: reader.text(data, key) for key in ("name", "family", "source", "summary")}
    axes = reader.axes(data.get("axes"), "axes")
    rules = [reader.rule(rule, f"rules[{i}]") for i, rule in enumerate(reader.listing(data.get("rules"), "rules"))]
    context = data.get("context") or {}
    if not isinstance(context, Mapping):
        mistakes.append(f"context: {context!r} is no object")
    unknown = [key for key in data if key not in ("format", "version", *texts, "axes", "rules", "context")]
    mistakes += [f"unknown key {key!r}" for key in unknown]
    if mistakes:
        raise mistaken(f"space {texts['name']!r}", mistakes)
    told: dict[str, Any] = {**texts, "axes": axes, "rules": rules, "context": context}
    return SearchSpace(**told)


def _axis_to_json(name: str, axis: Axis) -> dict[str, Any]:
    match axis:
        case Choice(options=options):
            return {"name": name, "kind": "choice", "options": [_option_to_json(o) for o in options]}
        case Integer() | Real():
            numbers = {"low": axis.low, "high": axis.high, "step": axis.step, "log": axis.log}
            return {"name": name, "kind": axis.kind, **numbers}
        case Flag():
            return {"name": name, "kind": "flag"}


def _option_to_json(option: Any) -> Any:
    if not isinstance(option, Option):
        return option
    return {"option": option.name, "axes": [_axis_to_json(name, axis) for name, axis in option.axes]}


def _rule_to_json(rule: Rule) -> dict[str, str]:
    match rule:
        case Forbid():
            return {"kind": "forbid", "when": rule.when, "because": rule.because}
        case Require():
            return {"kind": "require", "that": rule.that, "because": rule.because}
        case Merge():
            return {"kind": "merge", "axis": rule.axis, "by": rule.by, "because": rule.because}


class _Reader:
    """Reads parts of the data; what is wrong goes to `mistakes` with its place."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = mistakes

    def text(self, data: Mapping[str, Any], key: str, place: str = "") -> str:
        value = data.get(key, "" if key in ("source", "summary") else None)
        if not isinstance(value, str):
            self.mistakes.append(f"{place}{key}: {value!r} is no text")
            return ""
        return value

    def listing(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            self.mistakes.append(f"{place}: {repr(value)[:60]} is no list")
            return []
        return value

    def axes(self, value: Any, place: str, depth: int = 0) -> dict[str, Axis]:
        found: dict[str, Axis] = {}
        for i, data in enumerate(self.listing(value, place)):
            here = f"{place}[{i}]"
            if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
                self.mistakes.append(f'{here}: an axis needs "name" and "kind"')
            elif data["name"] in found:
                self.mistakes.append(f"{here}: the axis {data['name']!r} is declared twice; rename one")
            else:
                axis = self.axis(data, here, depth)
                if axis is not None:
                    found[data["name"]] = axis
        return found

    def axis(self, data: Mapping[str, Any], place: str, depth: int) -> Axis | None:
        kind = data.get("kind")
        if depth > 50:
            self.mistakes.append(f"{place}: options nest too deep")
        elif kind == "choice":
            options = self.listing(data.get("options"), f"{place}.options")
            return Choice(tuple(self.option(o, f"{place}.options[{i}]", depth) for i, o in enumerate(options)))
        elif kind == "integer":
            return Integer(data.get("low"), data.get("high"), data.get("step", 1), data.get("log") is True)  # type: ignore[arg-type]
        elif kind == "real":
            return Real(data.get("low"), data.get("high"), data.get("step"), data.get("log") is True)  # type: ignore[arg-type]
        elif kind == "flag":
            return Flag()
        else:
            self.mistakes.append(f"{place}: unknown kind {kind!r}; kinds: choice, integer, real, flag")
        return None

    def option(self, data: Any, place: str, depth: int) -> Any:
        if not isinstance(data, Mapping):
            return data
        name = self.text(data, "option", f"{place}.")
        return Option(name, tuple(self.axes(data.get("axes"), f"{place}.axes", depth + 1).items()))

    def rule(self, data: Any, place: str) -> Rule | None:
        kind = data.get("kind") if isinstance(data, Mapping) else None
        because = self.text(data, "because", f"{place}.") if isinstance(data, Mapping) else ""
        if kind == "forbid":
            return Forbid(self.text(data, "when", f"{place}."), because)
        if kind == "require":
            return Require(self.text(data, "that", f"{place}."), because)
        if kind == "merge":
            return Merge(self.text(data, "axis", f"{place}."), self.text(data, "by", f"{place}."), because)
        self.mistakes.append(f"{place}: unknown kind {kind!r}; kinds: forbid, require, merge")
        return None
