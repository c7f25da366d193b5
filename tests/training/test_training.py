"""The training loop: it learns, repeats itself, pairs its seeds, goes on from a checkpoint, and says when it breaks."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mixnas.recipe import Recipe
from mixnas.records import EpochRecord
from mixnas.training import NonFiniteLoss, Training, derived_seed, fit, seeded
from tests.training.conftest import PROBLEM, part, training


def run(made: Training, seed: int = 0) -> list[tuple[float, dict[str, float]]]:
    with seeded(derived_seed(seed, "init")):
        curve = fit(made, part(60, seed=1), lambda record: None)
    return [(record.train_loss, dict(record.metrics)) for record in curve]


def test_it_learns() -> None:
    curve = run(training(epochs=8))
    assert curve[-1][0] < curve[0][0] / 1.5
    assert curve[-1][1]["acc"] > 0.9
    assert curve[-1][1]["acc"] + curve[-1][1]["error"] == pytest.approx(1)


def test_the_same_seed_gives_the_same_curve_and_another_does_not() -> None:
    assert run(training(augment="flip+shift")) == run(training(augment="flip+shift"))
    assert run(training()) != run(training(seed=1), seed=1)


def test_epochs_are_counted_from_one_and_reported_in_order() -> None:
    seen: list[EpochRecord] = []
    curve = fit(training(epochs=3), part(), seen.append)
    assert seen == list(curve) and [record.epoch for record in curve] == [1, 2, 3]
    assert all(record.seconds > 0 for record in curve)


def images_seen(made: Training, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    seen: list[Tensor] = []
    forward = made.model.forward
    monkeypatch.setattr(made.model, "forward", lambda inputs: (seen.append(inputs.clone()), forward(inputs))[1])
    fit(made, None, lambda record: None)
    return seen


def test_two_architectures_with_one_seed_see_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    first = images_seen(training(augment="flip+shift", width=4), monkeypatch)
    second = images_seen(training(augment="flip+shift", width=12), monkeypatch)
    assert len(first) == 4 * 6 and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    other = images_seen(training(augment="flip+shift", seed=5), monkeypatch)
    assert not torch.equal(first[0], other[0])


def test_an_epoch_shows_each_image_once_and_leaves_the_rest_of_a_batch_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made = training(epochs=1, count=100)
    seen = torch.cat(images_seen(made, monkeypatch))
    assert len(seen) == 96 and len(torch.unique(seen, dim=0)) == 96
    assert made.steps == made.step == 6


def test_fewer_images_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    made = training(epochs=2, count=10, batch_size=64)
    assert [len(batch) for batch in images_seen(made, monkeypatch)] == [10, 10]


def test_the_learning_rate_follows_the_schedule() -> None:
    made = training(epochs=5, schedule="piecewise_linear", lr=0.08)
    rates = []
    for _ in range(5):
        made.run_epoch()
        rates.append(made.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.04, 0.08, 0.042, 0.004, 0.0], abs=1e-9)


def test_clipping_limits_the_step() -> None:
    made = training(clip_norm=1e-4)
    made.run_epoch()
    norm = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in made.model.parameters() if p.grad is not None]))
    assert float(norm) == pytest.approx(1e-4, rel=1e-2)
    free = training(clip_norm=0.0)
    free.run_epoch()
    assert sum(float(p.grad.norm()) for p in free.model.parameters() if p.grad is not None) > 1e-3


def test_label_smoothing_is_in_the_loss() -> None:
    outputs, targets = torch.tensor([[4.0, 0.0, 0.0, 0.0]]), torch.tensor([0])
    task = training().task
    plain, smooth = task.loss(outputs, targets, 0.0), task.loss(outputs, targets, 0.2)
    assert float(smooth - plain) == pytest.approx(0.2 * 0.75 * 4.0, rel=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_autocast_reaches_the_model(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = training(epochs=2, precision=precision)
    kinds = []
    made.model[0].register_forward_hook(lambda module, inputs, output: kinds.append(output.dtype))
    curve = fit(made, part(40, seed=1), lambda record: None)
    assert set(kinds) == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert all(record.train_loss > 0 for record in curve)
    assert {p.dtype for p in made.model.parameters()} == {torch.float32}


def test_a_checkpoint_goes_on_as_if_nothing_had_happened() -> None:
    recipe: dict[str, Any] = {"augment": "flip+shift", "precision": "fp32"}
    whole = run(training(epochs=5, **recipe))
    with seeded(derived_seed(0, "init")):
        first = training(epochs=5, **recipe)
        begun = [(first.run_epoch(), first.score(part(60, seed=1))) for _ in range(2)]
        saved = io.BytesIO()
        torch.save(first.state_dict(), saved)
    saved.seek(0)
    with seeded(999):
        second = training(epochs=5, seed=0, **recipe)
        second.load_state_dict(torch.load(saved, weights_only=True))
        rest = fit(second, part(60, seed=1), lambda record: None)
    assert begun + [(r.train_loss, dict(r.metrics)) for r in rest] == whole
    assert [r.epoch for r in rest] == [3, 4, 5]


def test_a_loss_that_is_not_finite_ends_it_with_the_place() -> None:
    made = training(lr=1e30, clip_norm=0.0)
    with pytest.raises(NonFiniteLoss, match=r"the loss became NaN or infinite in epoch 1, by step 6"):
        fit(made, None, lambda record: None)


def test_what_report_raises_passes_through() -> None:
    def stop(record: EpochRecord) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(training(), part(), stop)


def test_the_global_generators_are_put_back() -> None:
    before = torch.get_rng_state()
    with seeded(5):
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_models_with_3d_convolutions_train() -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.deep = nn.Conv3d(1, 1, (3, 1, 1))
            self.flat = nn.Conv2d(1, 8, 3)
            self.out = nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.deep(self.flat(x).unsqueeze(1)).flatten(3).mean((1, 3)))

    base = training()
    made = Training(Deep(), PROBLEM, base.train, base.normalisation, Recipe(augment="none"), epochs=1, seed=0)
    assert made.model.flat.weight.is_contiguous(memory_format=torch.channels_last)
    assert fit(made, base.train, lambda record: None)[0].metrics["acc"] >= 0


def test_derived_seeds_differ_by_purpose_and_seed() -> None:
    seeds = {derived_seed(seed, purpose) for seed in range(20) for purpose in ("init", "order", "augment")}
    assert len(seeds) == 60 and all(0 <= seed < 2**63 for seed in seeds)
