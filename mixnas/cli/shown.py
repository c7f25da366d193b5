"""Tables and lines of ablations on the terminal. rich is loaded when something is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from mixnas.ablation.report import Table

WORDS = ("verdict", "contrast", "question", "design", "scales", "designed effect", "")
"""Columns that hold words, which stand to the left."""

SELDOM = 5.0
"""Seconds between lines that say how far a long computation is."""


def print_table(table: Table, console: Console) -> None:
    """A table without lines; words to the left, numbers to the right."""
    from rich.table import Table as Shown
    from rich.text import Text

    shown = Shown(title=Text(table.title), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, name in enumerate(table.head):
        words = i == 0 or name in WORDS or name.startswith("regression")
        shown.add_column(Text(name, style="bold"), justify="left" if words else "right", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console.print("")
    console.print(shown)


def say(console: Console, text: str) -> None:
    """A line as it stands, whatever it holds."""
    from rich.text import Text

    console.print(Text(text), soft_wrap=True)


def console_for(stderr: bool = False) -> Console:
    """The terminal at its width; a file or a pipe wide enough for one line a row."""
    from rich.console import Console

    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=220)


@contextmanager
def telling() -> Iterator[Callable[[str], None]]:
    """What is being done, on standard error: one line that changes on a terminal, elsewhere a line every `SELDOM`."""
    from rich.console import Console

    console, last = Console(stderr=True), time.monotonic()

    def tell(doing: str) -> None:
        nonlocal last
        status.update(f"{doing} ...")
        if not console.is_terminal and time.monotonic() - last > SELDOM:
            last = time.monotonic()
            console.print(f"{doing} ...", highlight=False, soft_wrap=True)

    with console.status("") as status:
        yield tell


def quiet_libraries() -> None:
    """Optuna's own log lines would break ours."""
    import warnings

    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
