"""The way in: Ctrl-C before any command could take it over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mixnas

ROOT = Path(mixnas.__file__).parent.parent


def test_ctrl_c_while_modules_load_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    found = subprocess.run(
        [sys.executable, "-m", "mixnas", "space", "list"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "interrupted\n")
