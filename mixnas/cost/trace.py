"""Runs one step on fake tensors and writes down what the allocator would see: which storages live when.

A fake tensor has a shape and no data, so a step on a model of any size costs the same and allocates nothing. A dispatch
mode sees every operation, forward and backward; a storage is born with the first tensor that shows it and dies with its
last one, by the same reference counts as in a real step. `workspace` adds what kernels allocate inside themselves.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mixnas.cost.kernels import like_the_kernel
from mixnas.cost.workspace import Shape, Work, find_work

Kind = Literal["parameters", "gradients", "optimiser", "buffers", "inputs", "activations", "temporaries", "workspace"]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
"""`activations` are what the forward pass leaves for the backward pass; `workspace` is what a kernel takes inside."""

_DEVICE = torch.ops.prim.device.default
_NORM = torch.ops.aten.linalg_vector_norm.default
"""Clipping is what takes norms of gradients."""


class Storage:
    """One piece of memory: its shape, what it is for, and the module in which it was allocated."""

    __slots__ = ("element", "kind", "module", "shape", "work")

    def __init__(self, shape: Shape, element: int, kind: Kind, module: str, work: Work | None = None) -> None:
        self.shape, self.element, self.kind, self.module, self.work = shape, element, kind, module, work

    def size(self, sizes: Mapping[int, int]) -> int:
        """Bytes, with every size of the shape replaced as `sizes` says."""
        if self.work is not None:
            return self.work.size(sizes)
        return math.prod(sizes.get(n, n) for n in self.shape) * self.element


class Mark(NamedTuple):
    """A section of the step begins at that event: `forward` or `backward` of a block, or another phase."""

    event: int
    phase: str
    block: int = -1


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows storages while it is on: `storages`, `events` and `marks` of a step, in order."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.storages: list[Storage] = []
        self.events: list[tuple[int, int]] = []
        """`(storage, 1)`: it is born; `(storage, -1)`: it dies."""
        self.marks: list[Mark] = [Mark(0, "begin")]
        self.kind: Kind = "temporaries"
        self.module = ""
        self.first = 0
        """Storages before this number lived before the step."""
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._closed = False

    def mark(self, phase: str, block: int = -1) -> None:
        """A section begins."""
        self.marks.append(Mark(len(self.events), phase, block))

    def add(self, tensor: Tensor, kind: Kind, module: str = "") -> None:
        """Takes note of a tensor; one that is known already is of this kind from now on."""
        storage = tensor.untyped_storage()
        number = self._numbers.get(storage)
        if number is not None:
            known = self.storages[number]
            known.kind, known.module = kind, module or known.module
            return
        element = tensor.element_size()
        shape = tuple(tensor.shape)
        if math.prod(shape) * element != storage.nbytes():
            shape, element = (storage.nbytes(),), 1
        self._numbers[storage] = number = self._new(Storage(shape, element, kind, module))
        weakref.finalize(storage, self._dies, number).atexit = False

    def keep(self, kind: Kind) -> None:
        """Everything of no kind yet that lives now is of this kind."""
        for number in self._numbers.values():
            if self.storages[number].kind == "temporaries":
                self.storages[number].kind = kind

    def close(self) -> None:
        """What dies from now on does so outside the step."""
        self._closed = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is _DEVICE:
            return args[0].fake_device  # asked for hundreds of times a step, and slow to dispatch
        if func is _NORM and self.marks[-1].phase != "clip":
            self.mark("clip")
            self.module = ""
        result = func(*args, **(kwargs or {}))
        result = like_the_kernel(func, args, result)
        work = find_work(func, args)
        for out in result if isinstance(result, tuple | list) else (result,):
            if isinstance(out, Tensor) and out.untyped_storage() not in self._numbers:
                self.add(out, self.kind, self.module)
        if work is not None:
            number = self._new(Storage((), 1, "workspace", self.module, work))
            self.events.append((number, -1))
        return result

    def _new(self, storage: Storage) -> int:
        self.storages.append(storage)
        self.events.append((len(self.storages) - 1, 1))
        return len(self.storages) - 1

    def _dies(self, number: int) -> None:
        if not self._closed:
            self.events.append((number, -1))
