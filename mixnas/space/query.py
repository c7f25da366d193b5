"""Reads queries such as `acc where params <= 20k`: an objective, and the condition its trials have to meet."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mixnas.errors import ExpressionError
from mixnas.objectives import ALIASES, OBJECTIVES, objective
from mixnas.space.expression import Expression
from mixnas.space.measures import COST_MEASURES

_WHERE = re.compile(r"\swhere(?:\s|$)")


def parse_query(text: str, names: Iterable[str] = (), where: str = "--best") -> tuple[str, Expression | None]:
    """The objective's name (aliases resolved) and the condition, or None where the query has none.

    The condition may speak of every objective and alias, and of `names` (the axes of a space).

    Raises:
        UnknownName: no objective has that name.
        ExpressionError: the query is empty, or its condition is not in the expression language.
    """
    head, *rest = _WHERE.split(text, maxsplit=1)
    if not head.strip():
        raise ExpressionError(f"{where}: no objective in {text[:80]!r}", hint="for example: acc where params <= 20k")
    name = objective(head[:80]).name
    if not rest:
        return name, None
    return name, Expression.parse(rest[0], {*OBJECTIVES, *ALIASES, *names}, where, COST_MEASURES)
