"""timm's models as families of one member."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from mixnas.cost.check import count
from mixnas.errors import ConfigError, UnknownName
from mixnas.models import family
from mixnas.records import Problem

timm = pytest.importorskip("timm")

SMALL = [("test_resnet", 8), ("test_vit", 16), ("test_efficientnet", 28), ("test_convnext", 32), ("resnet18", 32)]


@pytest.mark.parametrize(("name", "size"), SMALL)
def test_it_builds_for_small_images_and_counts_what_it_builds(name: str, size: int) -> None:
    problem = Problem.square(size, in_channels=1, num_classes=7)
    found = family(f"timm:{name}")
    model = found.build({}, problem)
    assert model.eval()(torch.zeros(2, 1, size, size)).shape == (2, 7)
    assert found.params({}, problem) == sum(p.numel() for p in model.parameters())
    assert found.macs({}, problem) == count(model, problem.input).total > 0
    assert found.macs_unseen({}, problem) == 0


def test_thop_counts_a_plain_network_as_our_own_form_of_it_does() -> None:
    from mixnas.models.families.splitmixer import FAMILY, SETTINGS

    axes = {**SETTINGS["convmixer"], "width": 768, "depth": 32, "kernel_size": 7, "patch_size": 7, "activation": "relu"}
    problem = Problem.square(28, num_classes=10)
    assert family("timm:convmixer_768_32").params({}, problem) == FAMILY.params(axes, problem)
    assert family("timm:convmixer_768_32").macs_thop({}, problem) == FAMILY.macs_thop(axes, problem)


def test_it_trains() -> None:
    torch.manual_seed(0)
    model = family("timm:test_resnet").build({}, Problem.square(16, num_classes=4))
    images, target = torch.randn(8, 3, 16, 16), torch.arange(8) % 4
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_counting_leaves_the_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    family("timm:test_vit").macs({}, Problem.square(48))
    assert torch.equal(torch.rand(1), expected)


def test_an_unknown_model_names_close_ones() -> None:
    with pytest.raises(
        UnknownName, match=r"unknown timm model 'resnet19' \(close ones: resnet10t, |resnet18"
    ) as caught:
        family("timm:resnet19")
    assert "resnet18" in caught.value.hint
    assert len(caught.value.hint) < 200


def test_what_timm_cannot_do_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match="timm:vit_tiny_patch16_224 does not work on 3x8x8 images: "):
        family("timm:vit_tiny_patch16_224").macs({}, Problem.square(8))
    with pytest.raises(ConfigError, match="timm:test_vit has no axes, got width"):
        family("timm:test_vit").build({"width": 8}, Problem())
    with pytest.raises(ConfigError, match="timm:test_vit classifies images; the task is segmentation"):
        family("timm:test_vit").build({}, Problem(task="segmentation"))


def test_without_timm_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['timm'] = None\n"
        "from mixnas.errors import MissingExtra\n"
        "from mixnas.models import family\n"
        "try: family('timm:resnet18')\n"
        "except MissingExtra as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == (
        "model family 'timm:resnet18' needs the package 'timm', which is not installed (pip install 'mixnas[timm]')"
    )
