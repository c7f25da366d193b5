"""`mixnas import`: a checkpoint of a published implementation as a model config and safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from mixnas.importing import Imported


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="import")(import_)


def import_(
    checkpoint: Path = typer.Argument(..., help="State dict: .pth, .pt, .ckpt, .bin, .tar, .safetensors or .npz."),
    output: Path = typer.Option(..., "--output", "-o", help="The config file to write; weights go beside it."),
    config: Path | None = typer.Option(None, help="The reference's constructor arguments, as JSON or YAML."),
    image_size: int | None = typer.Option(
        None, min=1, max=65536, help="Pixels of a side, which no weight tells. [the config's, or 32]"
    ),
    key: str = typer.Option("", help="Where the state dict lies in the file, for example state_dict_ema."),
    by_order: bool = typer.Option(
        False, "--by-order", help="SplitMixer under unknown names: take weights by their order, where shapes agree."
    ),
    force: bool = typer.Option(False, "--force", help="Overwrite existing files."),
) -> None:
    """Turn a checkpoint of SplitMixer, ConvMixer (timm) or WaveMix into a model config and safetensors.

    Arguments that --config leaves out are inferred from the weights. A file that would run code is refused. Whatever
    does not match is listed, and then nothing is written.
    """
    from mixnas.importing import import_checkpoint

    done = import_checkpoint(checkpoint, output, config, image_size=image_size, key=key, by_order=by_order, force=force)
    _say(done)


def _say(done: Imported) -> None:
    source, completed = done.checkpoint, done.completed
    where = f", under {source.key!r}" if source.key else ""
    cut = f", without the prefix {source.prefix!r}" if source.prefix else ""
    typer.echo(f"Read {len(source.state)} entries of {source.path}{where}{cut}: {completed.arguments['model']}")
    if completed.inferred:
        typer.echo(f"Inferred from the weights: {_listed(completed.inferred)}")
    if completed.assumed:
        typer.echo(f"Assumed, as weights do not tell it: {_listed(completed.assumed)}")
    summary = done.config.provenance["summary"]
    typer.echo(f"{done.config.family}: {summary}; {done.parameters:,} parameters")
    typer.echo(f"Largest difference of outputs, read back against read in: {done.difference:.2g}")
    typer.echo(f"Wrote {done.weights_path} and {done.config_path}")
    typer.echo("Note: how images were normalised is not in a checkpoint; add it to the config as `normalisation`.")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()
    )
