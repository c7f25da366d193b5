"""The count by fvcore: right numbers, silence, and no trace left in the model."""

from __future__ import annotations

import logging
import warnings

import pytest
import torch
from torch import nn

from mixnas.cost.check import count


def small() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.GELU(), nn.Flatten(), nn.Linear(4 * 25, 2)
    )


def test_the_total_and_each_module() -> None:
    found = count(small(), (3, 5, 5))
    assert found.modules["0"] == 3 * 4 * 9 * 25
    assert found.modules["2"] == 2 * 4 * 25  # the count of eval mode
    assert found.modules["5"] == 4 * 25 * 2
    assert found.total == found.modules[""] == 2700 + 200 + 200


def test_what_is_not_counted_is_listed_even_where_fvcore_keeps_quiet() -> None:
    assert count(small(), (3, 5, 5)).uncounted == {"relu": 1, "gelu": 1}


def test_a_convolution_that_fvcore_drops_shows_in_the_list() -> None:
    found = count(nn.Sequential(nn.Conv2d(3, 4, 3, padding="same")), (3, 5, 5))
    assert (found.total, found.uncounted) == (0, {"_convolution_mode": 1})


def test_the_model_keeps_its_mode_statistics_and_gradients() -> None:
    model = small().train()
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    count(model, (3, 5, 5))
    assert [module.training for module in model] == [True, True, False, True, True, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_the_mode_comes_back_after_a_failure() -> None:
    model = small().train()
    with pytest.raises(RuntimeError):
        count(model, (7, 5, 5))
    assert model.training


def test_it_says_nothing(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        count(small(), (3, 5, 5))
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")
