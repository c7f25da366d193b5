"""What a model is made of as an icicle: each box is as high as its share of memory, parameters or operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import plotly.graph_objects as go

from mixnas.describe import format_bytes, short_number
from mixnas.figures import style

MEASURES = {
    "memory": "Memory at the peak of a training step",
    "saved": "Activations saved for the backward pass",
    "params": "Parameters",
    "macs": "Multiply-accumulates",
}
"""What a box may be as high as, with the text of its button."""

COLOURS = {
    "activations": style.SKY,
    "parameters": style.BLUE,
    "gradients": style.ORANGE,
    "optimiser": style.GREEN,
    "temporaries": style.YELLOW,
    "workspace": style.PURPLE,
    "inputs": style.FAINT,
    "buffers": "#8A929C",
}
"""Of each kind of memory."""

_DEEPEST = 4
"""Levels that are drawn at once; a click on a box shows what is deeper."""


@dataclass(frozen=True)
class Part:
    """A module, with all below it."""

    label: str
    kind: str
    """Its class."""
    values: Mapping[str, int]
    """By the names of `MEASURES`; a measure that was not taken is left out."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """Its memory by kind, that of its parts left out."""
    parts: tuple[Part, ...] = ()


@dataclass
class _Boxes:
    """The boxes of an icicle in the columns that Plotly takes."""

    ids: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    values: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in MEASURES})

    def add(self, label: str, kind: str, parent: str, colour: str, values: Mapping[str, int]) -> str:
        """A box, by its place in the tree."""
        box = f"{parent}/{len(self.ids)}"
        columns: tuple[tuple[list[Any], Any], ...] = (
            (self.ids, box), (self.parents, parent), (self.labels, escape(label)), (self.kinds, kind),
            (self.colours, colour), *((self.values[name], values.get(name, 0)) for name in MEASURES),
        )  # fmt: skip
        for column, value in columns:
            column.append(value)
        return box

    def add_part(self, part: Part, parent: str = "") -> dict[str, int]:
        """A part, the parts below it, and its own memory by kind; gives the memory of all of it by kind."""
        box, place = self.add(part.label, part.kind, parent, "", part.values), len(self.ids) - 1
        kinds = dict(part.memory)
        for inner in part.parts:
            for kind, size in self.add_part(inner, box).items():
                kinds[kind] = kinds.get(kind, 0) + size
        for kind, size in part.memory.items():
            self.add(kind, kind, box, COLOURS[kind], {"memory": size})
        for column in self.values.values():
            inside = (i for i, above in enumerate(self.parents) if above == box)
            column[place] = max(column[place], sum(column[i] for i in inside))  # or nothing would be drawn
        self.colours[place] = style.faded(COLOURS[max(kinds, key=lambda k: kinds[k])], 0.3) if kinds else style.GRID
        return kinds


def profile_figure(whole: Part, title: str = "") -> go.Figure:
    """An icicle from left to right, with a button for each measure that was taken.

    A module has the colour of what most of its memory is for, fainter than the boxes of that memory.
    """
    boxes = _Boxes()
    boxes.add_part(whole)
    measures = [name for name in MEASURES if boxes.values[name][0]]
    figure = style.new_figure(width=1100, height=720)
    figure.add_trace(
        go.Icicle(
            ids=boxes.ids, parents=boxes.parents, labels=boxes.labels, customdata=[[kind] for kind in boxes.kinds],
            branchvalues="total", sort=False, maxdepth=_DEEPEST, pathbar={"visible": True, "thickness": 24},
            texttemplate="%{label}  %{text}", textfont={"size": 14},
            hovertemplate="%{label} (%{customdata[0]})<br>%{text}, %{percentRoot:.1%}<extra></extra>",
            **_drawn(boxes, measures[0]),
        )
    )  # fmt: skip
    buttons = [{"label": MEASURES[name], "method": "restyle", "args": [_restyled(boxes, name)]} for name in measures]
    figure.update_layout(
        **style.titled(title),
        updatemenus=[
            {
                "type": "dropdown", "buttons": buttons, "x": 1.0, "xanchor": "right", "y": 1.0, "yanchor": "bottom",
                "pad": {"b": 8}, "font": {"size": 13}, "bgcolor": "white",
            }
        ],
        annotations=[_key(boxes)],
    )  # fmt: skip
    # Text that would not fit would be shrunk until nobody can read it.
    figure.update_layout(uniformtext={"minsize": 10, "mode": "hide"})
    return figure.update_layout(margin={"t": 96, "l": 20, "r": 20, "b": 20})


def _drawn(boxes: _Boxes, measure: str) -> dict[str, Any]:
    return {
        "values": boxes.values[measure],
        "text": [_text(measure, value) for value in boxes.values[measure]],
        "marker": {"colors": boxes.colours, "line": {"color": "white", "width": 1}},
    }


def _restyled(boxes: _Boxes, measure: str) -> dict[str, Any]:
    """The same for a button, which takes one list a trace."""
    return {name: [value] for name, value in _drawn(boxes, measure).items() if name != "marker"}


def _text(measure: str, value: int) -> str:
    return format_bytes(value) if measure in ("memory", "saved") else short_number(value)


def _key(boxes: _Boxes) -> dict[str, Any]:
    """What the colours mean, in one line."""
    there = set(boxes.kinds)
    words = [f"<span style='color:{colour}'>■</span> {kind}" for kind, colour in COLOURS.items() if kind in there]
    return {
        "text": "  ".join(words), "x": 0.0, "xref": "paper", "xanchor": "left", "y": 1.0, "yref": "paper",
        "yanchor": "bottom", "yshift": 10, "showarrow": False, "font": {"size": 14},
    }  # fmt: skip
