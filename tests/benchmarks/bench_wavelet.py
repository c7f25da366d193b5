"""WaveMix training steps beside a straightforward re-implementation: one pytorch-wavelets transform for every level.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_wavelet.py [--repeats 5] [--device cpu|cuda]

Both models of a pair have the same weights, get the same images, and are checked to compute the same; they are timed in
turn in this one process, and each figure is the best of some steps. A step is forward, loss, backward and AdamW.
Memory is the peak of what is allocated during a step, gradients included, weights and optimiser not: CUDA's own figure,
or on a CPU the running sum of the allocations that torch's profiler records.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mixnas.models.wavelet import haar_pyramid
from mixnas.models.wavemix_lite import Block, WaveMixLite, build
from mixnas.models.wavemix_named import NAMED
from mixnas.records import Problem

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pytorch_wavelets import DWTForward

CASES = [("wavemix-192/16-L3-p4", 64, 200, 16), ("wavemix-lite-144/7", 32, 10, 32)]
"""Named model, image side, classes, batch."""


class PlainBlock(nn.Module):
    """A block as the paper describes it: the image is transformed anew, from the start, for each of its levels."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.reduction, self.levels = block.reduction, block.levels
        self.transforms = nn.ModuleList(
            DWTForward(J=level + 1, wave="haar", mode="zero") for level in range(len(block.levels))
        )

    def forward(self, x: Tensor) -> Tensor:
        reduced = self.reduction(x)
        mixed: Tensor | None = None
        for feed_forward, transform in zip(reversed(self.levels), reversed(self.transforms), strict=True):
            low, details = transform(reduced)
            detail = details[-1]
            bands = torch.cat([low, detail.reshape(detail.shape[0], -1, *detail.shape[-2:])], dim=1)
            bands = bands if mixed is None else torch.cat([bands, mixed], dim=1)
            y = feed_forward.dropout(F.gelu(feed_forward.expand(bands)))
            mixed = feed_forward.norm(feed_forward.upsample(feed_forward.project(y)))
        assert mixed is not None
        return mixed + x


def plain(model: WaveMixLite) -> nn.Module:
    """The same weights in plain blocks."""
    return nn.Sequential(model.stem, *(PlainBlock(block) for block in model.blocks), model.head)


def stepper(model: nn.Module, images: Tensor, target: Tensor) -> Callable[[], float]:
    """One training step of the model, giving the loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0)  # both keep the weights they share

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(images), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def seconds(works: list[Callable[[], object]], repeats: int, device: str) -> list[float]:
    """The best time of each, taken in turn so that both meet the same noise."""
    best = [float("inf")] * len(works)
    for _ in range(repeats + 1):
        for number, work in enumerate(works):
            start = time.perf_counter()
            work()
            if device == "cuda":
                torch.cuda.synchronize()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def peak_bytes(work: Callable[[], object], model: nn.Module, device: str) -> int:
    """Most bytes allocated at once during the work, beyond those before it, which include no gradients."""
    model.zero_grad(set_to_none=True)
    if device == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def compare_models(name: str, side: int, classes: int, batch: int, repeats: int, device: str) -> bool:
    torch.manual_seed(0)
    ours = build({**NAMED[name].axes, "dropout": 0.0}, Problem.square(side, num_classes=classes)).to(device)
    theirs = plain(ours).to(device)
    images = torch.randn(batch, 3, side, side, device=device)
    target = torch.arange(batch, device=device) % classes
    with torch.no_grad():
        difference = (ours(images) - theirs(images)).abs().max().item()
    steps = [stepper(theirs, images, target), stepper(ours, images, target)]
    slow, fast = seconds(steps, repeats, device)
    large, small = (peak_bytes(step, ours, device) for step in steps)
    print(f"{name} at {side}x{side}, batch {batch}, largest difference of logits {difference:.1e}")
    print(
        f"  training step   plain {slow * 1e3:8.1f} ms   mixnas {fast * 1e3:8.1f} ms   {slow / fast:.2f} times as fast"
    )
    print(
        f"  peak memory     plain {large / 2**20:8.1f} MiB  mixnas {small / 2**20:8.1f} MiB  {small / large:.2f} of it"
    )
    return difference < 1e-3


def compare_pyramids(shape: tuple[int, ...], levels: int, repeats: int, device: str) -> bool:
    """The transform alone, forward and backward: one pyramid each, so that only the implementation differs."""
    x = torch.randn(shape, device=device, requires_grad=True)
    transform = DWTForward(J=1, wave="haar", mode="zero").to(device)
    weights = [torch.randn_like(level) for level in haar_pyramid(x, levels)]

    def gradient(pyramid: list[Tensor]) -> Tensor:
        return torch.autograd.grad(pyramid, x, weights)[0]

    def theirs() -> Tensor:
        pyramid, low = [], x
        for _ in range(levels):
            low, (details,) = transform(low)
            pyramid.append(torch.cat([low, details.flatten(1, 2)], dim=1))
        return gradient(pyramid)

    def ours() -> Tensor:
        return gradient(list(haar_pyramid(x, levels)))

    difference = (ours() - theirs()).abs().max().item()
    slow, fast = seconds([theirs, ours], 20 * repeats, device)
    print(
        f"Haar pyramid of {'x'.join(map(str, shape))}, {levels} levels, forward and backward: "
        f"pytorch-wavelets {slow * 1e3:.2f} ms, mixnas {fast * 1e3:.2f} ms, {slow / fast:.2f} times as fast "
        f"(largest difference {difference:.1e})"
    )
    return difference < 1e-4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {options.device}, one thread")
    same = [compare_pyramids((32, 36, 32, 32), 1, options.repeats, options.device)]
    same += [compare_pyramids((16, 48, 64, 64), 3, options.repeats, options.device)]
    same += [compare_models(*case, options.repeats, options.device) for case in CASES]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
