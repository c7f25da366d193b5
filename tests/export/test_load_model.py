"""`mixnas.load_model`: the model that a config describes, with its weights, or a clear refusal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import mixnas
from mixnas.errors import ConfigError
from mixnas.model_config import ModelConfig, write_config
from mixnas.models import FAMILIES, family
from mixnas.models.families.splitmixer import FAMILY
from mixnas.records import Problem

PROBLEM = Problem.square(8, 1, 10)
CONFIG = ModelConfig("splitmixer", FAMILY.tiny, PROBLEM)


def write(folder: Path, config: ModelConfig = CONFIG) -> Path:
    write_config(config, folder / "model.yaml")
    return folder / "model.yaml"


def test_it_is_the_model_that_the_family_builds(tmp_path: Path) -> None:
    torch.manual_seed(3)
    loaded = mixnas.load_model(write(tmp_path))
    torch.manual_seed(3)
    built = FAMILY.build(FAMILY.tiny, PROBLEM)
    assert loaded.training
    images = torch.randn(2, 1, 8, 8)
    assert torch.equal(loaded.eval()(images), built.eval()(images))


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_survives_a_config_with_weights(name: str, tmp_path: Path) -> None:
    found = family(name)
    problem = Problem.square(32, 3, 5, found.tasks[0])
    model = found.build(found.tiny, problem)
    (tmp_path / "sub").mkdir()
    save_file(model.state_dict(), tmp_path / "sub" / "w.safetensors")
    loaded = mixnas.load_model(write(tmp_path, ModelConfig(name, found.tiny, problem, weights="sub/w.safetensors")))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), model.eval()(images))


def test_axes_left_out_take_the_familys_defaults(tmp_path: Path) -> None:
    axes = {"width": 16, "depth": 2}
    loaded = mixnas.load_model(write(tmp_path, replace(CONFIG, axes=axes)))
    expected = FAMILY.params({**FAMILY.defaults, **axes}, PROBLEM)
    assert sum(p.numel() for p in loaded.parameters()) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "splitmixr"}, "unknown family 'splitmixr' .known: .*splitmixer"),
        ({"axes": {"width": -4}}, "width must be a whole number of at least 1, got -4"),
        ({"axes": {"width": "wide"}}, "width .*'wide'"),
        ({"axes": {"widht": 4}}, "widht"),
        ({"axes": {"width": 2**31, "depth": 1}}, "the model would have .* parameters, the limit is 4,000,000,000"),
        ({"problem": Problem.square(8, 1, 10, "segmentation")}, "'splitmixer' cannot do segmentation"),
    ],
)
def test_models_that_cannot_be_built(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        mixnas.load_model(write(tmp_path, replace(CONFIG, **changes)))
    assert "model.yaml" in str(caught.value)


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"its weights '.*w\.safetensors' are not there .put the file beside"):
        mixnas.load_model(write(tmp_path, replace(CONFIG, weights="w.safetensors")))


def test_weights_that_are_no_safetensors(tmp_path: Path) -> None:
    torch.save(FAMILY.build(FAMILY.tiny, PROBLEM).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match=r"w\.safetensors is not a readable safetensors file"):
        mixnas.load_model(write(tmp_path, replace(CONFIG, weights="w.safetensors")))


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    other = FAMILY.build(FAMILY.tiny, replace(PROBLEM, num_classes=7))
    save_file(other.state_dict(), tmp_path / "w.safetensors")
    message = r"do not fit the model: .*weight has shape \[7, \d+\], the model needs \[10, \d+\].*weights: null"
    with pytest.raises(ConfigError, match=message):
        mixnas.load_model(write(tmp_path, replace(CONFIG, weights="w.safetensors")))


def test_missing_and_foreign_weights_are_named(tmp_path: Path) -> None:
    state = FAMILY.build(FAMILY.tiny, PROBLEM).state_dict()
    first = next(iter(state))
    save_file({**{k: v for k, v in state.items() if k != first}, "extra": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match=f"{first} is missing; extra is not of this model"):
        mixnas.load_model(write(tmp_path, replace(CONFIG, weights="w.safetensors")))
