"""The README is true: its code runs, its commands and flags exist, its files are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from mixnas.cli.main import build_app
from mixnas.space import load_space

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text() if (ROOT / "README.md").exists() else ""
COMMANDS = re.findall(r"\$ (mixnas (?:[^\n]*\\\n)*[^\n]*)", README)


def test_the_space_in_it_is_good(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "narrow.py"
    path.write_text(code)
    space = load_space(path)
    assert space.size() == sum(1 for _ in space.enumerate()) > 100


def test_it_shows_commands() -> None:
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_flag_in_it_exists(command: str) -> None:
    words = shlex.split(command.replace("\\\n", " "), comments=True)[1:]
    found: Any = typer.main.get_command(build_app())
    context = click.Context(found)
    while hasattr(found, "get_command") and (words or not found.invoke_without_command):
        name = words.pop(0)
        subcommand = found.get_command(context, name)
        assert subcommand is not None, f"mixnas {name} does not exist"
        found, context = subcommand, click.Context(subcommand)
    if not hasattr(found, "get_command"):
        found.make_context(name, words)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_file_that_it_links_is_there(target: str) -> None:
    assert (ROOT / target).exists()


def test_make_targets_in_it_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets
