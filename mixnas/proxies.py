"""Zero-cost proxies: guesses at how well an untrained model will learn, from one batch or none at all.

Each takes a freshly initialised model and a batch, and gives a score; more is said to be better. Parameters and MACs
are proxies, too, and the ones to beat.

Measured with `mixnas proxy` against the accuracy of the two tables in `studies/tables` (Spearman's rho):

    splitmixer_small   macs 0.874, params 0.822, naswot 0.740, synflow 0.562, grad_norm 0.135
    wavemix_small      params 0.755, synflow 0.746, naswot 0.639, grad_norm 0.636, macs 0.467

None ranks better than what costs nothing to know, so no search is started by one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mixnas.data import load_splits
from mixnas.data.splits import normalise
from mixnas.evaluator import one_thread
from mixnas.models import family
from mixnas.records import Candidate, Problem
from mixnas.training import derived_seed, seeded

BATCH = 32
"""Images that a proxy looks at."""

Score = Callable[[nn.Module, Tensor, Tensor], float]


@dataclass(frozen=True)
class Proxy:
    """One entry of the table: the function, and one line for the help text."""

    score: Score
    summary: str


def grad_norm(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    """Sum over the parameters of the L2 norm of the loss's gradient (arXiv:2101.08134, section 3.1)."""
    model.train()
    functional.cross_entropy(model(images), targets).backward()  # type: ignore[no-untyped-call]
    return float(sum(p.grad.norm() for p in model.parameters() if p.grad is not None))


def synflow(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    """log10 of the synaptic flow: the sum of |w dR/dw|, R the output of all ones with |w| (arXiv:2006.05467, eq. 2).

    In double precision and with norms as they are in evaluation: the sum overflows single precision in deep models.
    """
    model = model.double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    torch.sum(model(torch.ones_like(images[:1], dtype=torch.float64))).backward()  # type: ignore[no-untyped-call]
    flow = sum(float((p.detach() * p.grad).abs().sum()) for p in model.parameters() if p.grad is not None)
    return math.log10(flow) if flow > 0 else -math.inf


def naswot(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    """log |det K| of the kernel of activation patterns: how differently the images switch units (arXiv:2006.04647).

    A unit is on where the input of its activation is positive; K counts, for two images, the units that agree.
    """
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)

    def add(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        on = (inputs[0].reshape(len(images), -1) > 0).double()
        kernel.add_(on @ on.T + (1 - on) @ (1 - on).T)

    activations = [m for m in model.modules() if isinstance(m, nn.GELU | nn.ReLU | nn.SiLU)]
    hooks = [m.register_forward_hook(add) for m in activations]
    with torch.no_grad():
        model.train()(images)
    for hook in hooks:
        hook.remove()
    sign, logarithm = torch.linalg.slogdet(kernel)
    return float(logarithm) if sign != 0 else -math.inf


PROXIES: dict[str, Proxy] = {
    "synflow": Proxy(synflow, "synaptic flow, no data"),
    "naswot": Proxy(naswot, "how differently a batch switches the activations on and off"),
    "grad_norm": Proxy(grad_norm, "norm of the loss's gradient on a batch"),
}
"""`params` and `macs` come from the closed forms of the family, and are reported beside these."""


def scores(family_name: str, axes: Candidate, problem: Problem, images: Tensor, targets: Tensor) -> dict[str, float]:
    """Every proxy of one candidate, each on a model of its own, initialised with the same seed; one thread.

    Args:
        images: normalised, `[B, C, H, W]`.
        targets: classes, `[B]`.
    """
    made = family(family_name)
    found = {"params": float(made.params(axes, problem)), "macs": float(made.macs(axes, problem))}
    with one_thread():
        for name, proxy in PROXIES.items():
            with seeded(derived_seed(0, "proxy")):
                model = made.build(axes, problem)
                found[name] = proxy.score(model, images, targets)
    return found


def batch(dataset: str, size: int = BATCH) -> tuple[Tensor, Tensor]:
    """The first images of the training part, normalised, and their classes."""
    splits = load_splits(dataset, 0, None)
    return normalise(splits.train.images[:size], splits.normalisation), splits.train.targets[:size]
