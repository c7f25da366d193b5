"""A space laid out flat: one slot for each place where an axis may stand, in the order of the space.

An axis below an option has a slot for each option that declares it, so a slot's name is branch-qualified and fixed:
`channel[overlap].ratio`. Candidates are read into a list of codes, one a slot, None where the slot is inactive.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from mixnas.objectives import ALIASES, OBJECTIVES
from mixnas.records import Candidate, Value
from mixnas.space.axes import Axis, Choice, Flag, Integer, Real
from mixnas.space.expression import did_you_mean
from mixnas.space.scan import UNITS

Code: TypeAlias = int | float | None
Codes: TypeAlias = list[Code]
Path: TypeAlias = tuple[tuple[int, int], ...]
"""The slots above a place, each with the code it has to have."""

CONTEXT: dict[str, Value] = {"task": "classification", "image_size": 32, "in_channels": 3, "num_classes": 10}
"""The names that rules may use beside axes, with the values they have until `given` changes them."""

DEEPEST_OPTIONS = 12

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


@dataclass(frozen=True)
class Slot:
    """One place of an axis. It is active when its parent (if any) is active and has the code `parent_code`."""

    name: str
    axis: str
    domain: Axis
    parent: int | None = None
    parent_code: int | None = None


@dataclass(frozen=True)
class Parameter:
    """What a sampler has to know about a slot. A choice with options is a choice of their names here."""

    name: str
    """Branch-qualified and fixed: `channel[overlap].ratio`."""
    axis: str
    """As in candidates: `channel.ratio`."""
    domain: Axis
    parent: str | None = None
    """The parameter that has to take `parent_value` for this one to exist."""
    parent_value: Value | None = None

    @property
    def values(self) -> tuple[Value, ...] | None:
        """All values in order, or None where the axis is continuous."""
        return None if self.domain.continuous else tuple(self.domain.values)


@dataclass
class Layout:
    """The slots of a space, and every mistake met while laying them out."""

    slots: list[Slot] = field(default_factory=list)
    names: dict[str, list[int]] = field(default_factory=dict)
    """Axis name to its slots."""
    broken: set[str] = field(default_factory=set)
    """Names of axes that were declared wrongly; rules may speak of them without a second complaint."""
    mistakes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._readers: list[tuple[str, Sequence[Value]]] = []
        self.children: dict[tuple[int, int], list[int]] = {}
        self._paths: dict[str, list[Path]] = {}

    def add(self, axes: Iterable[tuple[object, object]]) -> Layout:
        """Lays out top-level axes; mistakes are collected, not raised."""
        for name, axis in axes:
            if self._name_fits(name, "axis", name):
                self._add(str(name), str(name), axis, ())
        self._readers = [(slot.axis, slot.domain.values) for slot in self.slots]
        return self

    def _add(self, name: str, axis: str, domain: object, path: Path) -> None:
        if not isinstance(domain, Choice | Integer | Real | Flag):
            self.mistakes.append(
                f"axis {name!r} is {_short(domain)}, which is no axis; write choice(...), integer(...)"
            )
            self.broken.add(axis)
            return
        if found := domain.mistakes():
            self.mistakes += [f"axis {name!r} {mistake}" for mistake in found]
            self.broken.add(axis)
        if self._clashes(axis, path):
            self.mistakes.append(f"axis {name!r} is declared twice as {axis!r}; rename one")
        index = len(self.slots)
        if not found:
            self.slots.append(Slot(name, axis, domain, *(path[-1] if path else (None, None))))
            self.names.setdefault(axis, []).append(index)
            if path:
                self.children.setdefault(path[-1], []).append(index)
        if isinstance(domain, Choice):
            self._add_options(name, axis, domain, index, path)

    def _add_options(self, name: str, axis: str, domain: Choice, index: int, path: Path) -> None:
        for code in range(len(domain.options)):
            axes = domain.children(code)
            if axes and len(path) >= DEEPEST_OPTIONS:
                self.mistakes.append(f"axis {name!r} nests options deeper than {DEEPEST_OPTIONS}; flatten it")
                continue
            for sub, below in axes:
                if self._name_fits(sub, f"below {name}[{domain.values[code]}], axis", f"{axis}.{sub}"):
                    qualified = f"{name}[{domain.values[code]}].{sub}"
                    self._add(qualified, f"{axis}.{sub}", below, (*path, (index, code)))

    def _clashes(self, axis: str, path: Path) -> bool:
        """Whether the axis has a place already that could be active together with this one."""
        places = self._paths.setdefault(axis, [])
        clash = any(not _exclusive(path, other) for other in places)
        places.append(path)
        return clash

    def _name_fits(self, name: object, place: str, axis: object) -> bool:
        """Whether an axis may have that name, and be `axis` in full; says so if not."""
        reason = ""
        if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 100:
            reason = "is no name; use letters, digits, underscores and dots"
        elif any(keyword.iskeyword(part) or part == "where" for part in name.split(".")):
            reason = "is a word of the language; choose another name"
        elif axis in CONTEXT:
            reason = "is a name that rules have for the task and its data; choose another name"
        elif axis in OBJECTIVES or axis in ALIASES:
            reason = "is the name of an objective; choose another name"
        elif axis in UNITS:
            reason = "is a unit; choose another name"
        if reason:
            self.mistakes.append(f"{place} {_short(name)} {reason}")
        return not reason

    def parameters(self) -> dict[str, Parameter]:
        """Every slot as a parameter, by its branch-qualified name."""
        return {slot.name: self._parameter(slot) for slot in self.slots}

    def _parameter(self, slot: Slot) -> Parameter:
        domain = Choice(tuple(slot.domain.values)) if isinstance(slot.domain, Choice) else slot.domain
        if slot.parent is None or slot.parent_code is None:
            return Parameter(slot.name, slot.axis, domain)
        parent = self.slots[slot.parent]
        return Parameter(slot.name, slot.axis, domain, parent.name, parent.domain.values[slot.parent_code])

    def active(self, index: int, codes: Codes) -> bool:
        """Whether a slot is active where the slots before it have these codes."""
        slot = self.slots[index]
        return slot.parent is None or codes[slot.parent] == slot.parent_code

    def below(self, index: int) -> Iterator[int]:
        """The slots below one, at any depth; they follow it without a gap."""
        inside = {index}
        for later in range(index + 1, len(self.slots)):
            if self.slots[later].parent not in inside:
                return
            inside.add(later)
            yield later

    def read(self, candidate: Mapping[str, Any]) -> tuple[Codes, list[str]]:
        """The codes of a candidate, and what is wrong with it: unknown, missing and illegal values."""
        if not isinstance(candidate, Mapping):
            return [], [f"a candidate is a dict from axis to value, not {_short(candidate)}"]
        mistakes = [self._unknown(key) for key in candidate if key not in self.names]
        codes: Codes = [None] * len(self.slots)
        for index, slot in enumerate(self.slots):
            if not self.active(index, codes):
                continue
            if slot.axis not in candidate:
                mistakes.append(f"axis {slot.axis!r} is missing; values: {slot.domain.describe()}")
                continue
            codes[index] = slot.domain.code(plain(candidate[slot.axis]))
            if codes[index] is None:
                mistakes.append(self._illegal(slot, candidate[slot.axis]))
        return codes, mistakes

    def write(self, codes: Codes) -> Candidate:
        """The candidate of those codes, its keys in the order of the space."""
        return {axis: values[code] for (axis, values), code in zip(self._readers, codes) if code is not None}  # type: ignore[index]  # noqa: B905

    def _unknown(self, key: object) -> str:
        guess = did_you_mean(str(key), self.names)
        return f"there is no axis {_short(key)}; {guess or 'known: ' + ', '.join(self.names)}"

    def _illegal(self, slot: Slot, value: object) -> str:
        texts = [v for v in slot.domain.values if isinstance(v, str)] if isinstance(slot.domain, Choice) else []
        guess = did_you_mean(str(value), texts)
        listed = f"values: {slot.domain.describe()}"
        return f"axis {slot.axis!r} has no value {_short(value)}; {guess + ' ' if guess else ''}{listed}"


def _exclusive(one: Path, other: Path) -> bool:
    """Whether two places lie below different options of one choice."""
    codes = dict(one)
    return any(codes.get(slot, code) != code for slot, code in other)


def plain(value: Any) -> Any:
    """A numpy scalar as the Python value it stands for; anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
