"""The strategy `auto` and what it believes: nothing proposed twice, published models first, exact costs exact."""

from __future__ import annotations

import numpy as np
import pytest

from mixnas.objectives import parse_objectives
from mixnas.records import EpochRecord, Fidelity, Trial
from mixnas.search.auto import AutoOptions, AutoProposer, unsuited
from mixnas.search.gate import Gate
from mixnas.search.pool import WHOLE, Pool, key
from mixnas.search.proposers import Proposer, Setting, make_proposer
from mixnas.search.surrogate import Encoder, Kernel, LogLinear, Process, _loss
from mixnas.space import SearchSpace, choice, forbid, integer, load_space, option

SPACE = SearchSpace(
    "example",
    family="splitmixer",
    width=choice(8, 16, 32, 64),
    depth=integer(1, 6),
    channel=choice(option("dense"), option("overlap", ratio=choice("1/2", "2/3"))),
    rules=[forbid("width == 64 and depth == 6", because="an example needs a rule")],
)


def estimate(axes):
    return {"params": axes["width"] * axes["depth"], "macs": axes["width"] ** 2 * axes["depth"] + 1}


def gate(objectives: str, constraints: tuple[str, ...] = (), space: SearchSpace = SPACE) -> Gate:
    later = {"memory": lambda axes: float(axes["width"] ** 2 + 100 * axes["depth"])}
    return Gate(space, constraints, estimate, estimate, later, [o.name for o in parse_objectives(objectives)])


def setting(objectives: str = "acc,params", published=(), seed: int = 0, **more) -> Setting:
    reference = {"acc": 0.0, "error": 1.0, "params": 1e3, "macs": 1e5, "memory": 1e5, "inference_memory": 1e5}
    parsed = parse_objectives(objectives)
    chosen = {o.name: reference.get(o.name, 1e3) for o in parsed}
    space = more.pop("space", SPACE)
    return Setting(space, parsed, gate(objectives, space=space, **more), seed, 40, 4, chosen, tuple(published))


def values_of(asked: Setting, axes) -> dict[str, float]:
    """Accuracy rises with width and depth; the others are what the gate says."""
    acc = 1 - 1 / (axes["width"] * axes["depth"]) - (0.02 if axes["channel"] == "dense" else 0.0)
    return {o.name: {"acc": acc, **asked.gate.check(axes).costs}[o.name] for o in asked.objectives}


def search(proposer: Proposer, asked: Setting, trials: int, first: int = 0) -> list:
    found = []
    for number in range(first, first + trials):
        axes = proposer.propose()
        proposer.begin(number, axes)
        seconds = axes["width"] * axes["depth"] / 100
        proposer.learn(number, [EpochRecord(e + 1, 1.0, {}, seconds / 4) for e in range(4)])
        proposer.finish(number, values_of(asked, axes))
        found.append(axes)
    return found


@pytest.mark.parametrize(
    "objectives", ["acc", "acc,params", "params,acc", "acc,params,macs", "acc,params,macs,memory", "latency,params"]
)
def test_every_number_of_objectives_is_searched_without_a_repeat(objectives: str) -> None:
    asked = setting(objectives)
    proposer = AutoProposer(asked)
    found = []
    for number in range(30):
        axes = proposer.propose()
        proposer.begin(number, axes)
        values = {**estimate(axes), "memory": 1e3, "acc": 0.5, "latency": 1.0}
        proposer.finish(number, {o.name: values[o.name] for o in asked.objectives})
        found.append(key(axes))
    assert len(set(found)) == 30 and all(not SPACE.explain(dict(axes)) for axes in found)


def test_a_whole_space_is_proposed_and_then_no_more_than_repeats() -> None:
    asked = setting()
    size = SPACE.size()
    found = search(AutoProposer(asked), asked, int(size))
    assert len({key(axes) for axes in found}) == size == 69
    proposer = AutoProposer(asked)
    search(proposer, asked, int(size))
    assert not SPACE.explain(proposer.propose())


def test_published_models_come_first_and_the_cheapest_then() -> None:
    known = SPACE.canonical({"width": 64, "depth": 4, "channel": "dense"})
    asked = setting(published=[known])
    sizes = {}
    for start in ("spread", "cheapest"):
        found = search(AutoProposer(asked, AutoOptions(start=start, starts=7)), asked, 8)
        assert found[0] == known
        sizes[start] = [estimate(axes)["macs"] for axes in found[1:]]
    cheapest = sorted(estimate(axes)["macs"] for axes in SPACE.enumerate())
    assert sizes["cheapest"] == cheapest[:7]
    assert sizes["spread"][0] == cheapest[0]
    # The golden ratio leaves no third of the candidates out.
    thirds = np.searchsorted(np.quantile(cheapest, [1 / 3, 2 / 3]), sizes["spread"])
    assert set(thirds.tolist()) == {0, 1, 2}
    assert search(AutoProposer(asked, AutoOptions(published_start=False)), asked, 1)[0] != known


