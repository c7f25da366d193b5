"""The icicle of a profile: its boxes add up, whatever the parts say of themselves."""

from __future__ import annotations

from mixnas.figures.profile import COLOURS, MEASURES, Part, profile_figure

STEM = Part("stem", "Conv2d", {"memory": 30, "saved": 20, "params": 10, "macs": 5}, {"activations": 20, "inputs": 10})
HEAD = Part("head", "Linear", {"memory": 12, "saved": 0, "params": 40, "macs": 50}, {"optimiser": 12})
WHOLE = Part("<net>", "family", {"memory": 45, "saved": 20, "params": 50, "macs": 40}, {"buffers": 3}, (STEM, HEAD))


def test_every_part_and_kind_is_a_box_below_its_module() -> None:
    trace = profile_figure(WHOLE).data[0]
    names = dict(zip(trace.ids, trace.labels, strict=True))
    tree = [(label, names.get(above, "")) for label, above in zip(trace.labels, trace.parents, strict=True)]
    assert tree == [
        ("&lt;net&gt;", ""),
        ("stem", "&lt;net&gt;"),
        ("activations", "stem"),
        ("inputs", "stem"),
        ("head", "&lt;net&gt;"),
        ("optimiser", "head"),
        ("buffers", "&lt;net&gt;"),
    ]
    assert list(trace.values) == [45, 30, 20, 10, 12, 12, 3]
    assert trace.marker.colors[2] == COLOURS["activations"]


def test_a_box_is_never_smaller_than_what_is_inside() -> None:
    figure = profile_figure(WHOLE)
    parents = list(figure.data[0].parents)
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == list(MEASURES.values())
    for button in buttons:
        values = button.args[0]["values"][0]
        for place, box in enumerate(figure.data[0].ids):
            assert values[place] >= sum(v for v, above in zip(values, parents, strict=True) if above == box)
    assert buttons[3].args[0]["values"][0][0] == 55  # more than the 40 that the whole says of itself


def test_a_measure_that_was_not_taken_has_no_button() -> None:
    figure = profile_figure(Part("net", "timm", {"params": 7, "macs": 3}))
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["Parameters", "Multiply-accumulates"]
