"""What shapes tell of the constructor arguments: for any member, the right setting is among the options."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.errors import ConfigError
from mixnas.models import family, reference
from mixnas.models.reference_shapes import read_shapes, recognise
from mixnas.reference_config import ARGUMENTS, complete


def _shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the state dict of the reference with these arguments."""
    found = reference.translate(config)
    with torch.device("meta"):
        model = family(found.family).build(found.axes, found.problem)
    pairs = ((name.rpartition("."), value.shape) for name, value in model.state_dict().items())
    return {f"{found.modules[module]}.{leaf}": tuple(shape) for (module, _, leaf), shape in pairs}


@st.composite
def splitmixers(draw: st.DrawFn) -> dict[str, Any]:
    """Any SplitMixer whose segments have a channel at least."""
    width = draw(st.integers(8, 40))
    config: dict[str, Any] = {
        "model": "SplitMixer",
        "hdim": width,
        "num_blocks": draw(st.integers(1, 5)),
        "kernel_size": draw(st.sampled_from([1, 3, 5])),
        "patch_size": draw(st.integers(1, 3)),
        "num_classes": draw(st.integers(1, 5)),
        "in_channels": draw(st.integers(1, 4)),
        "image_size": 8,
        "spatial_trick": draw(st.booleans()),
        "channel_trick": draw(st.booleans()),
    }
    if config["channel_trick"]:
        config["mixer_setting"] = setting = draw(st.sampled_from(["I", "II", "III", "IV", "V"]))
        if setting in ("I", "V"):
            config["ratio"] = draw(st.sampled_from([2 / 3, 3 / 5, 4 / 7, 6 / 11, 0.6666, 0.3, 0.5]))
        else:
            divisors = [n for n in range(1, width + 1) if width % n == 0]
            config["num_segments"] = draw(st.sampled_from(divisors) if setting == "III" else st.integers(1, 5))
    return config


@settings(max_examples=150, deadline=None)
@given(splitmixers())
def test_the_true_arguments_always_fit_and_complete_the_same_model(config: dict[str, Any]) -> None:
    shapes = _shapes(config)
    assert recognise(shapes) == "SplitMixer"
    assert reference.translate(complete(config, shapes).arguments) == reference.translate(config)


@settings(max_examples=150, deadline=None)
@given(splitmixers())
def test_what_is_inferred_alone_is_the_same_model_or_an_error(config: dict[str, Any]) -> None:
    shapes = _shapes(config)
    try:
        found = complete({}, shapes, image_size=8).arguments
    except ConfigError as error:
        options = read_shapes("SplitMixer", shapes).options
        assert "several settings of SplitMixer" in error.message
        assert len(options) > 1
        assert config["mixer_setting"] in [option["mixer_setting"] for option in options]
    else:
        assert reference.translate(found) == reference.translate(config)


@settings(max_examples=60, deadline=None)
@given(width=st.integers(2, 40), kernel=st.integers(1, 40))
def test_stridemixers_kernel_and_stride_are_told(width: int, kernel: int) -> None:
    sizes = {"hdim": width, "num_blocks": 2, "kernel_size": 3, "patch_size": 2, "num_classes": 3, "image_size": 8}
    for stride in {kernel, width - kernel}:
        config = {"model": "StrideMixer", **sizes, "channel_kernel_size": kernel, "channel_stride": stride}
        try:
            shapes = _shapes(config)
        except (ConfigError, ValueError):
            continue
        found = complete({}, shapes, image_size=8).arguments
        assert (found["channel_kernel_size"], found["channel_stride"]) == (kernel, stride)


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(["WaveMix", "WaveMixSegmentation", "WaveMixSuperResolution"]),
    width=st.integers(2, 8),
    level=st.integers(1, 4),
    mult=st.integers(1, 3),
    ff=st.integers(2, 20),
    depth=st.integers(1, 3),
)
def test_wavemix_tells_all_but_the_stride(model: str, width: int, level: int, mult: int, ff: int, depth: int) -> None:
    told = {"final_dim": 4 * width, "level": level, "mult": mult, "ff_channel": ff, "depth": depth, "in_channels": 1}
    if model != "WaveMixSuperResolution":
        told |= {"num_classes": 3}
    config = {"model": model, **told, "stride": 2, "initial_conv": "strided", "image_size": 64}
    shapes = _shapes(config)
    assert recognise(shapes) == model
    found = complete({"stride": 2} if model == "WaveMix" else {}, shapes).arguments
    assert {name: found[name] for name in told} == told


def test_every_class_is_known_everywhere() -> None:
    assert set(ARGUMENTS) == set(reference.MODELS)


@pytest.mark.parametrize("model", ARGUMENTS)
def test_nothing_is_told_by_nothing(model: str) -> None:
    told = read_shapes(model, {}).told
    assert {name for name in told if name not in ("num_blocks", "depth", "level", "initial_conv", "stride")} == set()
