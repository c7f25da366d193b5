"""Search spaces: what may exist, declared once in plain Python, and everything that follows from it.

    from mixnas.space import SearchSpace, choice, flag, forbid, integer, option, real, require

`axes` and `rules` are what a space is written with; `expression` is the safe language of rules and constraints; `space`
is the object that enumerates, samples, mutates, names and explains candidates. Nothing heavier than numpy is imported.
"""

from mixnas.space.axes import Axis, Choice, Flag, Integer, Option, Real, choice, flag, integer, option, real
from mixnas.space.expression import Expression
from mixnas.space.layout import CONTEXT, Parameter
from mixnas.space.load import load_space
from mixnas.space.nodes import INACTIVE
from mixnas.space.query import parse_query
from mixnas.space.rules import Forbid, Merge, Require, Rule, forbid, merge, require
from mixnas.space.show import show, show_candidate
from mixnas.space.space import SearchSpace, size_note

__all__ = [
    "CONTEXT",
    "INACTIVE",
    "Axis",
    "Choice",
    "Expression",
    "Flag",
    "Forbid",
    "Integer",
    "Merge",
    "Option",
    "Parameter",
    "Real",
    "Require",
    "Rule",
    "SearchSpace",
    "choice",
    "flag",
    "forbid",
    "integer",
    "load_space",
    "merge",
    "option",
    "parse_query",
    "real",
    "require",
    "show",
    "show_candidate",
    "size_note",
]
