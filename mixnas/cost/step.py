"""One training step, or one forward pass, of a model on fake tensors: the steps of `mixnas.training`, written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import _disable_current_modes

from mixnas.cost.trace import Recorder
from mixnas.data import Normalisation
from mixnas.data.splits import Part
from mixnas.errors import ConfigError
from mixnas.recipe import Recipe
from mixnas.records import Problem
from mixnas.training import Training, autocast

Build = Callable[[], nn.Module]


def training_step(build: Build, problem: Problem, recipe: Recipe, batch: int, modules: bool = False) -> Recorder:
    """The life of every storage in one step as it is from the second step on: the optimiser's state exists, and the
    gradients of the step before live until they are cleared.

    The data set itself is left out, and so is the augmentation, which comes and goes before the model begins.

    Args:
        batch: images in the step.
        modules: says of every storage in which module it was allocated, which takes longer.
    """
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = _build_fake(build, mode)
        fake.to = lambda *_, **__: fake  # type: ignore[method-assign]  # fake weights cannot be moved
        training = make_training(fake, problem, recipe, batch)
        order = torch.arange(batch)
        recorder = Recorder()
        model = training.model
        for name, parameter in model.named_parameters():
            parameter.grad = torch.zeros_like(parameter)
            owner = name.rpartition(".")[0]
            recorder.add(parameter, "parameters", owner)
            recorder.add(parameter.grad, "gradients", owner)
            for state in _optimiser_state(training, parameter):
                recorder.add(state, "optimiser", owner)
        for name, buffer in model.named_buffers():
            recorder.add(buffer, "buffers", name.rpartition(".")[0])
        recorder.first = len(recorder.storages)
        _follow(recorder, training, modules)
        recorder.mark("inputs")
        with recorder:
            training.train_step(training.train.images[order], training.train.targets[order])
        recorder.close()
        for name, parameter in model.named_parameters():
            recorder.add(_some(parameter.grad), "gradients", name.rpartition(".")[0])
    return recorder


def inference_pass(build: Build, problem: Problem, precision: str, batch: int) -> Recorder:
    """The life of every storage in one forward pass in evaluation mode, without gradients."""
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        model = _build_fake(build, mode).eval()
        recorder = Recorder()
        for name, parameter in model.named_parameters():
            recorder.add(parameter, "parameters", name.rpartition(".")[0])
        for name, buffer in model.named_buffers():
            recorder.add(buffer, "buffers", name.rpartition(".")[0])
        recorder.first = len(recorder.storages)
        _mark_blocks(recorder, model, backward=False)
        images = torch.empty(batch, *problem.input).contiguous(memory_format=torch.channels_last)
        recorder.add(images, "inputs")
        recorder.mark("inputs")
        with recorder, torch.no_grad(), autocast(torch.device("cpu"), precision):
            outputs = model(images)
        recorder.add(outputs, "activations")
        recorder.close()
    return recorder


def _build_fake(build: Build, mode: FakeTensorMode) -> nn.Module:
    """The model on fake tensors. One whose making reads values of tensors, as that of timm's transformers does, is
    built for real first.
    """
    try:
        return build()
    except ConfigError as error:
        if not isinstance(error.__cause__, DataDependentOutputException):
            raise
    with _disable_current_modes():
        model = build()
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            held: dict[str, Any] = tensors
            held.update({name: mode.from_tensor(tensor) for name, tensor in held.items() if tensor is not None})
    return model


def make_training(model: nn.Module, problem: Problem, recipe: Recipe, batch: int, device: str = "cpu") -> Training:
    """A run that is ready to train on one batch of empty images, without augmentation."""
    part = Part(torch.zeros(batch, *problem.input, dtype=torch.uint8), _targets(problem, batch))
    normalisation = Normalisation((0.5,) * problem.in_channels, (0.25,) * problem.in_channels)
    recipe = replace(recipe, batch_size=batch, augment="none")
    training = Training(model, problem, part, normalisation, recipe, epochs=1, seed=0, device=device)
    training.steps = 10**6  # schedules end with the run; steps here are as in its middle
    training.model.train()
    return training


def _targets(problem: Problem, batch: int) -> Tensor:
    if problem.task == "classification":
        return torch.zeros(batch, dtype=torch.int64)
    if problem.task == "segmentation":
        return torch.zeros(batch, problem.height, problem.width, dtype=torch.uint8)
    return torch.zeros(batch, problem.num_classes, 2 * problem.height, 2 * problem.width, dtype=torch.uint8)


def _optimiser_state(training: Training, parameter: Tensor) -> list[Tensor]:
    """Gives AdamW the state that its first step would make, in a fraction of the time of a step."""
    state = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(parameter), "exp_avg_sq": torch.zeros_like(parameter)}
    training.optimizer.state[parameter] = state
    return list(state.values())


def _some(gradient: Tensor | None) -> Tensor:
    assert gradient is not None
    return gradient


def _follow(recorder: Recorder, training: Training, modules: bool) -> None:
    """Marks where the phases and the blocks begin."""
    model = training.model
    model.register_forward_pre_hook(lambda *_: recorder.mark("stem"))
    model.register_forward_hook(lambda *_: recorder.mark("loss"))
    _mark_blocks(recorder, model, backward=True)
    if modules:
        _name_modules(recorder, model)
        model.register_forward_pre_hook(lambda *_: recorder.keep("inputs"))
        model.register_forward_hook(lambda *_: recorder.keep("activations"))
        training.optimizer.register_step_pre_hook(lambda *_: setattr(recorder, "module", ""))
    training.optimizer.register_step_pre_hook(lambda *_: recorder.mark("optimiser"))


def _mark_blocks(recorder: Recorder, model: nn.Module, backward: bool) -> None:
    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.Sequential) or not len(blocks):
        return

    def before(number: int) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            recorder.mark("forward", number)
            if number == 0 and backward and inputs[0].grad_fn is not None:
                inputs[0].grad_fn.register_prehook(lambda *_: recorder.mark("stem backward"))

        return hook

    def after(number: int) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if backward and output.grad_fn is not None:
                output.grad_fn.register_prehook(lambda *_: recorder.mark("backward", number))
            if number == len(blocks) - 1:
                recorder.mark("head")

        return hook

    for number, block in enumerate(blocks):
        block.register_forward_pre_hook(before(number))
        block.register_forward_hook(after(number))


def _name_modules(recorder: Recorder, model: nn.Module) -> None:
    """Lets the recorder know in which module it is, forward and backward.

    The last operation of a module is often that of a module around it, too; its backward is the innermost one's.
    """
    stack: list[str] = [""]

    def enter(name: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            stack.append(name)
            recorder.module = name

        return hook

    def leave(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            stack.pop()
            recorder.module = stack[-1]
            node = output.grad_fn if isinstance(output, Tensor) else None
            known: Any = node.metadata if node is not None else {}
            if node is not None and "mixnas" not in known:
                known["mixnas"] = name
                node.register_prehook(lambda *_: setattr(recorder, "module", name))

        return hook

    for name, module in model.named_modules():
        module.register_forward_pre_hook(enter(name))
        module.register_forward_hook(leave(name))
