"""`mixnas search`: the main job."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import typer

from mixnas.data import datasets_for
from mixnas.errors import UsageError
from mixnas.objectives import OBJECTIVES
from mixnas.records import Task
from mixnas.search.executors import Cluster
from mixnas.study import DEFAULT_STORAGE, StudySpec, load_study

TASKS = get_args(Task)
DATA_SETS = "; ".join(f"{', '.join(datasets_for(task))} ({task})" for task in TASKS)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("search", help=search.__doc__)(search)


def search(
    study_file: str | None = typer.Argument(
        None, metavar="[STUDY]", help="A study: a name in studies/ or a path. Flags given beside it win."
    ),
    space: str | None = typer.Option(None, help="Search space: a name (`mixnas space list`) or a path."),
    objective: str | None = typer.Option(
        None,
        help=f"Objectives, by comma: {', '.join(OBJECTIVES)}; flops means macs. [the task's main metric and params]",
    ),
    dataset: str | None = typer.Option(None, help=f"Data set: {DATA_SETS}. [the first of the task]"),
    task: str | None = typer.Option(None, help=f"{', '.join(TASKS)}. [the data set's, or classification]"),
    trials: int | None = typer.Option(None, help="Finished trainings, over all runs of the study together. [40]"),
    epochs: int | None = typer.Option(None, help="Epochs of each training. [the data set's own default]"),
    workers: int = typer.Option(0, help="Trials at once; 0 is one a core, or what the cluster has room for."),
    backend: str = typer.Option(
        "processes",
        "--backend",
        "--executor",
        help="What runs the trials: processes of this machine, inline (one at a time in this process), or ray.",
    ),
    address: str = typer.Option("", help="Ray cluster: auto, HOST:PORT or ray://HOST:PORT. [one on this machine]"),
    cpus_per_trial: float = typer.Option(1.0, help="CPUs that Ray reserves for a trial."),
    gpus_per_trial: float = typer.Option(0.0, help="GPUs that Ray reserves for a trial; 0.25 puts four on each."),
    sampler: str | None = typer.Option(None, help="auto, tpe, nsga2, nsga3, gp, evolution, random or grid. [auto]"),
    constraint: list[str] | None = typer.Option(
        None, help='What a candidate must meet before it is trained: "params <= 100k and depth > 2". Repeatable.'
    ),
    baseline: list[str] | None = typer.Option(
        None,
        help="A model to train beside the search and draw beside its front: a published name (`mixnas profile "
        "--list`), timm:NAME or a config file. Repeatable.",
    ),
    early_stopping: str | None = typer.Option(
        None, help="none, or mo-asha: trials pause at rungs of epochs, and the best go on. [none]"
    ),
    rungs: str | None = typer.Option(None, help="Epochs of the rungs, by comma: 1,3,8. [from --epochs]"),
    reduction: float | None = typer.Option(None, help="One of so many trials goes on from a rung. [3]"),
    min_full: int | None = typer.Option(None, help="Full trainings at least. [a tenth of the trials, 5 at least]"),
    trial_timeout: float | None = typer.Option(
        None, help="Seconds after which a trial is ended and recorded as failed. [no limit]"
    ),
    retries: int | None = typer.Option(None, help="How often a trial whose worker is lost is tried again. [1]"),
    seed: int | None = typer.Option(None, help="Seeds the proposals and every training. [0]"),
    seeds: int | None = typer.Option(
        None,
        help="Seeds of each member of the front and of what is near it: after the search they are trained with the "
        "others, to tell merit from luck. [1]",
    ),
    recipe: str | None = typer.Option(None, help="Training recipe: small, splitmixer, wavemix. [small]"),
    lr: float | None = typer.Option(None, help="Peak learning rate, in place of the recipe's."),
    batch_size: int | None = typer.Option(None, help="Batch size, in place of the recipe's."),
    evaluator: str | None = typer.Option(
        None, help="train, toy (closed form, for trying things out) or module:function."
    ),
    storage: str = typer.Option(DEFAULT_STORAGE, help="Database URL."),
    study: str | None = typer.Option(None, help="Name; the same name goes on. [<space>-<dataset>-<objectives>]"),
    data_dir: str | None = typer.Option(None, help="Where data sets lie. [./data, or $MIXNAS_DATA]"),
    download: bool = typer.Option(False, "--download", help="Allow the data set to be downloaded."),
    plain: bool = typer.Option(False, "--plain", help="Plain lines instead of the live view."),
) -> None:
    """Search a space for several objectives and keep the Pareto front in a database.

    The same command goes on where it was stopped. Ctrl-C once lets running trials finish, twice stops now.
    """
    base = load_study(study_file) if study_file else None
    if base is None and space is None:
        raise UsageError(
            "nothing to search", hint="--space splitmixer, or the name of a study; see `mixnas space list`"
        )
    flags = {
        "space": space,
        "objectives": tuple(part.strip() for part in objective.split(",")) if objective is not None else None,
        "dataset": dataset,
        "task": task,
        "trials": trials,
        "epochs": epochs,
        "sampler": sampler,
        "constraints": tuple(constraint) if constraint else None,
        "baselines": tuple(baseline) if baseline else None,
        "early_stopping": early_stopping,
        "rungs": _rungs(rungs) if rungs is not None else None,
        "reduction": reduction,
        "min_full": min_full,
        "trial_timeout": trial_timeout,
        "retries": retries,
        "seed": seed,
        "seeds": seeds,
        "evaluator": evaluator,
        "name": study,
        "data_dir": str(Path(data_dir).absolute()) if data_dir else None,
    }
    spec = _spec(base, {key: value for key, value in flags.items() if value is not None})
    spec = _with_recipe(spec, recipe, {"lr": lr, "batch_size": batch_size})
    cluster = Cluster(address, cpus_per_trial, gpus_per_trial)
    run(spec, storage, executor=backend, workers=workers, cluster=cluster, download=download, plain=plain)


def run(
    spec: StudySpec,
    storage: str,
    *,
    executor: str = "processes",
    workers: int = 0,
    cluster: Cluster | None = None,
    download: bool,
    plain: bool,
) -> None:
    """Runs a search in view of the user, then says what came out.

    Raises:
        typer.Exit: with code 1 where it was interrupted before its end.
    """
    from mixnas.cli.live import open_view
    from mixnas.cli.reevaluation import reevaluate
    from mixnas.search.loop import Hopeless, interrupts
    from mixnas.search.loop import run as run_loop
    from mixnas.session import open_session

    _quiet_libraries()
    if workers < 0:
        raise UsageError(f"--workers {workers} is not a number of processes", hint="0 takes one a core")
    try:
        # Signals are only counted until the session is closed: a second Ctrl-C must not fall into the tidying up.
        with (
            interrupts(armed=False) as state,
            open_session(
                spec, storage, executor=executor, workers=workers, cluster=cluster, download=download
            ) as session,
        ):
            state.armed = True
            _tell_fallback(session.spec)
            with open_view(session, plain=plain) as view:
                more = len(session.seeds) > 1
                ended = run_loop(session.driver, session.executor, view.listen, state, keep=more)
            again = None
            if more and ended in ("done", "exhausted"):
                again = reevaluate(session, state, plain=plain)
            view.summary(ended, storage, again)
    except Hopeless as error:
        where = "" if storage == DEFAULT_STORAGE else f" --storage {shlex.quote(storage)}"
        name = shlex.quote(f"{spec.named().name}/{error.trial}")
        error.hint += f"; `mixnas studies trial {name}{where}` shows all that is known of the last one"
        raise
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on", err=True)
        raise typer.Exit(1) from None
    if {ended, again.ended if again else ended} & {"interrupted", "stopped"}:
        raise typer.Exit(1)


def _tell_fallback(spec: StudySpec) -> None:
    from mixnas.search.auto import unsuited

    if spec.sampler == "auto" and (reason := unsuited(spec.resolved_objectives)):
        typer.echo(f"sampler auto: {reason}; tpe proposes instead", err=True)


def _rungs(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--rungs {text!r} are not numbers of epochs by comma", hint="--rungs 1,3,8") from None


def _spec(base: StudySpec | None, flags: dict[str, Any]) -> StudySpec:
    """The spec that flags make, over that of a study file. There, a new task or data set brings the other with it."""
    for key in ("epochs", "trials"):
        if flags.get(key, 1) < 1:
            raise UsageError(f"--{key} {flags[key]} is not a number of {key}", hint="ask for at least 1")
    if base is None:
        return StudySpec(**flags)
    if "dataset" in flags:
        flags = {"task": "", **flags}
    elif flags.get("task", base.task) != base.task:
        flags = {"dataset": "", **flags}
    return replace(base, **flags)


def _with_recipe(spec: StudySpec, name: str | None, changes: dict[str, Any]) -> StudySpec:
    from mixnas.recipe import recipe

    chosen = recipe(name) if name else spec.recipe
    return replace(spec, recipe=replace(chosen, **{k: v for k, v in changes.items() if v is not None}))


def _quiet_libraries() -> None:
    """Optuna's own log lines would break the live view; what they say is in ours."""
    import warnings

    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
