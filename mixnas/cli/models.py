"""`mixnas export` and `mixnas train`: from a search to a model config, and from that to trained weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mixnas import catalog
from mixnas.errors import RunError, UsageError
from mixnas.output import require_place
from mixnas.study import DEFAULT_STORAGE

if TYPE_CHECKING:
    from mixnas.data import Dataset
    from mixnas.final_training import FinalResult
    from mixnas.model_config import ModelConfig
    from mixnas.records import EpochRecord


SMALL_STEP = 20_000_000
"""Multiply-accumulates of a forward pass of a batch; measured with SplitMixer on digits and two threads."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command(name="export")(export)
    app.command(name="train")(train)


# ------------------------------------------------------------------------------------------------------------ export


def export(
    output: Path = typer.Option(..., "--output", "-o", help="The config file to write, for example model.yaml."),
    study: str = typer.Option("", help="Name of the study; may be left out when there is only one."),
    trial: int | None = typer.Option(None, min=0, help="Number of the trial."),
    best: str | None = typer.Option(None, help='Best trial by an objective: "acc where params <= 20k".'),
    knee: bool = typer.Option(False, "--knee", help="The trial at the knee of the front."),
    force: bool = typer.Option(False, "--force", help="Overwrite an existing file."),
    storage: str = typer.Option(DEFAULT_STORAGE, help="The database of the studies."),
) -> None:
    """Write a trial of a search as a model config, with where it came from."""
    from mixnas.cli.chosen import chosen
    from mixnas.cli.fronts import only_study
    from mixnas.export import export_trial
    from mixnas.store import Store

    if (trial is not None) + (best is not None) + knee != 1:
        raise UsageError("which trial?", hint="give one of --trial NUMBER, --best QUERY and --knee")
    _require_writable(output, force)
    with Store.open(storage, create=_exists(storage)) as store:
        name = study or only_study(store)
        number, why = (trial, "") if trial is not None else chosen(store, name, best)
        config = export_trial(store, name, number, output)
    typer.echo(f"Wrote trial {number} of {name} to {output}: {config.provenance['summary']}")
    if why:
        typer.echo(why)
    for metric, value in config.provenance["metrics"].items():
        typer.echo(f"  {metric:<14} {_shown(value)}")
    typer.echo(f"Next: mixnas train {output} --dataset {config.provenance['dataset']} --epochs 30")


def _exists(storage: str) -> bool:
    """Whether to insist on a writable database; a missing one is for `Store.open` to complain about."""
    return not storage.startswith("sqlite:///") or Path(storage.removeprefix("sqlite:///")).exists()


def _require_writable(path: Path, force: bool) -> None:
    """Refuses, before any work, a file that could not be written.

    Raises:
        UsageError: it exists (without --force), or its place cannot be written to.
    """
    require_place(path)
    if path.exists() and not force:
        raise UsageError(f"{path} exists", hint="choose another name with -o, or overwrite it with --force")


def _shown(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.4g}"


# ------------------------------------------------------------------------------------------------------------- train


