"""How much of a front is luck: means over training seeds, their intervals, and who may be dominated after all.

A search trains each architecture once. Its front then holds those that are good and those that were lucky; trainings
with more seeds (`mixnas search --seeds`) tell them apart. Exact costs have no noise; everything else is *measured*.

Model: on the scale of `to_scale` an architecture's values spread around its mean normally, with one standard deviation
for all architectures. It is pooled within all that were trained with several seeds: three seeds alone leave 2 degrees
of freedom and a t quantile of 4.3, ten architectures together 20 and 2.1. Fractions are taken to arcsin(sqrt(x)), the
scale on which shares of right answers spread evenly (M. S. Bartlett, The use of transformations, Biometrics 3, 1947):
near 100 % seeds differ far less than at 85 % (on `splitmixer-digits` by sd 0.004 and 0.024, on that scale by 0.033 and
0.038). Seeds are not paired: none was found luckier than another, or to make similar architectures lucky together.
`tests/benchmarks/check_noise.py` shows all of it on the tables of real trainings.

Within noise of being dominated: a member `a` of the front is, if there is another architecture `b` with several seeds
that is no worse than `a` in every exact cost, and `a` is not significantly better than `b` in any measured objective,
that is, the 95 % interval of the difference of their means reaches zero or favours `b` (Fisher's least significant
difference, R. A. Fisher, The Design of Experiments, 1935). A member without the flag is better than each such rival at
97.5 % one-sided; as that claims all comparisons at once (an intersection-union test, R. L. Berger, Technometrics 24,
1982), it needs no correction for their number. Over many members there is none either.

The seed of the search is one of the seeds, and it chose the members: their means still lean to the lucky side, by a
share of `NoiseReport.luck`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mixnas.objectives import Objective
from mixnas.pareto import dominates, front, minimised
from mixnas.records import Replicate, Trial
from mixnas.statistics import Spread, pooled

NEAR_LEAST = 5
"""As many near-members are trained again as there are members, but up to this many at least."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Repeated:
    """An architecture that was trained with several seeds."""

    trial: Trial
    """With means in place of what was measured once."""
    seeds: int
    """Trainings that finished, that of the search included."""
    failed: int
    intervals: Mapping[str, tuple[float, float]]
    """95 % interval of the mean of each measured objective."""
    rivals: tuple[int, ...]
    """Trials that may dominate it, the likeliest first; empty where it stands clear of all."""

    @property
    def number(self) -> int:
        """The number of the trial."""
        return self.trial.number

    @property
    def flag(self) -> str:
        """`within noise of trial 12`, `within noise of trial 12 and 3 more`, or nothing."""
        return f"within noise of trial {self.rivals_said}" if self.rivals else ""

    @property
    def rivals_said(self) -> str:
        """`12`, `12 and 3 more`, or nothing."""
        if len(self.rivals) < 2:
            return "".join(map(str, self.rivals))
        return f"{self.rivals[0]} and {len(self.rivals) - 1} more"


@dataclass(frozen=True)
class NoiseReport:
    """The front of the means among all architectures with several seeds, and who is not on it."""

    members: tuple[Repeated, ...]
    """The front of the means, by the first cost. What has one seed only is not compared with them."""
    others: tuple[Repeated, ...]
    """The others with several seeds, by number."""
    fallen: Mapping[int, int]
    """Members of the search's own front that are not on this one, and a member that dominates each."""
    single: tuple[int, ...]
    """Members of the search's own front that have one seed only, and so are left out."""
    luck: Mapping[str, float]
    """How much better than their other seeds the search's own seed made its members, on average, by objective."""

    @property
    def repeated(self) -> tuple[Repeated, ...]:
        """All with several seeds, by number."""
        return tuple(sorted((*self.members, *self.others), key=lambda one: one.number))


def measured(objectives: Iterable[Objective]) -> tuple[Objective, ...]:
    """The objectives that another seed may change: all but exact costs."""
    return tuple(o for o in objectives if o.kind != "exact")


def to_scale(objective: Objective, value: float) -> float:
    """A value on the scale on which noise is about equal everywhere: arcsin(sqrt(x)) of fractions, log of times."""
    if objective.unit == "fraction":
        return math.asin(math.sqrt(min(max(value, 0.0), 1.0)))
    return math.log(max(value, 1e-300)) if objective.kind == "timed" else value


def from_scale(objective: Objective, value: float) -> float:
    """The inverse of `to_scale`; what lies outside of its range comes to the nearer end."""
    if objective.unit == "fraction":
        return math.sin(min(max(value, 0.0), math.pi / 2)) ** 2
    return math.exp(value) if objective.kind == "timed" else value


def noise_report(
    trials: Sequence[Trial], replicates: Iterable[Replicate], objectives: Sequence[Objective]
) -> NoiseReport | None:
    """What seeds tell of a front; None where no finished trial has a second seed, or nothing is measured."""
    sample = _Sample(trials, replicates, objectives)
    several = [trial for trial in sample.trials if sample.count(trial) > 1]
    if not several or not sample.noisy:
        return None
    spreads = sample.spreads(several)
    found = {t.number: sample.repeated(t, several, spreads) for t in several}
    means = [one.trial for one in found.values()]
    on_front = [trial.number for trial in front(means, objectives)]
    before = [trial.number for trial in front(trials, objectives)]
    fallen = {n: _dominator(found, on_front, n, objectives) for n in before if n in found and n not in on_front}
    return NoiseReport(
        tuple(found[number] for number in on_front),
        tuple(found[number] for number in found if number not in on_front),
        fallen,
        tuple(number for number in before if number not in found),
        sample.luck([trial for trial in several if trial.number in before]),
    )


