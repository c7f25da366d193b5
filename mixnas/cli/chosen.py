"""Which trial `mixnas export --best` and `--knee` mean: by means over seeds where there are any."""

from __future__ import annotations

from collections.abc import Sequence

from mixnas.describe import format_value
from mixnas.errors import UsageError
from mixnas.export import best_trial, knee
from mixnas.noise import NoiseReport, noise_report
from mixnas.objectives import objective
from mixnas.records import Trial
from mixnas.space import SearchSpace
from mixnas.store import Store


def chosen(store: Store, study: str, best: str | None) -> tuple[int, str]:
    """The number of the trial that --best or --knee asks for, and by what it was chosen where there are seeds.

    Means over seeds decide, among trials that have several; one seed where there are none, or none of those fits.
    """
    trials, record = store.trials(study), store.study(study)
    objectives = [objective(name) for name in record.spec["objectives"]]
    noise = noise_report(trials, store.replicates(study), objectives)
    if best is None:
        found = knee([one.trial for one in noise.members] if noise else trials, objectives)
        return found.number, _by_seeds(noise, found.number)
    axes = {parameter.axis for parameter in SearchSpace.from_json(dict(record.space)).parameters().values()}
    problem = str(record.spec["problem"])

    def find(among: Sequence[Trial]) -> int:
        return best_trial(among, best, lambda trial: store.costs(trial.digest, problem), axes).number

    if noise is None:
        return find(trials), ""
    try:
        number = find([one.trial for one in noise.repeated])
    except UsageError:
        return find(trials), "chosen by a single seed: no trial with several meets that"
    return number, _by_seeds(noise, number)


def _by_seeds(noise: NoiseReport | None, number: int) -> str:
    """`chosen by the mean of 3 seeds: acc 0.9861 (0.9823 to 0.9894); within noise of trial 12`."""
    if noise is None:
        return ""
    one = next(each for each in noise.repeated if each.number == number)
    means = ", ".join(
        f"{name} {format_value(name, one.trial.values[name])} ({' to '.join(format_value(name, e) for e in ends)})"
        for name, ends in one.intervals.items()
    )
    flag = f"; {one.flag}" if one.flag and one in noise.members else ""
    return f"chosen by the mean of {one.seeds} seeds: {means}{flag}"