def train(
    model: str = typer.Argument(..., help="A config file, a published model, or a trial as STUDY/NUMBER."),
    dataset: str = typer.Option("", help="Data set; a config from a search names its own."),
    epochs: int = typer.Option(30, min=1, help="Epochs of training."),
    recipe: str = typer.Option("small", help="Training recipe: small, splitmixer, wavemix."),
    lr: float | None = typer.Option(None, help="Peak learning rate, in place of the recipe's."),
    batch_size: int | None = typer.Option(None, help="Batch size, in place of the recipe's."),
    augment: str | None = typer.Option(None, help="Augmentation, in place of the recipe's: none, or flip+shift."),
    precision: str | None = typer.Option(None, help="fp32, bf16 or fp16, in place of the recipe's."),
    seed: int = typer.Option(0, help="Seeds the weights, the order of the images and the augmentation."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Weights to write; a config goes beside them."),
    force: bool = typer.Option(False, "--force", help="Overwrite existing weights."),
    storage: str = typer.Option(DEFAULT_STORAGE, help="The database that counts how often a test set was read."),
    device: str = typer.Option("cpu", help="cpu, cuda, cuda:1, ..."),
    threads: int = typer.Option(0, min=0, help="CPU threads; 0 takes one for small models, else torch's default."),
    data_dir: str | None = typer.Option(None, help="Where data sets lie. [./data, or $MIXNAS_DATA]"),
    download: bool = typer.Option(False, "--download", help="Allow the data set to be downloaded."),
) -> None:
    """Train a model in full on training and validation part, then evaluate it on the test set, once.

    Writes the weights as safetensors and a config beside them that names them. Training starts from fresh weights.
    """
    from mixnas.data import dataset as find_dataset
    from mixnas.data import load_splits
    from mixnas.data.augment_names import augment_names
    from mixnas.final_training import require_device, train_and_test
    from mixnas.recipe import recipe as find_recipe
    from mixnas.recipe import resolve_augment
    from mixnas.store import Store

    config = _config(model, storage)
    data = find_dataset(dataset or _own_dataset(config, model))
    changes = {"lr": lr, "batch_size": batch_size, "augment": augment, "precision": precision}
    chosen = find_recipe(recipe, **{key: value for key, value in changes.items() if value is not None})
    augment_names(resolve_augment(chosen, data.name).augment, data.problem.task)
    fitted = _for_dataset(config, data, model)
    weights, config_path = _targets(output, model, data, same=fitted.problem == config.problem)
    _require_writable(weights, force)
    if str(config_path) != model:
        _require_writable(config_path, force)
    require_device(device)
    load_splits(data.name, 0, data_dir, download)
    _set_threads(threads, fitted, chosen.batch_size)
    with Store.open(storage, create=True) as store:
        with _interruptible(), _progress(epochs) as report:
            result = train_and_test(
                fitted, data.name, chosen, epochs=epochs, seed=seed, data_dir=data_dir, device=device, report=report
            )
        store.record_test_read(fitted.digest, data.name, 0, result.test_metrics, str(weights.absolute()))
        reads = store.test_reads(data.name)
    for_model = sum(read.digest == fitted.digest for read in reads)
    facts = {"dataset": data.name, "epochs": epochs, "seed": seed, "device": device, "recipe": chosen.to_dict()}
    _save(fitted, result, weights, config_path, facts)
    _say(result, data.name, weights, config_path, for_model, len(reads))


def _config(model: str, storage: str) -> ModelConfig:
    """The config of a file, a published model or a trial."""
    from mixnas.lookup import find_model
    from mixnas.model_config import ModelConfig, read_config

    if catalog.is_file(model):
        return read_config(model)
    found = find_model(model, storage)
    return ModelConfig(found.family, found.axes, found.problem, provenance={"model": model})


def _own_dataset(config: ModelConfig, model: str) -> str:
    """The data set that the config came from, where --dataset is not given."""
    from mixnas.data import DATASETS

    named = config.provenance.get("dataset")
    if named in DATASETS:
        return str(named)
    fits = [name for name, entry in DATASETS.items() if entry.problem == config.problem]
    raise UsageError(
        f"{model} does not say which data set it is for",
        hint=f"give --dataset; known: {', '.join(DATASETS)}; made for its input: {', '.join(fits) or 'none'}",
    )


def _for_dataset(config: ModelConfig, data: Dataset, model: str) -> ModelConfig:
    """The config with the data set's input and classes, checked by building it; says so when they differ.

    Raises:
        UsageError: the data set is for another task, or the architecture cannot take its images.
    """
    from mixnas.export import build_model

    if config.problem.task != data.problem.task:
        raise UsageError(
            f"{model} is for {config.problem.task}, data set {data.name!r} for {data.problem.task}",
            hint="choose a data set for its task",
        )
    if config.problem != data.problem:
        typer.echo(
            f"Note: {model} was made for input {list(config.problem.input)} and {config.problem.num_classes} classes; "
            f"building it for {data.name}: {list(data.problem.input)} and {data.problem.num_classes}.",
            err=True,
        )
    fitted = replace(config, problem=data.problem, weights=None, normalisation=None)
    build_model(fitted, model)
    return fitted


def _set_threads(threads: int, config: ModelConfig, batch_size: int) -> None:
    """One thread where a step is too small to share: others would bring nothing, and wait badly on a busy machine."""
    import torch

    from mixnas.models import family

    macs = family(config.family).macs(config.axes, config.problem) * batch_size
    if threads or macs < SMALL_STEP:
        torch.set_num_threads(threads or 1)


def _targets(output: Path | None, model: str, data: Dataset, same: bool) -> tuple[Path, Path]:
    """The weights' and the config's path: beside a config file, else in this folder; -o names the weights."""
    if output is None:
        base = Path(model) if catalog.is_file(model) else Path(model.replace("/", "-").replace(":", "-") + ".yaml")
        stem = base.stem if base.suffix in (".yaml", ".yml") else base.name
        output = base.with_name(f"{stem}{'' if same else '-' + data.name}.safetensors")
        suffix = base.suffix if base.suffix == ".yml" else ".yaml"
        return output, output.with_name(output.stem + suffix)
    if output.suffix != ".safetensors":
        raise UsageError(f"-o {output}: weights are written as safetensors", hint=f"{output.stem}.safetensors")
    return output, output.with_suffix(".yaml")


def _save(config: ModelConfig, result: FinalResult, weights: Path, config_path: Path, facts: dict[str, Any]) -> None:
    """Writes the weights, then the config that names them; each whole or not at all."""
    from safetensors.torch import save

    from mixnas.export import now, versions
    from mixnas.model_config import write_config, write_whole

    training = facts | {
        "test_metrics": dict(result.test_metrics),
        "training_images": result.training_images,
        "test_images": result.test_images,
        "train_seconds": round(result.seconds, 3),
        "final_train_loss": result.curve[-1].train_loss,
        "trained_at": now(),
        "versions": versions(),
    }
    write_whole(weights, save(dict(result.weights)))
    trained = replace(
        config,
        weights=weights.name,
        normalisation=result.normalisation,
        provenance={**config.provenance, "training": training},
    )
    write_config(trained, config_path)


def _say(result: FinalResult, dataset: str, weights: Path, config: Path, for_model: int, in_all: int) -> None:
    scores = ", ".join(f"{name} {value:.4f}" for name, value in result.test_metrics.items())
    typer.echo(
        f"Trained on {result.training_images:,} images in {result.seconds:.1f} s. "
        f"Test set of {dataset}, {result.test_images:,} images: {scores}"
    )
    typer.echo(f"Test set of {dataset} read {_times(for_model)} for this model, {_times(in_all)} in this database")
    typer.echo(f"Wrote {weights} and {config}")


def _times(count: int) -> str:
    return "1 time" if count == 1 else f"{count} times"


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C as a failure like others, so that the live line is closed and the exit code is 1."""
    try:
        yield
    except KeyboardInterrupt:
        raise RunError("interrupted", hint="nothing was written") from None


def _progress(epochs: int) -> AbstractContextManager[Callable[[EpochRecord], None]]:
    """A live line where there is a terminal, plain lines elsewhere."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return nullcontext(lambda record: typer.echo(_line(record, epochs), err=True))
    status = console.status(f"epoch 1/{epochs} ...")
    return _Live(status, epochs)


class _Live:
    """A rich status line as a context that gives a report function."""

    def __init__(self, status: Any, epochs: int) -> None:
        self._status = status
        self._epochs = epochs

    def __enter__(self) -> Callable[[EpochRecord], None]:
        self._status.start()
        return lambda record: self._status.update(_line(record, self._epochs))

    def __exit__(self, *_: object) -> None:
        self._status.stop()


def _line(record: EpochRecord, epochs: int) -> str:
    left = (epochs - record.epoch) * record.seconds
    return f"epoch {record.epoch}/{epochs}  loss {record.train_loss:.4f}  {record.seconds:.1f} s  {left:.0f} s left"
