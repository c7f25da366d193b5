"""CPU milliseconds per ask of every sampler after 50, 500 and 5,000 trials, told included, side by side in one run.

    python tests/benchmarks/bench_ask.py [SAMPLER ...]

The space is `splitmixer`, the objectives acc, params and macs, the results those of the toy evaluator. Each sampler
begins as a search that goes on: trials that end are told, and what it does now and then (fitting anew) is part of the
mean. Duplicates and refusals are the driver's work and left out.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping

import optuna

from mixnas.data import dataset
from mixnas.models import family
from mixnas.objectives import parse_objectives
from mixnas.records import Candidate, Fidelity, Job, Problem, Trial
from mixnas.search.gate import Gate
from mixnas.search.proposers import SAMPLERS, Proposer, Setting
from mixnas.session import exact_costs, reference_point
from mixnas.space import SearchSpace, load_space
from mixnas.toy import epoch_record

SIZES = (50, 500, 5000)
ASKS = 60
"""Timed at each size."""
OBJECTIVES = "acc,params,macs"


def setting(space: SearchSpace, problem: Problem) -> Setting:
    """What a sampler may know of the search."""
    found, objectives = family(space.family), parse_objectives(OBJECTIVES)
    gate = Gate(space, (), lambda a: exact_costs(found, a, problem), lambda a: exact_costs(found, a, problem))
    return Setting(space, objectives, gate, 0, SIZES[-1] + ASKS, 1, reference_point(objectives, space, gate))


def trained(asked: Setting, problem: Problem, axes: Candidate) -> tuple[Job, Mapping[str, float]]:
    """A job and its values."""
    job = Job("s", 0, 1, asked.space.family, axes, problem, "digits", Fidelity(1, 0))
    known = {**asked.gate.check(axes).costs, **epoch_record(job, 1).metrics}
    return job, {o.name: known[o.name] for o in asked.objectives}


def begun(name: str, asked: Setting, problem: Problem, history: list[Candidate]) -> Proposer:
    """The sampler after a search whose trials were drawn at random."""
    proposer = SAMPLERS[name].make(asked)
    trials, curves = [], {}
    for number, axes in enumerate(history):
        job, values = trained(asked, problem, axes)
        trials.append(Trial("s", number, "", axes, "finished", values, job.fidelity))
        curves[number] = (epoch_record(job, 1),)
    proposer.restore(trials, {})
    for number, curve in curves.items():
        proposer.learn(number, curve)
    return proposer


def milliseconds(proposer: Proposer, asked: Setting, problem: Problem, first: int) -> float:
    """Mean over asks, each with the end of a trial told; the first one, which fits everything, is left out."""
    spent = 0.0
    for number in range(first, first + ASKS + 1):
        start = time.process_time()
        drawn = proposer.propose()
        spent += time.process_time() - start
        axes = drawn if not asked.space.explain(drawn) else asked.space.sample(random.Random(number))
        axes = asked.space.canonical(axes)
        job, values = trained(asked, problem, axes)
        start = time.process_time()
        proposer.begin(number, axes)
        proposer.learn(number, (epoch_record(job, 1),))
        proposer.finish(number, values)
        spent = 0.0 if number == first else spent + time.process_time() - start
    return 1000 * spent / ASKS


def main() -> None:
    """Prints one line for each sampler."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    problem = dataset("digits").problem
    space = load_space("splitmixer").given(**problem.context())
    asked = setting(space, problem)
    rng = random.Random(0)
    drawn = {space.digest(axes): axes for axes in space.sample_many(rng, 2 * SIZES[-1])}
    history = list(drawn.values())
    print(  # noqa: T201
        f"{'ms per ask after':18}" + "".join(f"{size:>9,}" for size in SIZES) + f"{SIZES[-1] / SIZES[-2]:>9.0f}x trials"
    )
    for name in sys.argv[1:] or list(SAMPLERS):
        found = [milliseconds(begun(name, asked, problem, history[:size]), asked, problem, size) for size in SIZES]
        print(f"{name:18}" + "".join(f"{ms:9.1f}" for ms in found) + f"{found[-1] / found[-2]:9.2f}x time", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