def near_members(
    trials: Sequence[Trial], replicates: Iterable[Replicate], objectives: Sequence[Objective]
) -> list[Trial]:
    """The finished trials off the front that may belong on it, the nearest first; none before members have seeds.

    One is left out where some member is no worse in every exact cost, and in every measured objective its mean is
    better than the trial's single value by more than their 95 % interval. The spread is that of the members' seeds
    alone, so that the answer stays the same while near-members are trained.
    """
    sample = _Sample(trials, replicates, objectives)
    members = front(trials, objectives)
    if not sample.noisy or all(sample.count(member) < 2 for member in members):
        return []
    spreads = sample.spreads(members)
    on_front = {member.number for member in members}
    found = []
    for trial in sample.trials:
        above = [m for m in members if trial.number not in on_front and sample.no_dearer(m, trial)]
        gap = max((min(sample.leads(m, trial, spreads, alone=True)) for m in above), default=math.inf)
        if gap <= 1:
            found.append((gap, tuple(minimised(trial.values, objectives)), trial.number, trial))
    return [entry[-1] for entry in sorted(found, key=lambda entry: entry[:3])]


def near_limit(members: int) -> int:
    """How many near-members are trained again beside so many members."""
    return max(NEAR_LEAST, members)


def _dominator(found: Mapping[int, Repeated], on_front: Iterable[int], number: int, o: Sequence[Objective]) -> int:
    beaten = minimised(found[number].trial.values, o)
    return next(n for n in on_front if dominates(minimised(found[n].trial.values, o), beaten))


class _Sample:
    """What the seeds of each finished trial gave."""

    def __init__(
        self, trials: Sequence[Trial], replicates: Iterable[Replicate], objectives: Sequence[Objective]
    ) -> None:
        self.trials = [trial for trial in trials if trial.state == "finished"]
        self.noisy = measured(objectives)
        self._exact = [o for o in objectives if o.kind == "exact"]
        self._values = {trial.number: [trial.values] for trial in self.trials}
        self._failed = dict.fromkeys(self._values, 0)
        for one in replicates:
            if one.trial in self._values and one.state == "finished":
                self._values[one.trial].append(one.values)
            elif one.trial in self._values:
                self._failed[one.trial] += 1

    def count(self, trial: Trial) -> int:
        """How many seeds finished."""
        return len(self._values[trial.number])

    def mean(self, trial: Trial, o: Objective) -> float:
        """The mean over seeds, rounded so that equal shares of right answers are equal means."""
        return round(math.fsum(values[o.name] for values in self._values[trial.number]) / self.count(trial), 12)

    def spreads(self, trials: Iterable[Trial]) -> dict[str, Spread]:
        """The spread of single trainings on the scale of each measured objective, pooled over some trials."""
        several = [self._values[trial.number] for trial in trials if self.count(trial) > 1]
        pools = {o.name: pooled([to_scale(o, v[o.name]) for v in values] for values in several) for o in self.noisy}
        return {name: spread for name, spread in pools.items() if spread is not None}

    def no_dearer(self, rival: Trial, trial: Trial) -> bool:
        """Whether the rival is no worse in every exact cost."""
        return all(o.sign * rival.values[o.name] <= o.sign * trial.values[o.name] for o in self._exact)

    def leads(self, trial: Trial, rival: Trial, spreads: Mapping[str, Spread], alone: bool = False) -> list[float]:
        """By how much a trial's means are better than a rival's, in half widths of the 95 % interval; by objective.

        Args:
            alone: takes the rival's value in the search only.
        """
        found = []
        for o in self.noisy:
            theirs = rival.values[o.name] if alone else self.mean(rival, o)
            lead = o.sign * (to_scale(o, theirs) - to_scale(o, self.mean(trial, o)))
            margin = spreads[o.name].margin(self.count(trial), 1 if alone else self.count(rival))
            found.append(lead / margin if margin > _ROUNDING else 2 * math.copysign(abs(lead) > _ROUNDING, lead))
        return found

    def repeated(self, trial: Trial, several: Sequence[Trial], spreads: Mapping[str, Spread]) -> Repeated:
        """The account of one trial among all with several seeds."""
        means = {o.name: self.mean(trial, o) for o in self.noisy}
        leads = [
            (max(self.leads(trial, rival, spreads)), rival.number)
            for rival in several
            if rival is not trial and self.no_dearer(rival, trial)
        ]
        return Repeated(
            replace(trial, values={**trial.values, **means}),
            self.count(trial),
            self._failed[trial.number],
            {o.name: self._interval(o, means[o.name], spreads[o.name].margin(self.count(trial))) for o in self.noisy},
            tuple(number for lead, number in sorted(leads) if lead <= 1),
        )

    def _interval(self, o: Objective, mean: float, margin: float) -> tuple[float, float]:
        middle = to_scale(o, mean)
        return from_scale(o, middle - margin), from_scale(o, middle + margin)

    def luck(self, trials: Sequence[Trial]) -> dict[str, float]:
        """The average lead of the first seed over the others."""
        if not trials:
            return {}
        leads = {}
        for o in self.noisy:
            gaps = []
            for trial in trials:
                own, *others = (values[o.name] for values in self._values[trial.number])
                gaps.append(-o.sign * (own - math.fsum(others) / len(others)))
            leads[o.name] = math.fsum(gaps) / len(gaps)
        return leads
