"""Our models against golden values of the published code: outputs, losses, gradients, and what the loader refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from mixnas.errors import ConfigError, UnknownName
from mixnas.models import reference
from mixnas.models.splitmixer import ChannelConv3d

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = sorted(p.stem for p in [*GOLDEN.glob("splitmixer*.npz"), *GOLDEN.glob("convmixer*.npz")])


def read(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Config, state and everything else of one golden file."""
    with np.load(GOLDEN / f"{name}.npz") as file:
        values = {key: file[key] for key in file.files}
    state = {key.removeprefix("state/"): values.pop(key) for key in list(values) if key.startswith("state/")}
    return json.loads(str(values.pop("config"))), state, values


def close(found: torch.Tensor, expected: np.ndarray) -> None:
    """Within 1e-5 absolute or 1e-4 relative of the golden value."""
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_every_variant_of_the_paper_has_a_golden_file() -> None:
    assert len(FILES) == 13


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
    model = reference.load(config, state).train()
    output = model(torch.from_numpy(values["input"]))
    loss = functional.cross_entropy(output, torch.tensor([1, 3]))
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


def test_the_state_may_be_tensors_and_hold_batch_norm_counters() -> None:
    config, state, values = read("splitmixer_I")
    tensors = {name: torch.from_numpy(value) for name, value in state.items()}
    model = reference.load(config, {**tensors, "patch_emb.2.num_batches_tracked": torch.tensor(7)}).eval()
    assert model.get_buffer("stem.2.num_batches_tracked").item() == 7
    with torch.no_grad():
        close(model(torch.from_numpy(values["input"])), values["output_eval"])


def test_arguments_with_a_default_may_be_left_out() -> None:
    config, state, _ = read("splitmixer_I")
    spelt_out = {"ratio": 2 / 3, "num_segments": 2, "spatial_trick": True, "channel_trick": True, **config}
    assert reference.translate(spelt_out) == reference.translate(
        {k: v for k, v in config.items() if k not in ("mixer_setting", "image_size", "task", "num_params")}
        | {"image_size": 16}
    )
    assert reference.names(spelt_out) == reference.names(config)
    assert set(reference.names(config).values()) == {n for n in state if "running" not in n}


@pytest.mark.parametrize(
    ("ratio", "width", "channels"),
    [(0.6666, 24, 15), (0.6666, 256, 170), (2 / 3, 24, 16), (0.6, 26, 15), (6 / 11, 55, 29), (5 / 9, 256, 142)],
)
def test_a_float_ratio_gives_the_segment_that_the_reference_takes(ratio: float, width: int, channels: int) -> None:
    config = {"model": "SplitMixer", "hdim": width, "num_blocks": 1, "kernel_size": 3, "patch_size": 2}
    axes = reference.translate({**config, "num_classes": 2, "ratio": ratio}).axes
    assert axes["channel.ratio"] == f"{channels}/{width}"


def test_what_the_docstring_says_about_float_ratios() -> None:
    def widths(ratio: float, above: int, below: int) -> list[int]:
        return [w for w in range(1, 2049) if int(w * ratio) != w * above // below]

    for above, below in ((2, 3), (3, 5), (4, 7), (5, 9)):
        assert widths(above / below, above, below) == []
    wrong = widths(6 / 11, 6, 11)
    assert (len(wrong), wrong[:4]) == (81, [55, 99, 110, 187])
    assert all(width % 11 == 0 for width in wrong)
    assert widths(0.6666, 2, 3)[:2] == [3, 6]


def test_a_state_that_does_not_fit_is_refused_with_every_reason() -> None:
    config, state, _ = read("splitmixer_I")
    del state["head.bias"]
    state["extra.weight"] = np.zeros(3)
    state["head.weight"] = np.zeros((3, 24), np.float32)
    with pytest.raises(ConfigError) as caught:
        reference.load(config, state)
    assert caught.value.message == (
        "the state does not fit SplitMixer: head.bias is missing; extra.weight is unknown; "
        "head.weight has shape [3, 24], expected [10, 24]"
    )


def test_an_unknown_class_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="did you mean 'SplitMixer'"):
        reference.load({"model": "SplitMixr"}, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hdim": None}, "lacks hdim"),
        ({"hdim": "24"}, "needs whole numbers, got hdim = '24'"),
        ({"mixer_setting": "VI"}, "mixer_setting must be I, II, III, IV or V, got 'VI'"),
        ({"ratio": 1.5}, "ratio must be a number between 0 and 1, got 1.5"),
        ({"mixer_setting": "III", "num_segments": 5}, "a shared weight needs equal segments"),
    ],
)
def test_wrong_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    config, state, _ = read("splitmixer_I")
    config = {k: v for k, v in {**config, **change}.items() if v is not None}
    with pytest.raises(ConfigError, match=message):
        reference.load(config, state)


def test_a_stride_that_cuts_unevenly_is_refused() -> None:
    config, state, _ = read("splitmixer_3d_overlap")
    with pytest.raises(ConfigError, match="channel_kernel_size 16 and channel_stride 7 do not cut 24 channels evenly"):
        reference.load({**config, "channel_stride": 7}, state)


@pytest.mark.parametrize(("width", "segment", "stride"), [(12, 6, 6), (12, 3, 3), (12, 8, 4), (14, 9, 5)])
def test_the_channel_convolution_equals_pytorchs_3d_convolution(width: int, segment: int, stride: int) -> None:
    torch.manual_seed(0)
    layer, x = ChannelConv3d(width, segment, stride), torch.randn(2, width, 3, 5)
    plain = functional.conv3d(x.unsqueeze(1), layer.weight, layer.bias, layer.stride).flatten(1, 2)
    torch.testing.assert_close(layer(x), plain)
    assert layer(x).shape == x.shape