def test_more_workers_than_starts_still_begin_candidates_spread_over_cost() -> None:
    asked = setting()
    proposer, costs = AutoProposer(asked), []
    for number in range(12):
        axes = proposer.propose()
        proposer.begin(number, axes)
        costs.append(estimate(axes)["macs"])
    cheapest = sorted(estimate(axes)["macs"] for axes in SPACE.enumerate())
    fifths = np.searchsorted(np.quantile(cheapest, [0.2, 0.4, 0.6, 0.8]), costs)
    assert set(fifths.tolist()) == set(range(5))


def test_the_front_of_a_clear_case_is_found_in_a_third_of_the_space() -> None:
    asked = setting()
    found = search(AutoProposer(asked), asked, 23)
    best = {key(axes) for axes in SPACE.enumerate() if axes["width"] * axes["depth"] == 320}
    assert best & {key(axes) for axes in found}, "the most accurate model of all"


def test_running_trials_are_not_proposed_and_change_what_is() -> None:
    asked = setting()
    proposer = AutoProposer(asked)
    search(proposer, asked, 12)
    together = []
    for number in range(12, 16):
        together.append(proposer.propose())
        proposer.begin(number, together[-1])
    assert len({key(axes) for axes in together}) == 4
    proposer.finish(13, None)
    assert key(proposer.propose()) not in {key(axes) for axes in together}


def test_paused_trials_are_not_taken_for_members_of_the_front() -> None:
    asked = setting()
    running, paused = AutoProposer(asked), AutoProposer(asked)
    for proposer in (running, paused):
        search(proposer, asked, 12)
        proposer.begin(12, proposer.propose())
    paused.learn(12, [EpochRecord(1, 1.0, {}, 0.1)])
    for proposer, believed in ((running, 13), (paused, 12)):
        proposer._beliefs.update([proposer._trials[number] for number in proposer._finished])
        proposer._region()
        assert len(proposer._beliefs._targets) == believed


def test_a_rejected_proposal_does_not_come_again() -> None:
    proposer = AutoProposer(setting())
    seen = set()
    for _ in range(20):
        axes = proposer.propose()
        assert key(axes) not in seen
        seen.add(key(axes))
        proposer.reject()


def test_it_goes_on_as_if_it_had_not_been_interrupted() -> None:
    asked = setting()
    proposer = AutoProposer(asked)
    before = search(proposer, asked, 14)
    trials = [
        Trial("s", n, "", axes, "finished", values_of(asked, axes), Fidelity(4, 0)) for n, axes in enumerate(before)
    ]
    again = AutoProposer(asked)
    again.restore(trials, {})
    for number, axes in enumerate(before):
        seconds = axes["width"] * axes["depth"] / 100
        again.learn(number, [EpochRecord(e + 1, 1.0, {}, seconds / 4) for e in range(4)])
    assert key(again.propose()) not in {key(axes) for axes in before}
    after = search(again, asked, 4, first=14)
    assert len({key(axes) for axes in [*before, *after]}) == 18


def test_slow_costs_are_exact_in_what_is_chosen_and_constraints_on_them_hold() -> None:
    asked = setting("acc,memory", constraints=("memory <= 1500",))
    proposer = AutoProposer(asked)
    for number in range(20):
        axes = proposer.propose()
        for _ in range(30):
            verdict = asked.gate.check(axes)
            if not verdict.refused:
                break
            proposer.reject(verdict)
            axes = proposer.propose()
        assert not verdict.refused
        proposer.begin(number, axes)
        proposer.finish(number, values_of(asked, axes))


def test_objectives_that_it_cannot_search_for_are_left_to_tpe() -> None:
    assert "acc, latency" in unsuited(parse_objectives("acc,latency"))
    assert "none" in unsuited(parse_objectives("params,macs"))
    assert unsuited(parse_objectives("acc,params,macs,memory")) == ""
    with pytest.raises(ValueError, match="not one"):
        AutoProposer(setting("acc,error"))
    assert not isinstance(make_proposer("auto", setting("acc,error")), AutoProposer)
    assert isinstance(make_proposer("auto", setting()), AutoProposer)


