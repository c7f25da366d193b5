"""Zero-cost proxies: on models small enough to work them out by hand, and the command on a real table."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.correlation import kendall, spearman
from mixnas.errors import UsageError
from mixnas.models import FAMILIES, family
from mixnas.proxies import PROXIES, batch, grad_norm, naswot, scores, synflow
from mixnas.records import Problem


def test_synflow_of_a_linear_chain_is_the_product_of_its_weights() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False), nn.Linear(3, 2, bias=False))
    first, second = (model[i].weight.detach().double().abs() for i in (1, 2))
    # R = 1' |W2| |W1| 1, and sum |w dR/dw| is R for each of the two layers.
    flow = 2 * float((second @ first).sum())
    assert synflow(model, torch.zeros(1, 1, 2, 2), torch.zeros(1)) == pytest.approx(math.log10(flow))


def test_naswot_counts_units_that_agree() -> None:
    model = nn.Sequential(nn.Flatten(), nn.ReLU())
    images = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]])
    assert naswot(model, images, torch.zeros(2)) == pytest.approx(math.log(3 * 3 - 2 * 2))


def test_grad_norm_is_that_of_the_gradient() -> None:
    model = nn.Linear(3, 2, bias=False)
    images, targets = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    wrong = torch.softmax(model(images), 1).detach() - nn.functional.one_hot(targets, 2)
    assert grad_norm(model, images, targets) == pytest.approx(float((wrong.T @ images / 5).norm()), rel=1e-5)


@pytest.mark.parametrize("name", [n for n in FAMILIES if "classification" in family(n).tasks and family(n).tiny])
def test_every_family_has_finite_scores_that_repeat(name: str) -> None:
    images, targets = batch("digits", 8)
    problem = Problem.square(8, 1, 10)
    found = scores(name, dict(family(name).tiny), problem, images, targets)
    assert found.keys() == {"params", "macs", *PROXIES}
    assert all(math.isfinite(value) for value in found.values())
    assert found == scores(name, dict(family(name).tiny), problem, images, targets)


def test_correlations_of_a_known_order() -> None:
    values = np.arange(50.0)
    assert spearman(values, values**3).value == pytest.approx(1)
    assert kendall(values, -values).value == pytest.approx(-1)
    noise = np.random.default_rng(1).normal(size=50)
    rho = spearman(values, noise)
    assert rho.low < rho.value < rho.high and rho.low < 0 < rho.high


def test_the_command_on_a_table() -> None:
    result = CliRunner().invoke(build_app(), ["proxy", "--space", "splitmixer_small", "--limit", "12", "--json"])
    rows = json.loads(result.output)
    assert {row["proxy"] for row in rows} == {"params", "macs", *PROXIES}
    assert all(row["candidates"] == 12 and -1 <= row["spearman"][0] <= 1 for row in rows)
    text = CliRunner().invoke(build_app(), ["proxy", "--table", "wavemix-digits", "--limit", "8"]).output
    assert "wavemix_small on digits: 8 candidates" in text and "ms a candidate" in text


@pytest.mark.parametrize(
    ("flags", "message"),
    [([], "which space"), (["--space", "hybrid"], "no table covers space 'hybrid'"), (["--table", "x"], "'x'")],
)
def test_a_table_must_be_there(flags: list[str], message: str) -> None:
    result = CliRunner().invoke(build_app(), ["proxy", *flags])
    assert isinstance(result.exception, UsageError | Exception) and message in str(result.exception)
    assert getattr(result.exception, "exit_code", None) == 2
