"""Our WaveMix-Lite against golden values of the published code: outputs, losses, gradients, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from mixnas.errors import ConfigError
from mixnas.models import reference

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = sorted(p.stem for p in GOLDEN.glob("wavemix*.npz"))


def read(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Config, state and everything else of one golden file."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        values = {key: file[key] for key in file.files}
    state = {key.removeprefix("state/"): values.pop(key) for key in list(values) if key.startswith("state/")}
    return json.loads(str(values.pop("config"))), state, values


def close(found: torch.Tensor, expected: np.ndarray) -> None:
    """Within 1e-5 absolute or 1e-4 relative of the golden value."""
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_every_task_and_level_has_a_golden_file() -> None:
    assert len(FILES) == 11


@pytest.mark.parametrize("name", FILES)
def test_eval_output(name: str) -> None:
    config, state, values = read(name)
    model = reference.load(config, state).eval()
    assert sum(p.numel() for p in model.parameters()) == config["num_params"]
    with torch.no_grad():
        close(model(torch.from_numpy(values["input"])), values["output_eval"])


@pytest.mark.parametrize("name", FILES)
def test_train_output_loss_and_every_gradient(name: str) -> None:
    config, state, values = read(name)
    model = reference.load({**config, "dropout": 0.0}, state).train()
    output = model(torch.from_numpy(values["input"]))
    classifies = config["task"] == "classification"
    loss = functional.cross_entropy(output, torch.tensor([1, 3])) if classifies else output.square().mean()
    loss.backward()
    close(output, values["output_train"])
    close(loss, values["loss_train"])
    theirs = reference.names(config)
    compared = 0
    for mine, parameter in model.named_parameters():
        assert parameter.grad is not None
        close(parameter.grad, values[f"grad/{theirs[mine]}"])
        compared += 1
    assert compared == sum(key.startswith("grad/") for key in values)


def test_dropout_of_the_config_is_in_the_model() -> None:
    config, state, values = read("wavemix_classification_level2")
    model = reference.load(config, state).train()
    rates = {layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)}
    images = torch.from_numpy(values["input"])
    assert rates == {0.5}
    assert not torch.equal(model(images), model(images))


def test_the_image_size_may_be_left_out() -> None:
    config, state, values = read("wavemix_segmentation_level4")
    model = reference.load({k: v for k, v in config.items() if k != "image_size"}, state).eval()
    with torch.no_grad():
        close(model(torch.from_numpy(values["input"])), values["output_eval"])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("wavemix_classification_level1", {"mult": None}, "the config of WaveMix lacks mult"),
        ("wavemix_classification_level1", {"final_dim": 18}, "width must be a multiple of 4"),
        ("wavemix_classification_level1", {"initial_conv": "conv"}, "WaveMix has initial_conv 'conv'.*pachify"),
        ("wavemix_classification_level1", {"level": 2}, r"layers.0.feedforward1.0.weight is missing"),
        ("wavemix_classification_level1", {"ff_channel": 8}, r"feedforward.3.weight has shape \[12, 32, 1, 1\]"),
        ("wavemix_segmentation_level1", {"stride": 1}, "stride 1 gives an output of another size"),
        ("wavemix_classification_level1", {"image_size": 1}, "level 1 has nothing to transform"),
    ],
)
def test_wrong_arguments_are_refused(name: str, change: dict[str, Any], message: str) -> None:
    config, state, _ = read(name)
    config = {k: v for k, v in {**config, **change}.items() if v is not None}
    with pytest.raises(ConfigError, match=message):
        reference.load(config, state)
