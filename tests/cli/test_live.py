"""The live view, drawn on a terminal that is a string."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

from mixnas.cli.live import LiveView
from mixnas.search.loop import run
from mixnas.session import open_session
from mixnas.study import StudySpec


def test_it_shows_what_constraints_leave_and_how_many_they_refused(tmp_path: Path) -> None:
    limits = ("params <= 2k", "depth > 2")
    spec = StudySpec(
        space="splitmixer_small", evaluator="toy", sampler="random", trials=12, constraints=limits, name="tight"
    )
    console = Console(file=io.StringIO(), force_terminal=True, width=150)
    with open_session(spec, f"sqlite:///{tmp_path}/live.db", executor="inline") as session:
        with LiveView(session, console) as view:
            run(session.driver, session.executor, view.listen)
        refusals = session.store.refusals("tight")
        with LiveView(session, console):
            pass
    text = console.file.getvalue()  # type: ignore[attr-defined]
    reason, most = next(iter(refusals.items()))
    assert f"refused {sum(refusals.values())}, {most} of them by {reason}" in text and len(refusals) == 2
    (share,) = set(re.findall(r"; (\S+%) passes, tightest: params <= 2k", text))
    assert f"{share} of the space passes (all 360 candidates costed); tightest: params <= 2k" in text
