"""Counters of cost side by side on the same candidates: how fast each is, and where they disagree, and why.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_counters.py [--candidates 200] [--seed 0]

Everything runs in this one process on one thread, on models that each tool is given built (building is timed apart,
since all tools but the closed forms and the memory predictor need it). Multiply-accumulates are compared with the
closed form, which follows fvcore; parameters with the built model. A tool that counts operations of an addition and a
multiplication each is halved. Why a tool differs is not only said but checked: its figure has to be met exactly when
the operations that it counts differently are put in.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mixnas.cost.check import count
from mixnas.cost.memory import Setup, training_memory
from mixnas.describe import describe
from mixnas.models import family
from mixnas.models.splitmixer import ChannelConv3d, Segments
from mixnas.records import Problem
from mixnas.space import load_space

NORMS = (nn.BatchNorm2d, nn.GroupNorm)
Counter = Callable[[nn.Module, torch.Tensor], float]


def by_fvcore(model: nn.Module, image: torch.Tensor) -> float:
    return count(model, tuple(image.shape[1:])).total  # type: ignore[arg-type]


def by_flop_counter(model: nn.Module, image: torch.Tensor) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    return counter.get_total_flops() / 2


def by_torchinfo(model: nn.Module, image: torch.Tensor) -> float:
    from torchinfo import summary

    return float(summary(model, input_data=image, verbose=0).total_mult_adds)


def by_ptflops(model: nn.Module, image: torch.Tensor) -> float:
    from ptflops import get_model_complexity_info

    found, _ = get_model_complexity_info(
        model, tuple(image.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False, backend="pytorch"
    )
    return float(found)


COUNTERS: dict[str, Counter] = {
    "fvcore": by_fvcore,
    "FlopCounterMode": by_flop_counter,
    "torchinfo": by_torchinfo,
    "ptflops": by_ptflops,
}


class Parts:
    """What one forward pass of a model consists of, in the terms in which the tools differ."""

    def __init__(self, model: nn.Module, image: torch.Tensor, macs: int) -> None:
        self.seen: list[tuple[nn.Module, torch.Tensor, torch.Tensor]] = []
        noted = [m for m in model.modules() if isinstance(m, Segments) or not list(m.children())]
        hooks = [m.register_forward_hook(self._note) for m in noted]
        with torch.no_grad():
            model(image)
        for hook in hooks:
            hook.remove()
        self.norms = self.outputs(*NORMS)
        self.pooled = sum(x.numel() for module, x, _ in self.seen if isinstance(module, nn.AdaptiveAvgPool2d))
        prices = sum((5 if isinstance(m, nn.GroupNorm) else 2) * o.numel() for m, _, o in self.seen if type(m) in NORMS)
        self.products = macs - prices - self.pooled
        """Of convolutions and matrices alone."""
        self.biases = self.outputs(nn.Conv2d, nn.Linear)
        self.norm_weights = sum(p.numel() for m, _, _ in self.seen if type(m) in NORMS for p in m.parameters())
        self.sliced = [(m, o.numel() // o.shape[1]) for m, _, o in self.seen if isinstance(m, ChannelConv3d)]
        """Convolutions along the channels, each with its number of positions."""
        ran = {id(module) for module, _, _ in self.seen}
        self.joined = sum(
            o.numel() // o.shape[1] * sum(c.weight.numel() for c in m.convolutions)
            for m, _, o in self.seen
            if isinstance(m, Segments) and not ran & {id(c) for c in m.convolutions}
        )
        """Products of equal segments, whose convolutions run as a single one of the joined weights."""

    def _note(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        self.seen.append((module, inputs[0], output))

    def outputs(self, *kinds: type[nn.Module]) -> int:
        """Elements of the outputs of all modules of these kinds."""
        return sum(output.numel() for module, _, output in self.seen if type(module) in kinds)


def as_flop_counter(parts: Parts) -> float:
    return parts.products


def as_torchinfo(parts: Parts) -> float:
    once = sum((m.bias.numel() - (m.positions - 1) * m.weight.numel()) * area for m, area in parts.sliced)
    return parts.products + parts.biases + parts.norm_weights + once - parts.joined


def as_ptflops(parts: Parts) -> float:
    missing = sum(m.positions * m.weight.numel() * area for m, area in parts.sliced)
    activations = 2 * parts.outputs(nn.GELU, nn.ReLU) + parts.outputs(nn.SiLU)
    return parts.products + parts.biases + 2 * parts.norms + activations + 2 * parts.pooled - missing - parts.joined


EXPLAINED: dict[str, tuple[Callable[[Parts], float], str]] = {
    "FlopCounterMode": (
        as_flop_counter,
        "it counts products of convolutions and matrices alone: no normalisation, no pooling",
    ),
    "torchinfo": (
        as_torchinfo,
        "it adds the biases, counts a normalisation as its number of weights whatever the image, and no pooling; a "
        "strided convolution along the channels counts once, not at each of its positions there; equal segments that "
        "run as one convolution of their joined weights count nothing, as no module of theirs is called",
    ),
    "ptflops": (
        as_ptflops,
        "it adds the biases, 2 an element of a normalisation (fvcore: 5 for layer norm), GELU and ReLU twice (as "
        "module and as function), SiLU once, pooling twice; a subclass of nn.Conv3d counts nothing, nor do equal "
        "segments that run as one convolution of their joined weights",
    ),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    space, problem = load_space("splitmixer"), Problem()
    found = family(space.family)
    drawn = space.sample_many(random.Random(arguments.seed), arguments.candidates)
    write = sys.stdout.write
    write(f"{len(drawn)} candidates of {space.name}, {problem.key()}, one thread, torch {torch.__version__}\n")

    seconds, exact = timed(lambda axes: (int(found.params(axes, problem)), int(found.macs(axes, problem))), drawn)
    line(write, "closed forms", len(drawn) / seconds, "parameters and MACs; the reference of what follows")
    training_memory(space.family, drawn[0], problem, Setup())
    seconds, _ = timed(lambda axes: training_memory(space.family, axes, problem, Setup()), drawn)
    line(
        write, "memory, cold", len(drawn) / seconds, "peak bytes of a training step, traces of new structures included"
    )
    seconds, _ = timed(lambda axes: training_memory(space.family, axes, problem, Setup()), drawn)
    line(write, "memory, warm", len(drawn) / seconds, "the same, all structures traced before")
    seconds, models = timed(lambda axes: found.build(axes, problem).eval(), drawn)
    line(write, "building", len(drawn) / seconds, "needed by all tools below, not in their rates")
    image = torch.zeros(1, *problem.input)
    wrong = [sum(p.numel() for p in m.parameters()) != params for m, (params, _) in zip(models, exact, strict=True)]
    write(f"  parameters of the closed form and of the built model differ in {sum(wrong)}\n")
    for name, counter in COUNTERS.items():
        seconds, counted = timed(lambda model, counter=counter: counter(model, image), models)
        errors = [value / macs - 1 for value, (_, macs) in zip(counted, exact, strict=True)]
        worst = max(range(len(errors)), key=lambda i: abs(errors[i]))
        same = sum(error == 0 for error in errors)
        line(write, name, len(drawn) / seconds, f"MACs equal in {same}, largest difference {errors[worst]:+.2%}")
        if name in EXPLAINED:
            explain, words = EXPLAINED[name]
            parts = [Parts(model, image, macs) for model, (_, macs) in zip(models, exact, strict=True)]
            met = sum(explain(part) == value for part, value in zip(parts, counted, strict=True))
            write(f"      {words}\n      that meets its figure exactly in {met} of {len(drawn)}\n")
            write(f"      largest at {describe(drawn[worst])}: {counted[worst]:,.0f} for {exact[worst][1]:,}\n")
    return 0


def timed(work: Callable[[Any], Any], rows: list[Any]) -> tuple[float, list[Any]]:
    """Seconds for all of them, and the results."""
    start = time.perf_counter()
    results = [work(row) for row in rows]
    return time.perf_counter() - start, results


def line(write: Callable[[str], object], name: str, rate: float, what: str) -> None:
    write(f"  {name:<16} {rate:>10,.1f} candidates/s   {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
