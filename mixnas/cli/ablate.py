"""`mixnas ablate`: which choice of a model earns its cost."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mixnas import catalog
from mixnas.ablation.spec import DESIGNS, SIZES, AblationSpec, known_ablations, load_ablation
from mixnas.cli.shown import console_for, print_table, quiet_libraries, say
from mixnas.errors import UnknownName, UsageError
from mixnas.records import Value
from mixnas.search.executors import Cluster
from mixnas.study import DEFAULT_STORAGE

if TYPE_CHECKING:
    from rich.console import Console

    from mixnas.ablation.analysis import Analysis
    from mixnas.ablation.estimate import Forecast
    from mixnas.ablation.experiment import Experiment

LONG = 600.0
"""Seconds from which on an ablation is asked to be confirmed."""
MANY = 500
"""Runs from which on it is, where nobody knows how long they take."""
FORMATS = ("markdown", "latex", "csv", "json")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("ablate", help=ablate.__doc__)(ablate)


def ablate(
    base: str | None = typer.Argument(
        None,
        metavar="[BASE]",
        help="A published model (splitmixer-I-256/8), a config file, a trial STUDY/NUMBER, or an "
        "ablation in studies/ (with --scale).",
    ),
    vary: list[str] | None = typer.Option(
        None,
        help="Axes, by comma, with all their values or some: channel.ratio=2/3,3/5,spatial. Or a group: "
        '"trick: on spatial=separable | off spatial=depthwise kernel_size=3". Repeatable.',
    ),
    design: str | None = typer.Option(None, help=f"{', '.join(DESIGNS)}. [oat: one factor at a time]"),
    change: list[str] | None = typer.Option(
        None, "--set", help="Axes of the base to set to another value, for every arm: width=32,depth=4. Repeatable."
    ),
    seeds: int | None = typer.Option(None, help="Seeds of each arm, the same for all. [5]"),
    dataset: str | None = typer.Option(None, help="Data set. [digits]"),
    epochs: int | None = typer.Option(None, help="Epochs of each training. [the data set's own default]"),
    scale: str | None = typer.Option(None, help=f"Size of an ablation in studies/: {', '.join(SIZES)}."),
    resolution: int | None = typer.Option(None, help="Least resolution of a fractional design. [4]"),
    metric: str | None = typer.Option(None, help="What arms are compared by. [the task's main metric]"),
    constraint: list[str] | None = typer.Option(
        None, help='What an arm must meet before it is trained: "params <= 100k". Repeatable.'
    ),
    space: str | None = typer.Option(None, help="Search space that the axes are of. [the one of the base's family]"),
    recipe: str | None = typer.Option(None, help="Training recipe: small, splitmixer, wavemix. [small]"),
    lr: float | None = typer.Option(None, help="Peak learning rate, in place of the recipe's."),
    batch_size: int | None = typer.Option(None, help="Batch size, in place of the recipe's."),
    evaluator: str | None = typer.Option(None, help="train, toy (closed form) or module:function. [train]"),
    seed: int | None = typer.Option(None, help="The first seed. [0]"),
    workers: int = typer.Option(0, help="Worker processes; 0 is one a core."),
    backend: str = typer.Option(
        "processes",
        "--backend",
        "--executor",
        help="What runs the trainings: processes of this machine, inline (one at a time in this process), or ray.",
    ),
    address: str = typer.Option("", help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT. [one on this machine]"),
    cpus_per_trial: float = typer.Option(1.0, help="CPUs that Ray reserves for a training."),
    gpus_per_trial: float = typer.Option(0.0, help="GPUs that Ray reserves for a training; 0.25 puts four on each."),
    storage: str = typer.Option(DEFAULT_STORAGE, help="Database URL."),
    study: str | None = typer.Option(None, help="Name; the same name goes on. [<base>-<dataset>-ablation]"),
    data_dir: str | None = typer.Option(None, help="Where data sets lie. [./data, or $MIXNAS_DATA]"),
    download: bool = typer.Option(False, "--download", help="Allow the data set to be downloaded."),
    output: Path | None = typer.Option(None, help="Folder to write the report to, in all formats, with its figures."),
    as_format: str | None = typer.Option(
        None, "--format", help=f"Print the report as {', '.join(FORMATS)}, and nothing else on standard output."
    ),
    from_study: str | None = typer.Option(
        None, help="Estimate effects from the trials of a search instead: correlational, nothing is trained."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show the design and its cost, and stop."),
    yes: bool = typer.Option(False, "--yes", help="Start a long ablation without asking."),
    as_list: bool = typer.Option(False, "--list", help="List the ablations in studies/ with their questions."),
) -> None:
    """Ablate a model as a designed experiment: train variants with paired seeds, and say which choice earns its cost.

    The same command goes on where it was stopped; runs that the study already has are not trained again.
    """
    if as_format is not None and as_format not in FORMATS:
        raise UnknownName("format", as_format, FORMATS)
    if as_list:
        _list()
        return
    if from_study is not None:
        from mixnas.cli.observed import observe

        observe(from_study, storage, as_format)
        return
    flags = {
        "vary": tuple(vary) if vary else None,
        "design": design,
        "seeds": seeds,
        "dataset": dataset,
        "epochs": epochs,
        "resolution": resolution,
        "metric": metric,
        "constraints": tuple(constraint) if constraint else None,
        "space": space,
        "evaluator": evaluator,
        "seed": seed,
        "name": study,
        "data_dir": str(Path(data_dir).absolute()) if data_dir else None,
    }
    spec = _spec(base, scale, {key: value for key, value in flags.items() if value is not None})
    spec = _with_recipe(_with_changes(spec, change or []), recipe, {"lr": lr, "batch_size": batch_size})
    cluster = Cluster(address, cpus_per_trial, gpus_per_trial)
    options = {"executor": backend, "workers": workers, "cluster": cluster, "download": download}
    run(spec, storage, options, dry_run=dry_run, yes=yes, output=output, as_format=as_format)


def run(
    spec: AblationSpec,
    storage: str,
    options: dict[str, Any],
    *,
    dry_run: bool,
    yes: bool,
    output: Path | None,
    as_format: str | None,
) -> None:
    """Shows the design, runs it in view of the user, and reports.

    Raises:
        typer.Exit: with code 1 where it was interrupted before its end, or no run finished.
    """
    from mixnas.ablation.estimate import forecast
    from mixnas.ablation.experiment import prepare
    from mixnas.environment import available_cores
    from mixnas.readiness import require_trainable

    if options["workers"] < 0:
        raise UsageError(f"--workers {options['workers']} is not a number of processes", hint="0 takes one a core")
    _check_output(output)
    console = console_for(stderr=as_format is not None and not dry_run)
    experiment = prepare(spec, storage)
    require_trainable(experiment.spec, experiment.problem, options["download"])
    workers = 1 if options["executor"] == "inline" else options["workers"] or available_cores()
    coming = forecast(experiment, storage, min(workers, experiment.runs))
    _show(experiment, coming, console)
    if dry_run:
        return
    _confirm(coming, yes)
    ended = _run(experiment, storage, options, console)
    _report(experiment.spec.name, storage, console, output, as_format)
    if ended in ("interrupted", "stopped"):
        typer.echo(f"{ended}; the same command goes on", err=True)
        raise typer.Exit(1)


def _run(experiment: Experiment, storage: str, options: dict[str, Any], console: Console) -> str:
    from mixnas.ablation.runner import open_ablation
    from mixnas.cli.progress import follow_ablation
    from mixnas.search.loop import interrupts
    from mixnas.search.loop import run as run_loop

    quiet_libraries()
    try:
        # Signals are only counted until the study is closed: a second Ctrl-C must not fall into the tidying up.
        with interrupts(armed=False) as state, open_ablation(experiment, storage, **options) as ablation:
            state.armed = True
            with follow_ablation(ablation.driver, console) as view:
                return run_loop(ablation.driver, ablation.executor, view.listen, state)
    except KeyboardInterrupt:
        return "interrupted"


def _spec(base: str | None, scale: str | None, flags: dict[str, Any]) -> AblationSpec:
    """The spec that flags make, or that of a study file at one of its sizes with the flags over it."""
    for key in ("epochs", "seeds"):
        if flags.get(key, 1) < 1:
            raise UsageError(f"--{key} {flags[key]} is not a number of {key}", hint="ask for at least 1")
    if base is None:
        raise UsageError("nothing to ablate", hint="mixnas ablate splitmixer-I-256/8 --vary spatial; or --list")
    if scale is None and not (base.endswith(".py") or base in catalog.names("studies")):
        return AblationSpec(base=base, **flags)
    found = load_ablation(base)
    if scale is None and found.scales:
        raise UsageError(f"{base} has several sizes", hint=f"--scale {' or '.join(found.scales)}")
    return replace(found.at(scale) if scale else found, **flags)


def _with_changes(spec: AblationSpec, texts: list[str]) -> AblationSpec:
    """`width=32,depth=4`; which value a text names, the space says later."""
    changes: dict[str, Value] = dict(spec.changes)
    for part in (part for text in texts for part in text.split(",")):
        axis, equals, value = (word.strip() for word in part.partition("="))
        if not (axis and equals and value):
            raise UsageError(f"--set {part!r} is no change of an axis", hint="write --set width=32")
        changes[axis] = value
    return replace(spec, changes=changes)


def _with_recipe(spec: AblationSpec, name: str | None, changes: dict[str, Any]) -> AblationSpec:
    from mixnas.recipe import recipe

    chosen = recipe(name) if name else spec.recipe
    return replace(spec, recipe=replace(chosen, **{k: v for k, v in changes.items() if v is not None}))


def _check_output(output: Path | None) -> None:
    if output is not None and ((output.exists() and not output.is_dir()) or not output.parent.is_dir()):
        reason = "is a file" if output.exists() else f"lies in {str(output.parent)!r}, which does not exist"
        raise UsageError(f"--output {str(output)!r} {reason}", hint="name a folder, or a new one in an existing folder")


def _show(experiment: Experiment, coming: Forecast, console: Console) -> None:
    """What is going to be run, before it is."""
    from mixnas.ablation.report import design_lines, design_table

    for line in design_lines(experiment):
        say(console, line)
    print_table(design_table(experiment), console)
    say(console, "; ".join(coming.lines()))


def _confirm(coming: Forecast, yes: bool) -> None:
    """Asks where it is going to take long.

    Raises:
        UsageError: there is nobody to ask.
        typer.Exit: the answer is no.
    """
    new = coming.runs - coming.reused
    long = coming.seconds > LONG if coming.seconds is not None else new > MANY
    if yes or not long:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"this takes long: {'; '.join(coming.lines())}", hint="--yes starts it; --dry-run only shows it"
        )
    if not typer.confirm("Start?", err=True):
        raise typer.Exit(1)


def _report(name: str, storage: str, console: Console, output: Path | None, as_format: str | None) -> None:
    from mixnas.ablation.analysis import analyse
    from mixnas.ablation.formats import FORMATS as WRITERS
    from mixnas.ablation.report import conclusions, tables
    from mixnas.store import Store

    with Store.open(storage) as store:
        analysis = analyse(store, name)
    if output is not None:
        _write(analysis, output, console)
    if as_format is not None:
        typer.echo(WRITERS[as_format](analysis), nl=False)
        return
    for table in tables(analysis):
        print_table(table, console)
    say(console, "")
    for line in conclusions(analysis):
        say(console, line)
    if output is None:
        say(console, "\nnext: the same command with --output FOLDER for figures, LaTeX and the rest; mixnas dashboard")


def _write(analysis: Analysis, folder: Path, console: Console) -> None:
    from mixnas.ablation.page import write_report

    folder.mkdir(exist_ok=True)
    for path in write_report(analysis, folder):
        say(console, f"written: {path}")


def _list() -> None:
    from mixnas.ablation.report import Table

    rows = []
    for name in known_ablations():
        spec = load_ablation(name)
        rows.append((name, " ".join(spec.scales), spec.design, spec.question))
    print_table(Table("Ablations in studies/", ("name", "scales", "design", "question"), tuple(rows)), console_for())
