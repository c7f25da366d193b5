"""The command line in this process: arguments from valid templates, exchanged, doubled, left out, made absurd."""

from __future__ import annotations

import contextlib
import io
import random
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

from mixnas.errors import RunError
from tests.fuzz import mutate
from tests.fuzz.expressions import hostile
from tests.fuzz.targets import _CONFIGS, Target, _states

TOY = ("--evaluator", "toy", "--backend", "inline", "--trials", "2", "--epochs", "2", "--plain")
CHEAP = ("--dataset", "digits", "--study", "s")
TEMPLATES: tuple[tuple[str, ...], ...] = (
    ("search", "--space", "splitmixer_small", "--objective", "acc,params", *TOY, "--constraint", "params <= 20k"),
    ("search", "--space", "space.json", *TOY, "--sampler", "random", "--seed", "3", *CHEAP),
    ("search", "--space", "mlp_mixer", *TOY, "--early-stopping", "mo-asha", "--rungs", "1", "--reduction", "2"),
    ("search", "nowhere.py", *TOY, "--baseline", "model.yaml", "--recipe", "small", "--lr", "0.1", "--batch-size", "8"),
    ("ablate", "model.yaml", "--vary", "width=8,16", "--dry-run", "--seeds", "2", "--epochs", "1"),
    ("ablate", "splitmixer-I-256/8", "--vary", "depth=2,4,kernel_size", "--design", "factorial", "--dry-run"),
    ("ablate", "--list"),
    ("pareto", "--study", "s", "--json"),
    ("pareto", "--csv", "--storage", "sqlite:///mixnas.db"),
    ("export", "--best", "acc where params <= 20k", "-o", "out.yaml", "--study", "s"),
    ("export", "--trial", "0", "-o", "out.yaml", "--force"),
    ("train", "nomodel.yaml", "--dataset", "digits", "--epochs", "1", "--device", "cpu", "-o", "out.safetensors"),
    ("import", "it.safetensors", "-o", "out.yaml", "--config", "arguments.json", "--key", "state_dict"),
    ("import", "new.pth", "-o", "out.yaml", "--image-size", "8", "--by-order", "--force"),
    ("profile", "model.yaml", "--json"),
    ("profile", "--list"),
    ("measure", "--study", "s", "--objective", "latency", "--list"),
    ("measure", "--device", "cuda:7", "--batch-size", "4", "--engine", "eager", "--seconds", "0.05"),
    ("proxy", "--table", "table.npz", "--limit", "1", "--json"),
    ("replay", "0", "--study", "s"),
    ("studies",),
    ("studies", "list", "--json"),
    ("studies", "show", "s"),
    ("studies", "trial", "s/0", "--json"),
    ("studies", "rename", "s", "t"),
    ("studies", "delete", "t", "--yes"),
    ("studies", "merge", "s", "--from", "sqlite:///other.db", "--into", "t"),
    ("studies", "copy", "s", "--to", "sqlite:///out.db", "--as", "t"),
    ("space", "list"),
    ("space", "show", "space.json", "--json"),
    ("space", "size", "splitmixer"),
    ("space", "sample", "splitmixer_small", "-n", "3", "--seed", "1", "--json"),
    ("space", "cost", "splitmixer_small", "--constraint", "params <= 20k", "--image-size", "8", "--json"),
    ("space", "check", "space.json", "--classes", "3"),
    ("table", "list"),
    ("table", "show", "table.npz"),
    ("table", "build", "splitmixer_small", "-o", "out.npz", "--evaluator", "toy", "--limit", "0", "--seeds", "0"),
    ("dashboard", "--storage", "sqlite:///none.db", "--port", "0"),
    ("--version",),
    ("--help",),
)
"""Valid commands, or such as fail only for want of a file; none of them takes longer than a second or two."""

PATHS = ("../escape", "../../escape.yaml", "x/../../escape.npz", ".", "..", "nul\0", "a\nb", "\x1b[2J", "x" * 300)
PATHS += ("it.safetensors", "model.yaml", "sqlite:///../x.db", "sqlite://", "file:x", "postgresql://127.0.0.1:1/x", "-")
KEPT = {"--evaluator", "toy", "--backend", "inline", "--trials", "2", "--epochs", "--dry-run", "--limit", "--storage"}
"""What keeps a command short: not exchanged."""


def _arguments(rng: random.Random) -> list[str]:
    """A command; the files that it may name are put into the current folder."""
    for name, content in _files().items():
        Path(name).write_bytes(content)
    words = list(rng.choice(TEMPLATES))
    if rng.random() < 0.06:
        return words
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(1, len(words) + 1)
        if at < len(words) and (words[at] in KEPT or words[at - 1] in KEPT):
            continue
        change = rng.randrange(5)
        if change == 0 and at < len(words):
            del words[at]
        elif change == 1:
            words[at : at + 1] = [rng.choice((*PATHS, *map(str, mutate.ODD)))]
        elif change == 2 and at < len(words):
            words[at] = mutate.text(rng, words[at])
        elif change == 3:
            words.insert(
                at, rng.choice(("--json", "--force", "--plot", "--study", "--space", "--constraint", "--help"))
            )
        else:
            words[at : at + 1] = [hostile(rng)]
    return [_typed(word) for word in words if word != "dashboard" or "sqlite:///none.db" in words]


def _typed(word: str) -> str:
    """As an argument can be: without NUL, and nothing that the terminal would not pass on."""
    return word.replace("\0", "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _type(words: list[str]) -> None:
    """What `main` does, with the parser built once."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = ["mixnas", *words], io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _run()
    finally:
        sys.argv, sys.stdin = before
    said = err.getvalue()
    assert code in (0, 1, 2), f"exit code {code}"
    assert "Traceback (most" not in said + out.getvalue(), said
    assert not code or said.strip() or "NOT the same" in out.getvalue(), "it failed and said nothing"
    if code == 2:
        raise RunError(said or "usage")


def _run() -> Any:
    from mixnas.cli import main as command

    parser, kept = _app(), command.build_app
    command.build_app = lambda: parser
    try:
        command.main()
    except SystemExit as error:
        return error.code or 0
    finally:
        command.build_app = kept
    return 0


@cache
def _app() -> Any:
    import typer

    from mixnas.cli.main import build_app

    parser = typer.main.get_command(build_app())
    return lambda: parser(standalone_mode=True)


@cache
def _files() -> dict[str, bytes]:
    import json

    from mixnas.space import load_space
    from tests.fuzz.targets import _table_parts, _zip

    space = json.dumps(load_space("splitmixer_small").to_json()).encode()
    named = {"model.yaml": _CONFIGS[0].encode(), "space.json": space, "table.npz": _zip(_table_parts())}
    return {**named, **_states(), "arguments.json": b'{"hdim": 24}'}


def asked(words: list[str]) -> tuple[str, ...]:
    """The places that arguments name: files that the user wants to be written."""
    parts = (
        part for word in words for part in re.split(r"=|sqlite:///", word) if part and part not in (".", "..", "/")
    )
    return tuple(part for part in parts if "\0" not in part and len(part) < 400)


COMMANDS = Target("command line", 10, _arguments, _type, seconds=60.0)