def test_a_large_space_is_drawn_from_and_its_pool_stays_small() -> None:
    space = load_space("splitmixer").given(image_size=8, in_channels=1)
    assert space.size() > WHOLE
    asked = setting(space=space)
    proposer = AutoProposer(asked)
    found = []
    for number in range(14):
        axes = proposer.propose()
        proposer.begin(number, axes)
        proposer.finish(number, {"acc": 0.5 + number / 100, "params": estimate(axes)["params"]})
        found.append(key(axes))
    assert len(set(found)) == 14 and len(proposer._pool) <= 1100


def test_a_pool_holds_what_passes_and_gives_up_what_is_excluded() -> None:
    judge = gate("acc,params", ("params <= 64",))
    pool = Pool(SPACE, judge, Encoder(SPACE))
    assert {key(c) for c in pool.candidates} == {key(c) for c in SPACE.enumerate() if not judge.check(c).refused}
    assert 10 ** pool.costs["params"] == pytest.approx([estimate(c)["params"] for c in pool.candidates])
    gone = pool.candidates[3]
    pool.exclude(gone)
    assert gone not in pool.candidates and len(pool.axes) == len(pool) == len(pool.costs["macs"])


# ------------------------------------------------------------------------------------------------------- the surrogate


def test_every_candidate_has_its_own_code() -> None:
    for space in (SPACE, load_space("wavemix_lite"), load_space("hybrid")):
        drawn = {key(c): c for c in (space.sample(np.random.default_rng(i)) for i in range(200))}
        rows = Encoder(space).encode(list(drawn.values()))
        assert len(np.unique(rows, axis=0)) == len(drawn)
        assert rows.min() >= 0 and rows.max() <= 1


def test_axes_of_one_value_need_no_column() -> None:
    space = SearchSpace("one", family="splitmixer", width=choice(8, 16), depth=choice(2), channel=choice("dense"))
    assert Encoder(space).encode(list(space.enumerate())).tolist() == [[0.0], [1.0]]


def test_the_gradient_of_a_fit_is_that_of_its_loss() -> None:
    rng = np.random.default_rng(0)
    inputs, packed = rng.random((20, 3)), rng.normal(0, 0.3, 5)
    packed[-1] = -3.0
    targets = np.sin(5 * inputs[:, 0])
    _, gradient = _loss(packed, inputs, targets)
    steps = np.eye(5) * 1e-5
    numeric = [(_loss(packed + s, inputs, targets)[0] - _loss(packed - s, inputs, targets)[0]) / 2e-5 for s in steps]
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-5)


def test_a_process_says_what_direct_algebra_says() -> None:
    rng = np.random.default_rng(0)
    inputs, targets, new = rng.random((15, 2)), rng.random(15), rng.random((6, 2))
    kernel = Kernel(np.array([-0.5, 0.5]), 0.2, -4.0)
    mean, deviation = Process(inputs, targets, kernel).predict(new)
    covariance = kernel.between(inputs, inputs) + np.exp(-4.0) * np.eye(15)
    crossed = kernel.between(new, inputs) @ np.linalg.inv(covariance)
    scaled = (targets - targets.mean()) / targets.std()
    assert mean == pytest.approx(targets.mean() + targets.std() * crossed @ scaled, rel=1e-6)
    variance = np.diag(kernel.between(new, new) - crossed @ kernel.between(inputs, new))
    assert deviation == pytest.approx(targets.std() * np.sqrt(variance), rel=1e-4)


def test_a_fit_finds_the_input_that_matters_and_the_noise() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((120, 3))
    process = Process(inputs, np.sin(6 * inputs[:, 1]) + rng.normal(0, 0.1, 120))
    assert process.kernel.lengths[1] < min(process.kernel.lengths[[0, 2]])
    assert 0.07 < process.noise < 0.14
    new = rng.random((50, 3))
    mean, deviation = process.predict(new)
    assert np.abs(mean - np.sin(6 * new[:, 1])).max() < 0.2 and (deviation < 0.2).all()


def test_equal_results_and_a_single_one_can_be_learned_from() -> None:
    for count in (1, 5):
        mean, deviation = Process(np.linspace(0, 1, count)[:, None], np.full(count, 0.3)).predict(np.array([[0.5]]))
        assert mean == pytest.approx(0.3) and np.isfinite(deviation).all()


def test_seconds_follow_a_power_law_and_begin_with_what_is_usual() -> None:
    rng = np.random.default_rng(0)
    logs = rng.uniform(4, 7, (40, 1))
    model = LogLinear(logs, 10 ** (0.7 * logs[:, 0] - 3))
    assert model.predict(np.array([[5.0]])) == pytest.approx(10**0.5, rel=0.05)
    single = LogLinear(np.array([[5.0]]), np.array([2.0]), rise=0.5 * np.log(10))
    assert single.predict(np.array([[7.0]])) == pytest.approx(20.0)
