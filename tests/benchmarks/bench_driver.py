"""What a trial costs beside its evaluation, at the 100th, 1,000th and 10,000th: our driver and plain Optuna in one run.

    python tests/benchmarks/bench_driver.py [--trials 10000] [--sampler random] [--stopping]

Both keep a real SQLite file. Ours opens a trial on both sides, stores a curve of eight epochs, one write an epoch, and
ends with the front; Optuna asks, suggests the same parameters and is told the same values, and keeps no curve, which it
has no place for with several objectives. Evaluations are the toy's, worked out while the clock stands still. A figure
is the mean of the 100 trials before that number, of wall-clock and of processor time, which a busy machine does not
change; that of Optuna's default sampler is of a few more trials, on a copy of the study that the random one filled.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import optuna

from mixnas import toy
from mixnas.records import EpochRecord, Job, Measurement
from mixnas.search.driver import Driver
from mixnas.search.optuna_space import suggest
from mixnas.session import open_session
from mixnas.space import SearchSpace
from mixnas.study import StudySpec

SIZES = (100, 1000, 10_000)
WINDOW = 100
"""Trials that a figure is the mean of."""
FEW = 20
"""The same for Optuna's default sampler, which takes long."""
EPOCHS = 8
OBJECTIVES = ("acc", "params", "macs")

Cost = tuple[float, float]
"""Milliseconds a trial, of wall-clock and of processor time."""


@dataclass
class Clock:
    """Seconds spent inside `with` blocks, in all, on the wall and of the processor."""

    wall: float = 0.0
    processor: float = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._started[0]
        self.processor += time.process_time() - self._started[1]

    def milliseconds(self, trials: int) -> Cost:
        """What one of so many trials took; begins anew."""
        found = 1000 * self.wall / trials, 1000 * self.processor / trials
        self.wall = self.processor = 0.0
        return found


def evaluated(job: Job) -> tuple[list[EpochRecord], Measurement]:
    """The epochs that the job is to report, and what it ends with."""
    records: list[EpochRecord] = []
    return records, toy.evaluate(job, records.append)


def one_of_ours(driver: Driver, clock: Clock) -> Job | None:
    """Asks for a job, tells its epochs and its end."""
    with clock:
        job = driver.ask()
    if job is None:
        return None
    records, measurement = evaluated(job)
    with clock:
        for record in records:
            driver.progress(job, record)
        driver.tell(job, measurement)
    return job


def ours(folder: Path, trials: int, sampler: str, stopping: str) -> tuple[dict[int, Cost], list[Job]]:
    """Milliseconds a trial by number of trials, and the jobs in their order."""
    spec = StudySpec(
        space="splitmixer", objectives=OBJECTIVES, evaluator="toy", trials=trials, epochs=EPOCHS, name="s",
        sampler=sampler, early_stopping=stopping,
    )  # fmt: skip
    found, jobs, clock = dict[int, Cost](), list[Job](), Clock()
    with open_session(spec, f"sqlite:///{folder}/ours.db", executor="inline") as session:
        while (job := one_of_ours(session.driver, clock)) is not None:
            jobs += [job] if job.attempt == 1 else []
            if session.driver.begun % WINDOW == 0 and job.attempt == 1:
                found[session.driver.begun] = clock.milliseconds(WINDOW)
    return found, jobs


def one_of_optunas(study: optuna.Study, space: SearchSpace, values: list[float], clock: Clock) -> None:
    """Asks, suggests every parameter of the space, tells."""
    with clock:
        trial = study.ask()
        suggest(space, trial)
        study.tell(trial, values)


def optunas(folder: Path, space: SearchSpace, results: list[list[float]]) -> dict[str, dict[int, Cost]]:
    """Milliseconds a trial by number of trials, for Optuna's random sampler and its default one."""
    file, clock = folder / "optuna.db", Clock()
    study = optuna.create_study(
        storage=f"sqlite:///{file}", study_name="s", directions=["maximize", "minimize", "minimize"],
        sampler=optuna.samplers.RandomSampler(seed=0),
    )  # fmt: skip
    found: dict[str, dict[int, Cost]] = {"random": {}, "default": {}}
    for number, values in enumerate(results, 1):
        one_of_optunas(study, space, values, clock)
        if number % WINDOW == 0:
            found["random"][number] = clock.milliseconds(WINDOW)
        if number in SIZES:
            found["default"][number] = default_sampler(file, folder / f"{number}.db", space, results)
    return found


def default_sampler(file: Path, copy: Path, space: SearchSpace, results: list[list[float]]) -> Cost:
    """Milliseconds of a further trial with the default sampler; the first one, which reads the study, is left out."""
    shutil.copyfile(file, copy)
    study, clock = optuna.load_study(storage=f"sqlite:///{copy}", study_name="s"), Clock()
    for number in range(FEW + 1):
        one_of_optunas(study, space, results[number], clock if number else Clock())
    copy.unlink()
    return clock.milliseconds(FEW)


def values_of(jobs: list[Job]) -> list[list[float]]:
    """What Optuna is told: the values that the same trials have with us, costs made up from the axes."""
    width = [float(str(job.axes["width"])) * float(str(job.axes["depth"])) for job in jobs]
    return [
        [toy.epoch_record(job, EPOCHS).metrics["acc"], cost, cost * 64] for job, cost in zip(jobs, width, strict=True)
    ]


def main() -> None:
    """Prints one line for each, and how it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=SIZES[-1])
    parser.add_argument("--sampler", default="random")
    parser.add_argument("--stopping", action="store_true", help="with early stopping by mo-asha")
    parser.add_argument("--without-optuna", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sizes = [size for size in SIZES if size <= options.trials]
    write(f"{'ms a trial at':34}" + "".join(f"{size:>9,}" for size in sizes) + f"{'growth':>9}")
    with tempfile.TemporaryDirectory() as name:
        stopping = "mo-asha" if options.stopping else "none"
        mine, jobs = ours(Path(name), options.trials, options.sampler, stopping)
        lines(f"mixnas, {options.sampler}", mine, sizes)
        if options.without_optuna:
            return
        theirs = optunas(Path(name), SearchSpace.from_json(_space(Path(name))), values_of(jobs))
    for sampler, found in theirs.items():
        lines(f"plain Optuna, {sampler}", found, sizes)
    for sampler, found in theirs.items():
        ratios = "".join(f"{mine[size][0] / found[size][0]:9.2f}" for size in sizes)
        write(f"{f'mixnas / plain Optuna, {sampler}':34}{ratios}")


def _space(folder: Path) -> dict[str, object]:
    from mixnas.store import Store

    with Store.open(f"sqlite:///{folder}/ours.db") as store:
        return dict(store.study("s").space)


def lines(name: str, found: dict[int, Cost], sizes: list[int]) -> None:
    """A line for each kind of time: the figures, and the last as a multiple of the first."""
    for kind, label in enumerate((name, "    of the processor")):
        each = [found[size][kind] for size in sizes]
        write(f"{label:34}" + "".join(f"{ms:9.2f}" for ms in each) + f"{each[-1] / each[0]:8.2f}x")


def write(text: str) -> None:
    """A line on the screen at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
