"""`mixnas export`: which trial is chosen, what is written, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import Result

import mixnas as package
from mixnas.errors import ExpressionError, StoreError, UnknownName, UsageError
from mixnas.export import best_trial
from mixnas.model_config import read_config
from mixnas.records import Trial
from mixnas.store import Store
from tests.export.conftest import PROBLEM, SPACE, axes, fill, params

Run = Callable[..., Result]


def chosen(mixnas: Run, *arguments: str) -> int:
    mixnas("export", *arguments, "-o", "model.yaml", "--force")
    return int(read_config("model.yaml").provenance["trial"])


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (("--trial", "2"), 2),
        (("--knee",), 1),
        (("--best", "acc"), 4),
        (("--best", "params"), 0),
        (("--best", "accuracy where width < 64"), 3),
        (("--best", f"acc where params <= {params(24)}"), 1),
        (("--best", "params where acc >= 0.9 and width > 16"), 1),
        (("--best", "acc where flops < 10G and channel == 'dense'"), 4),
        (("--best", "acc where channel.ratio != '2/3' or depth == 4"), 4),
    ],
)
def test_the_trial_that_is_chosen(mixnas: Run, storage: str, arguments: tuple[str, ...], number: int) -> None:
    assert chosen(mixnas, *arguments) == number


def test_what_is_written(mixnas: Run, storage: str) -> None:
    said = mixnas("export", "--knee", "-o", "model.yaml").stdout
    assert "Wrote trial 1 of first to model.yaml: width 24" in said
    assert "Next: mixnas train model.yaml --dataset digits" in said
    config = read_config("model.yaml")
    assert (config.family, config.axes, config.problem, config.weights) == ("splitmixer", axes(24), PROBLEM, None)
    facts = config.provenance
    assert (facts["study"], facts["trial"], facts["dataset"]) == ("first", 1, "digits")
    assert (facts["epochs"], facts["seed"], facts["split_seed"]) == (8, 0, 0)
    assert facts["digest"] == config.digest == SPACE.digest(axes(24))
    assert facts["metrics"]["acc"] == 0.93 and facts["metrics"]["params"] == params(24)
    assert isinstance(facts["metrics"]["params"], int) and facts["versions"]["mixnas"] == package.__version__
    model = package.load_model("model.yaml")
    assert sum(p.numel() for p in model.parameters()) == params(24)


def test_the_store_keeps_that_it_was_exported(mixnas: Run, storage: str) -> None:
    mixnas("export", "--trial", "3", "-o", "model.yaml")
    with Store.open(storage) as store:
        (kept,) = store.exports("first")
    assert (kept.trial, kept.path) == (3, str(Path("model.yaml").absolute()))


def test_an_existing_file_is_kept(mixnas: Run, storage: str) -> None:
    Path("model.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"model\.yaml exists .*--force"):
        mixnas("export", "--knee", "-o", "model.yaml")
    assert Path("model.yaml").read_text() == "mine"
    mixnas("export", "--knee", "-o", "model.yaml", "--force")
    assert read_config("model.yaml").family == "splitmixer"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), UsageError, "which trial.*--trial NUMBER, --best QUERY and --knee"),
        (("--knee", "--trial", "1"), UsageError, "which trial"),
        (("--trial", "5"), UsageError, "trial first/5 is failed: ValueError: no .only finished"),
        (("--trial", "77"), UnknownName, "unknown trial 77 of study 'first'.*0 to 5"),
        (("--best", "acc where"), ExpressionError, "--best"),
        (("--best", "accuracy > 0.9"), UnknownName, "unknown objective"),
        (("--best", "acc where widht > 3"), ExpressionError, "widht.*width"),
        (("--best", "acc where __import__('os')"), ExpressionError, "--best"),
        (("--best", "train_seconds"), UsageError, "no finished trial has a value of 'train_seconds'"),
        (("--knee", "--study", "nope"), UnknownName, "unknown study 'nope'.*first"),
        (("--knee", "--storage", "sqlite:///none.db"), StoreError, "none.db"),
    ],
)
def test_what_is_refused(
    mixnas: Run, storage: str, arguments: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        mixnas("export", *arguments, "-o", "model.yaml")
    assert not Path("model.yaml").exists() and not Path("none.db").exists()


def test_places_that_cannot_be_written(mixnas: Run, storage: str) -> None:
    with pytest.raises(UsageError, match="no folder 'none'"):
        mixnas("export", "--knee", "-o", "none/model.yaml")
    with pytest.raises(UsageError, match="is a folder"):
        mixnas("export", "--knee", "-o", ".")


def test_a_query_that_nothing_fits_names_the_nearest(mixnas: Run, storage: str) -> None:
    query = f"acc where params <= {params(16) - 1}"
    message = f"none of 5 finished trials meets .*nearest: trial 0 with params={params(16):,}, acc=0.8"
    with pytest.raises(UsageError, match=message):
        mixnas("export", "--best", query, "-o", "model.yaml")
    with pytest.raises(UsageError, match=r"nearest: trial 4 with acc=0.951, params="):
        mixnas("export", "--best", "params where acc > 0.96", "-o", "model.yaml")
    with pytest.raises(UsageError, match=rf"nearest: trial 1 with acc=0.93, params={params(24):,}"):
        mixnas("export", "--best", f"acc where acc >= 0.94 and params < {params(24) + 1}", "-o", "model.yaml")
    with pytest.raises(
        UsageError, match=r"none of 5 .*meets channel == 'overlap' .nearest: trial 4 with channel=dense, acc"
    ):
        mixnas("export", "--best", "acc where channel == 'overlap'", "-o", "model.yaml")


def test_of_several_studies_one_has_to_be_named(mixnas: Run, storage: str) -> None:
    with Store.open(storage) as store:
        fill(store, "second")
    with pytest.raises(UsageError, match=r"the database holds 2 studies .choose one with --study: first, second"):
        mixnas("export", "--knee", "-o", "model.yaml")
    mixnas("export", "--knee", "--study", "second", "-o", "model.yaml")
    assert read_config("model.yaml").provenance["study"] == "second"


def test_of_equals_the_first_is_chosen(storage: str) -> None:
    with Store.open(storage) as store:
        trials = store.trials("first")

    def costs(trial: Trial) -> Mapping[str, float]:
        return {"macs": 7.0}

    assert best_trial(trials, "macs", costs).number == 0
    assert best_trial(list(reversed(trials)), "macs where width > 16", costs).number == 1
