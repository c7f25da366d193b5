"""Inputs led by coverage: atheris looks for texts that reach lines of a reader that no text has reached before.

    python tests/fuzz/guided.py TARGET RUNS SEED

One target a process, because libFuzzer ends it. Started by `campaign.py --guided RUNS`; without atheris (`pip install
atheris`, Python 3.11 to 3.13 on Linux and macOS) it is left out, and said so.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
if TYPE_CHECKING:
    from tests.fuzz.campaign import Report

READERS = ("expressions", "constraints with units", "spaces as JSON", "model configs", "journals of tables")
"""Targets whose input is one text."""


INSTRUMENTED = (
    *("mixnas.space", "mixnas.space.query", "mixnas.space.columns", "mixnas.space.serial", "mixnas.search.gate"),
    *("mixnas.session", "mixnas.model_config", "mixnas.safe_yaml", "mixnas.models", "mixnas.models.splitmixer"),
    *("mixnas.models.wavemix_lite", "mixnas.models.mlp_mixer", "mixnas.export", "mixnas.table.journal"),
)


def guided(runs: int, seed: int, report: Report) -> list[str]:
    """Runs every reader in a process of its own; findings go to the report."""
    if find_spec("atheris") is None:
        return ["led by coverage: left out, atheris is not installed"]
    lines = []
    for name in READERS:
        with tempfile.TemporaryDirectory(prefix="mixnas-guided-") as folder:
            command = [sys.executable, str(Path(__file__).resolve()), name, str(runs), str(seed)]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=3000)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        lines.append(f"{runs:8,} inputs led by coverage, {covered[-1] if covered else '?'} places reached: {name}")
        if done.returncode:
            report.add(name, "finding", "found by atheris", done.stderr[-3000:])
    return lines


def main() -> None:
    """Never returns: libFuzzer ends the process after the runs, or at the first finding."""
    import atheris

    sys.path.insert(0, str(ROOT))
    name, runs, seed = sys.argv[1], sys.argv[2], sys.argv[3]
    with atheris.instrument_imports(include=["mixnas"]):
        for module in INSTRUMENTED:  # the readers import them when they are first called, which is too late
            importlib.import_module(module)
        from tests.fuzz.campaign import EVERY
        from tests.fuzz.guard import Sandbox

    target = EVERY[name]
    with Sandbox() as box:

        def one(content: bytes) -> None:
            value: Any = content.decode("utf-8", "replace")
            value = content if name.startswith("journals") else [value] if name.startswith("constraints") else value
            outcome, why = box.run(lambda: target.feed(value), 60.0, (".",))
            box.clear()
            if outcome == "finding":
                raise AssertionError(why)

        atheris.Setup(
            [sys.argv[0], f"-runs={runs}", f"-seed={int(seed) + 1}", "-max_len=400", *_seeds(box, target)], one
        )
        atheris.Fuzz()


def _seeds(box: Any, target: Any) -> list[str]:
    """A folder with some inputs of our own to begin from."""
    import random

    folder = box.root / "seeds"
    folder.mkdir()
    rng = random.Random(0)
    for number in range(50):
        value = target.make(rng)
        value = value[0] if isinstance(value, list) else value
        content = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
        (folder / str(number)).write_bytes(content)
    box.clear()
    return [str(folder)]


if __name__ == "__main__":
    main()
