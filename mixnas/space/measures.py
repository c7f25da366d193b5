"""What the sides of a comparison measure: `memory <= 2GiB` makes sense, `params <= 2ms` does not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from mixnas.objectives import OBJECTIVES
from mixnas.space.nodes import Arithmetic, Comparison, Conditional, Literal, Name, Negative, Node, every_node
from mixnas.space.scan import Fault

PLAIN = "a plain number"
BYTES = "a size in bytes"
TIME = "a time in milliseconds"
SECONDS = "a time in seconds"

OF_UNIT = {**dict.fromkeys(("KiB", "MiB", "GiB", "TiB"), BYTES), **dict.fromkeys(("us", "ms", "s"), TIME)}
"""Units that fit one measure only; k, M, G and T fit all."""

COST_MEASURES = {o.name: {"B": BYTES, "ms": TIME, "s": SECONDS}.get(o.unit, PLAIN) for o in OBJECTIVES.values()}
"""What objectives measure, by name."""

_EXAMPLES = {PLAIN: "2, or 2k or 2M", BYTES: "2MiB", TIME: "2ms", SECONDS: "2"}


def require_alike(node: Node, measures: Mapping[str, str]) -> None:
    """Checks every comparison.

    Args:
        measures: of names; one that is missing is a plain number.

    Raises:
        Fault: something is compared with a number of a unit that it is not measured in.
    """
    for inner in every_node(node):
        if isinstance(inner, Comparison):
            sides = [inner.first, *(side for _, side in inner.rest)]
            for left, right in pairwise(sides):
                _require_alike(left, right, measures)
                _require_alike(right, left, measures)


def _require_alike(known: Node, side: Node, measures: Mapping[str, str]) -> None:
    wanted, found = _measured(known, measures), _measured(side, measures)
    name = next((n.name for n in every_node(known) if isinstance(n, Name)), "")
    literal = next((n for n in every_node(side) if isinstance(n, Literal) and n.unit in OF_UNIT), None)
    if name and literal and wanted and found and wanted != found:
        unit = f"{literal.unit} is for {OF_UNIT[literal.unit].split(' in ')[0]}"
        raise Fault(f"{unit}, {name} is {wanted}", literal.column, f"for example {name} <= {_EXAMPLES[wanted]}")


def _measured(node: Node, measures: Mapping[str, str]) -> str:
    """What a side measures; empty where it fits all, or cannot be told: products and ratios."""
    match node:
        case Name(name=name):
            return measures.get(name, PLAIN)
        case Literal(unit=unit):
            return OF_UNIT.get(unit, "")
        case Negative(operand=operand):
            return _measured(operand, measures)
        case Arithmetic(symbol="+" | "-", left=left, right=right):
            return _measured(left, measures) or _measured(right, measures)
        case Conditional(then=then, otherwise=otherwise):
            return _measured(then, measures) or _measured(otherwise, measures)
    return ""
