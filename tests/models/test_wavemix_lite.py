"""WaveMix-Lite: sizes, tasks, upsampling, what is refused, and that it trains, exports and runs on fake tensors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.errors import ConfigError, UnknownName
from mixnas.models import family
from mixnas.models.families.wavemix_lite import FAMILY
from mixnas.models.wavelet import WaveletPyramid
from mixnas.models.wavemix_lite import Block, WaveMixLiteConfig, build
from mixnas.records import Candidate, Problem

SMALL: Candidate = {"width": 8, "depth": 1, "dropout": 0.0}


def test_the_family_is_in_the_table() -> None:
    assert family("wavemix_lite") is FAMILY


@pytest.mark.parametrize("upsample", ["deconv", "interpolate"])
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@given(st.sampled_from(["haar", "db2", "db4"]), st.integers(9, 29), st.integers(9, 29))
@settings(max_examples=5, deadline=None)
def test_a_block_keeps_any_size(levels: int, upsample: str, wavelet: str, height: int, width: int) -> None:
    block = Block(WaveMixLiteConfig(width=8, levels=levels, upsample=upsample, wavelet=wavelet))
    x = torch.randn(2, 8, height, width)
    assert block(x).shape == x.shape


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_mnist_sizes_work_at_every_level_that_has_something_to_transform(stride: int, levels: int) -> None:
    axes: Candidate = {**SMALL, "levels": levels, "stem.stride": stride}
    mnist = Problem.square(28, in_channels=1)
    if (stride, levels) == (2, 4):
        with pytest.raises(ConfigError, match="level 4 has nothing to transform: the stem makes 7x7 of 28x28 images"):
            build(axes, mnist)
    else:
        assert build(axes, mnist)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("size", [(32, 32), (30, 33), (29, 50)])
@pytest.mark.parametrize(
    "stem", [{"stem.stride": 1}, {"stem.stride": 2}, {"stem": "patchify", "stem.patch_size": 4}], ids=str
)
def test_dense_tasks_give_every_pixel_of_any_size(stem: Candidate, size: tuple[int, int]) -> None:
    images = torch.randn(2, 3, *size)
    segmentation = build({**SMALL, **stem}, Problem("segmentation", 3, *size, 5))
    assert segmentation(images).shape == (2, 5, *size)
    super_resolution = build({**SMALL, **stem}, Problem("super_resolution", 3, *size, 3))
    assert super_resolution(images).shape == (2, 3, 2 * size[0], 2 * size[1])


@pytest.mark.parametrize("task", FAMILY.tasks)
def test_no_pixel_is_out_of_reach(task: Any) -> None:
    """Every input pixel of an odd size changes some output, the last row and column too."""
    problem = Problem(task, 1, 13, 15, 3)
    model = build({**SMALL, "levels": 3, "stem": "patchify", "stem.patch_size": 2}, problem).eval()
    images = torch.randn(1, 1, 13, 15, requires_grad=True)
    model(images).square().sum().backward()
    assert images.grad is not None
    reached = images.grad[0, 0] != 0
    whole = slice(None) if task != "classification" else slice(0, 12)  # a patch stem leaves out what fills no patch
    assert reached[whole, : 15 if task != "classification" else 14].all()


def test_levels_of_a_longer_wavelet_stay_in_place() -> None:
    """What is upsampled lies where it came from: a bright spot stays there, with filters of any length."""
    for wavelet in ("haar", "db2", "db4", "bior2.2", "sym4"):
        config = WaveMixLiteConfig(width=4, wavelet=wavelet, mult=1, upsample="interpolate")
        block = Block(config).eval()
        image = torch.zeros(1, 4, 40, 40)
        image[:, :, 20:22, 20:22] = 1
        (bands,) = block.pyramid(image[:, :1])
        level = block.levels[0]
        level.expand = level.project = level.activation = torch.nn.Identity()
        energy = level(bands.square(), image.shape[-2:])[0].sum(0).detach()
        rows = torch.arange(40.0)
        centre = [float((energy.sum(axis) * rows).sum() / energy.sum()) for axis in (0, 1)]
        assert centre == pytest.approx([20.5, 20.5], abs=1.0), wavelet


def test_interpolation_has_no_weights_and_takes_the_channels_of_its_result() -> None:
    config = WaveMixLiteConfig(width=8, levels=3, upsample="interpolate", ff_ratio="2")
    block = Block(config)
    assert [level.project.out_channels for level in block.levels] == [8, 4, 4]
    assert not any(list(level.upsample.parameters()) for level in block.levels)


def test_one_pyramid_a_block_serves_all_levels() -> None:
    model = build({**SMALL, "depth": 3, "levels": 4}, Problem())
    calls = []
    for layer in model.modules():
        if isinstance(layer, WaveletPyramid):
            layer.register_forward_hook(lambda layer, _, output: calls.append(len(output)))
    model(torch.zeros(1, 3, 32, 32))
    assert calls == [4, 4, 4]


@pytest.mark.parametrize("task", FAMILY.tasks)
def test_it_learns_one_batch_by_heart(task: Any) -> None:
    torch.manual_seed(0)
    problem = Problem.square(16, 1, 1 if task == "super_resolution" else 3, task)
    model = build({**SMALL, "levels": 2}, problem)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    images = torch.rand(6, 1, 16, 16)
    target: Any = {
        "classification": torch.arange(6) % 3,
        "segmentation": (images[:, 0] * 3).long(),
        "super_resolution": torch.nn.functional.interpolate(images, scale_factor=2),
    }[task]
    loss_of = torch.nn.functional.mse_loss if task == "super_resolution" else torch.nn.functional.cross_entropy
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = loss_of(model(images), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("wavelet", ["haar", "db2"])
def test_an_exported_model_computes_the_same(wavelet: str) -> None:
    model = build({**SMALL, "levels": 2, "wavelet": wavelet}, Problem.square(15)).eval()
    images = torch.randn(3, 3, 15, 15)
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    exported = torch.export.export(model, (images,), dynamic_shapes=(batch,)).module()
    torch.testing.assert_close(exported(images), model(images))
    torch.testing.assert_close(exported(images[:1]), model(images[:1]))


def test_a_training_step_on_fake_tensors_and_under_autocast() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        fake = build({**SMALL, "levels": 3, "wavelet": "db2"}, Problem())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = fake(torch.zeros(2, 3, 32, 32)).float().sum()
        loss.backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in fake.parameters())


@pytest.mark.parametrize("wavelet", ["haar", "db4"])
def test_autocast_changes_results_only_by_rounding(wavelet: str) -> None:
    torch.manual_seed(0)
    model = build({**SMALL, "levels": 2, "wavelet": wavelet}, Problem())
    images = torch.randn(4, 3, 32, 32)
    expected = model(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(images)
        found.sum().backward()
    torch.testing.assert_close(found.float(), expected, atol=0.05, rtol=0.05)
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.parameters())


def test_a_config_gives_back_its_axes() -> None:
    axes: Candidate = {**FAMILY.defaults, "width": 32, "stem": "patchify", "stem.patch_size": 2, "levels": 3}
    assert WaveMixLiteConfig.from_axes(axes).axes() == axes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 18}, "width must be a multiple of 4, because a quarter of it is transformed, got 18"),
        ({"levels": 0}, "levels must be a whole number of at least 1, got 0"),
        ({"stem": "conv"}, "stem must be one of strided, patchify, got 'conv'"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"upsample.ff_ratio": "a"}, "ff_ratio must be a ratio such as '1/2' or '2', got 'a'"),
        ({"upsample.ff_ratio": "1/8"}, "ff_ratio 1/8 leaves fewer than two channels of width 8"),
        ({"ratio": "1/2"}, "wavemix_lite has no axis ratio"),
        ({"mult": 0, "depth": 1.5}, "depth must be a whole number .* got 1.5; mult must be a whole number .* got 0"),
    ],
)
def test_wrong_values_are_refused_with_the_rule_and_the_value(change: Candidate, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build({**SMALL, **change}, Problem())


def test_an_unknown_wavelet_is_refused() -> None:
    with pytest.raises(UnknownName, match="unknown wavelet 'haa'"):
        build({**SMALL, "wavelet": "haa"}, Problem())


@pytest.mark.parametrize(
    ("change", "problem", "message"),
    [
        ({"levels": 4}, Problem.square(8), "level 4 has nothing to transform: the stem makes 8x8 of 8x8 images"),
        (
            {"stem": "patchify", "stem.patch_size": 16, "levels": 2},
            Problem(),
            "the stem makes 2x2 of 32x32 images, and each level halves it",
        ),
        (
            {"stem": "patchify", "stem.patch_size": 7},
            Problem.square(28, task="segmentation"),
            "the stem makes images 7 times smaller, which the head for segmentation cannot undo",
        ),
    ],
)
def test_what_does_not_fit_the_images_is_refused(change: Candidate, problem: Problem, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build({**SMALL, **change}, problem)
