"""Latency and throughput of a model on the device at hand: medians over repeated forward passes, with their spread.

Weights are random and images are noise: neither changes the time. A figure says nothing without its device, batch size,
engine and threads, so all of them travel with it; `Timing.stored_name` is what the store calls it.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mixnas.describe import format_bytes
from mixnas.environment import machine_memory
from mixnas.errors import MissingExtra, UnknownName, UsageError
from mixnas.models import family as find_family
from mixnas.records import Candidate, Problem

ENGINES = {
    "eager": "PyTorch as it is trained",
    "export": "the graph that torch.export makes",
    "onnx": "ONNX Runtime",
}
THROUGHPUT_BATCH = 64
WARM_UP = 5
LEAST, MOST = 15, 400
"""Timed runs: as many as fit into the time given, but not fewer and not more than these."""


@dataclass(frozen=True)
class Timing:
    """A median of forward passes with the interquartile range, in the unit of the objective: ms or images/s."""

    name: str
    value: float
    spread: float
    batch_size: int
    engine: str
    device: str
    threads: int
    runs: int

    @property
    def stored_name(self) -> str:
        """`latency[b1-eager-1t]`."""
        return f"{self.name}[b{self.batch_size}-{self.engine}-{self.threads}t]"


def measure(
    name: str,
    family: str,
    axes: Candidate,
    problem: Problem,
    *,
    batch_size: int | None = None,
    engine: str = "eager",
    device: str = "cpu",
    threads: int = 1,
    seconds: float = 1.0,
) -> Timing:
    """Times `latency` (a batch of 1) or `throughput` (a batch of 64) unless another batch size is given.

    Raises:
        UnknownName: there is no such objective that is timed so, engine or family.
        MissingExtra: the engine is not installed.
        UsageError: the device is not there, or a number makes no sense.
    """
    if name not in ("latency", "throughput"):
        raise UnknownName("objective to time", name, ("latency", "throughput"))
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    batch = batch_size if batch_size is not None else 1 if name == "latency" else THROUGHPUT_BATCH
    if batch < 1 or threads < 1:
        raise UsageError(f"batch size {batch} and {threads} threads: both must be at least 1")
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"no such device here: {device}", hint="--device cpu")
    with _threads(threads):
        times = _times(family, axes, problem, batch, engine, device, threads, seconds)
    figures = times if name == "latency" else [1000 * batch / ms for ms in times]
    first, middle, third = statistics.quantiles(figures, n=4)
    return Timing(name, middle, third - first, batch, engine, device, threads, len(times))


def _times(
    family: str, axes: Candidate, problem: Problem, batch: int, engine: str, device: str, threads: int, seconds: float
) -> list[float]:
    """Milliseconds of each forward pass."""
    needed = 4 * (int(find_family(family).params(axes, problem)) + batch * math.prod(problem.input))
    if torch.device(device).type == "cpu" and needed > machine_memory():
        raise UsageError(
            f"weights and a batch of {batch:,} images need {format_bytes(needed)}, this machine has "
            f"{format_bytes(machine_memory())}",
            hint="a smaller --batch-size, or another model",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = find_family(family).build(axes, problem).eval().to(device)
        images = torch.randn(batch, *problem.input, device=device)
    run = _ENGINES[engine](model, images, threads)
    for _ in range(WARM_UP):
        run()
    found: list[float] = []
    end = time.perf_counter() + seconds
    while len(found) < LEAST or (len(found) < MOST and time.perf_counter() < end):
        start = time.perf_counter()
        run()
        if images.is_cuda:
            torch.cuda.synchronize(images.device)
        found.append(1000 * (time.perf_counter() - start))
    return found


def _eager(model: nn.Module, images: Tensor, threads: int) -> Callable[[], object]:
    images = images.contiguous(memory_format=torch.channels_last)

    def run() -> object:
        with torch.inference_mode():
            return model(images)

    return run


def _export(model: nn.Module, images: Tensor, threads: int) -> Callable[[], object]:
    with torch.no_grad():
        program = torch.export.export(model, (images,)).module()

    def run() -> object:
        with torch.inference_mode():
            return program(images)

    return run


def _onnx(model: nn.Module, images: Tensor, threads: int) -> Callable[[], object]:
    for package in ("onnxruntime", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra("engine 'onnx'", package, "onnx")
    if images.is_cuda:
        raise UsageError("engine 'onnx' times on the CPU only", hint="--device cpu, or --engine export")
    import onnxruntime

    program = torch.onnx.export(model, (images,), dynamo=True, verbose=False)
    assert program is not None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    inputs = {session.get_inputs()[0].name: images.numpy()}

    def run() -> object:
        found: object = session.run(None, inputs)
        return found

    return run


_ENGINES: dict[str, Callable[[nn.Module, Tensor, int], Callable[[], object]]] = {
    "eager": _eager,
    "export": _export,
    "onnx": _onnx,
}


@contextmanager
def _threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
