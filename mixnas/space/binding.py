"""From what was declared to a bound space: lays out the axes, reads the rules, and gathers every mistake on the way."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from mixnas.errors import ExpressionError, SpaceError
from mixnas.records import Task, Value
from mixnas.space.bound import Bound, Check, Merger
from mixnas.space.expression import Expression, did_you_mean
from mixnas.space.layout import CONTEXT, Layout
from mixnas.space.nodes import Comparison, Literal, Membership, Name, Node, every_node
from mixnas.space.rules import Forbid, Merge, Require, title
from mixnas.space.walks import Walks

MOST_MERGED = 10_000
"""Values of an axis that a merge compares with each other."""

PROBES = 64
"""Raw candidates on which each rule is tried when a space is declared."""


def bind(
    name: object, family: object, axes: Iterable[tuple[object, object]], rules: object, context: Mapping[str, Value]
) -> Bound:
    """The bound space.

    Raises:
        SpaceError: with every mistake in `problems`.
    """
    layout = Layout().add(axes)
    named = {"name": name, "family": family}
    mistakes = [f"{key} is {value!r}; give a short text" for key, value in named.items() if not _is_name(value)]
    mistakes += layout.mistakes
    if not layout.slots and not mistakes:
        mistakes.append("the space has no axes; give at least one, such as width=choice(32, 64)")
    mistakes += context_mistakes(context)
    if not isinstance(rules, list | tuple):
        mistakes.append(f"rules is {repr(rules)[:60]}, which is no list; write rules=[...]")
        rules = []
    bound: list[Check | Merger] = []
    for number, rule in enumerate(rules, start=1):
        place = f"rule {number}"
        found, ready = _read(place, rule, layout, context)
        mistakes += found
        bound += ready
    if not mistakes:
        mistakes += _probe(Bound(layout, []), bound)
    if mistakes:
        raise mistaken(f"space {name!r}", mistakes)
    return Bound(layout, bound)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= 100 and value.isprintable()


def mistaken(what: str, mistakes: Sequence[str]) -> SpaceError:
    """One error for all mistakes."""
    if len(mistakes) == 1:
        return SpaceError(f"{what}: {mistakes[0]}", problems=mistakes)
    lines = "".join(f"\n  {number}. {mistake}" for number, mistake in enumerate(mistakes, start=1))
    return SpaceError(f"{what} has {len(mistakes)} mistakes:{lines}", problems=mistakes)


def context_mistakes(context: Mapping[str, Value]) -> list[str]:
    """What is wrong with context values."""
    mistakes = []
    for key, value in context.items():
        if key not in CONTEXT:
            guess = did_you_mean(str(key), CONTEXT) or f"known: {', '.join(CONTEXT)}"
            mistakes.append(f"there is no context name {key!r}; {guess}")
        elif key == "task" and value not in get_args(Task):
            mistakes.append(f"unknown task {value!r}; tasks: {', '.join(get_args(Task))}")
        elif key != "task" and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 2**31):
            mistakes.append(f"{key}={value!r} has to be a whole number above 0")
    return mistakes


def _read(
    place: str, rule: object, layout: Layout, context: Mapping[str, Value]
) -> tuple[list[str], list[Check | Merger]]:
    """The mistakes of one rule, and the bound rule where it has none."""
    if not isinstance(rule, Forbid | Require | Merge):
        return [f"{place} is {repr(rule)[:60]}, which is no rule; write forbid(...), require(...) or merge(...)"], []
    mistakes = []
    if not isinstance(rule.because, str) or not rule.because.strip():
        mistakes.append(f"{place} ({title(rule)[:60]}) has no reason; say why in because=...")
    known = {*layout.names, *layout.broken, *CONTEXT}
    if isinstance(rule, Merge):
        mistakes += [f"{place}: {mistake}" for mistake in _merge_mistakes(rule, layout)]
    try:
        expression = Expression.parse(rule.condition, known, place)
    except ExpressionError as error:
        return [*mistakes, str(error)], []
    mistakes += [f"{place}: {mistake}" for mistake in _literal_mistakes(expression.node, layout)]
    if mistakes or layout.mistakes:
        return mistakes, []
    bound = Merger if isinstance(rule, Merge) else Check
    return [], [bound(rule, expression, layout, context)]


def _merge_mistakes(rule: Merge, layout: Layout) -> list[str]:
    if rule.axis in layout.broken:
        return []
    if rule.axis not in layout.names:
        guess = did_you_mean(str(rule.axis), layout.names)
        return [f"merge of an unknown axis {rule.axis!r}; {guess or 'axes: ' + ', '.join(layout.names)}"]
    if any(layout.slots[i].domain.continuous for i in layout.names[rule.axis]):
        return [f"merge of the continuous axis {rule.axis!r}; give it a step"]
    if any(len(layout.slots[i].domain.values) > MOST_MERGED for i in layout.names[rule.axis]):
        return [f"merge of the axis {rule.axis!r} with more than {MOST_MERGED:,} values; give it a larger step"]
    return []


def _literal_mistakes(node: Node, layout: Layout) -> list[str]:
    """Comparisons of an axis with a text that it can never be: a slip of the pen that would pass unseen."""
    mistakes = []
    for axis, literal in _equalities(node):
        values = _values(axis, layout)
        texts = [v for v in values if isinstance(v, str)]
        if isinstance(literal, str) and values and literal not in texts:
            guess = did_you_mean(literal, texts) or f"values: {', '.join(map(str, values[:24]))}"
            mistakes.append(f"{axis!r} is never {literal!r}; {guess}")
        elif not isinstance(literal, str) and values and len(texts) == len(values):
            mistakes.append(f"{axis!r} holds text and never equals {literal!r}; put quotes around it")
    return mistakes


def _equalities(node: Node) -> list[tuple[str, Value]]:
    """Every name that is compared for equality with a literal, with the literal."""
    pairs: list[tuple[str, Value]] = []
    for part in every_node(node):
        if isinstance(part, Membership) and isinstance(part.operand, Name):
            pairs += [(part.operand.name, item.value) for item in part.items]
        elif isinstance(part, Comparison):
            left = part.first
            for symbol, right in part.rest:
                name, literal = (left, right) if isinstance(left, Name) else (right, left)
                if symbol in ("==", "!=") and isinstance(name, Name) and isinstance(literal, Literal):
                    pairs.append((name.name, literal.value))
                left = right
    return pairs


def _values(name: str, layout: Layout) -> list[Value]:
    """All values that a name may take, or none where they cannot be listed."""
    if name == "task":
        return list(get_args(Task))
    domains = [layout.slots[i].domain for i in layout.names.get(name, [])]
    if any(d.continuous or len(d.values) > 1000 for d in domains):
        return []
    return [value for domain in domains for value in domain.values]


def _probe(unruled: Bound, rules: Iterable[Check | Merger]) -> list[str]:
    """Tries every rule on some raw candidates: text in arithmetic and the like show only there."""
    rng = random.Random(0)
    walks = Walks(unruled)
    drawn = [walks.draw(rng.random) for _ in range(PROBES)]
    mistakes: dict[str, None] = {}
    for rule in rules:
        try:
            for codes in drawn:
                if codes is not None:
                    rule.passes(codes)
        except ExpressionError as error:
            mistakes[str(error)] = None
    return list(mistakes)
