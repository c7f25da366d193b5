"""Counts a built model with fvcore: the check of the closed forms, and what they and fvcore leave out.

The unit is the multiply-accumulate, which fvcore calls a flop. It follows the traced operations, so what a model does
outside them (a custom autograd function) is not seen.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # fvcore compiles helpers by torch.jit, which says that it is deprecated
    from fvcore.nn import FlopCountAnalysis

PASSED_OVER = ("aten::relu", "aten::relu_", "aten::clamp", "aten::clamp_", "aten::max")
"""Operations that compute something, and that fvcore leaves out without listing them as uncounted."""


@dataclass(frozen=True)
class Count:
    """fvcore's count of one forward pass of one image in eval mode."""

    total: int
    """Multiply-accumulates, with normalisation and pooling as fvcore counts them."""
    modules: Mapping[str, int]
    """The same for each module by its dotted name; `""` is the whole model."""
    uncounted: Mapping[str, int]
    """Operations that count nothing, with how often they run: `{"gelu": 25, "add": 8}`."""


def count(model: nn.Module, shape: tuple[int, int, int]) -> Count:
    """Counts a model on one image `[C, H, W]` of zeros. It runs a forward pass; the model stays in its mode."""
    first = next(model.parameters(), torch.empty(0))
    image = torch.zeros(1, *shape, device=first.device, dtype=first.dtype)
    passed: Counter[str] = Counter()
    with _eval_mode(model), torch.no_grad():
        analysis = FlopCountAnalysis(model, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        analysis.tracer_warnings("none")
        analysis.set_op_handle(**{name: _note(passed, name) for name in PASSED_OVER})
        modules = {name: int(found) for name, found in analysis.by_module().items()}
        passed.update(analysis.unsupported_ops())
    uncounted = {name.removeprefix("aten::"): times for name, times in passed.most_common()}
    return Count(modules[""], modules, uncounted)


def _note(passed: Counter[str], name: str) -> Callable[[Any, Any], Counter[str]]:
    """A handler for fvcore that counts nothing and notes that the operation ran."""

    def handle(inputs: Any, outputs: Any) -> Counter[str]:
        passed[name] += 1
        return Counter()

    return handle


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode
