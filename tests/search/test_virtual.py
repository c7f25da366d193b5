"""Virtual time: events come in the order in which real workers would have sent them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mixnas.records import Fidelity, Job, Problem
from mixnas.search.executors import Done, Event, Progress
from mixnas.search.loop import run
from mixnas.search.virtual import VirtualExecutor
from tests.search.conftest import toy_session


def job(trial: int, width: int) -> Job:
    axes = {"width": width, "depth": 2, "channel": "dense"}
    return Job("s", trial, 1, "splitmixer", axes, Problem.square(8, 1, 10), "digits", Fidelity(3, 0), evaluator="toy")


@given(st.lists(st.sampled_from([2, 16, 128, 1024]), min_size=1, max_size=12), st.integers(1, 4))
def test_workers_are_taken_as_they_become_free(widths: list[int], workers: int) -> None:
    executor, left, events = VirtualExecutor(workers), list(enumerate(widths)), list[tuple[float, Event]]()
    free_at, ends = [0.0] * workers, {}
    while left or executor.free() < workers:
        while left and executor.free():
            executor.submit(job(*left.pop(0)))
        executor.wait(lambda event: events.append((executor.clock, event)), 0.1)
    for trial, width in enumerate(widths):  # the same by hand: the next job goes to whoever is free first
        done = next(e for _, e in events if isinstance(e, Done) and e.job == job(trial, width))
        first = min(range(workers), key=lambda i: free_at[i])
        free_at[first] += sum(record.seconds for record in done.measurement.curve)
        ends[trial] = free_at[first]
    times = [at for at, _ in events]
    assert times == sorted(times)
    for at, event in events:
        if isinstance(event, Done):
            assert abs(at - ends[event.job.trial]) < 1e-9
            assert event.measurement.device == f"virtual, ended at {at:.3f} s"
    for trial in range(len(widths)):
        mine = [e for _, e in events if e.job.trial == trial]
        assert [e.record.epoch for e in mine if isinstance(e, Progress)] == [1, 2, 3] and isinstance(mine[-1], Done)


def test_a_search_in_virtual_time_is_the_same_again(tmp_path) -> None:
    found = []
    for number in range(2):
        with toy_session(f"sqlite:///{tmp_path}/{number}.db", executor="virtual", workers=3, trials=5) as session:
            assert run(session.driver, session.executor) == "done"
            found.append([(t.axes, t.values, t.seconds) for t in session.store.trials("s")])
    assert found[0] == found[1]
