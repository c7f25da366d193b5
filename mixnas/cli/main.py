"""The `mixnas` command: gathers the commands and turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
import sys

import typer

from mixnas.errors import MixnasError

TOPICS = (
    "search",
    "ablate",
    "fronts",
    "studies",
    "dashboard",
    "models",
    "importing",
    "profile",
    "measure",
    "proxy",
    "replay",
    "space",
    "table",
    "doctor",
)
"""Files beside this one; each has `register(app)`."""


def build_app() -> typer.Typer:
    """The Typer app with every command."""
    app = typer.Typer(
        name="mixnas",
        help="Search and ablate resource-efficient vision models.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback(invoke_without_command=True)
    def root(
        version: bool = typer.Option(False, "--version", help="Print the version and stop.", is_eager=True),
    ) -> None:
        if version:
            from mixnas import __version__

            typer.echo(f"mixnas {__version__}")
            raise typer.Exit

    for topic in TOPICS:
        importlib.import_module(f"mixnas.cli.{topic}").register(app)
    return app


INTERRUPTED = 130
"""What Typer ends with where Ctrl-C came before a command has taken it over."""


def main() -> None:
    """Runs the command line. Exit codes: 0 done, 1 failed, 2 wrong use.

    Raises:
        KeyboardInterrupt: Ctrl-C where no command has taken it over.
    """
    try:
        build_app()()
    except MixnasError as error:
        typer.echo(f"error: {error.message}", err=True)
        if error.hint:
            typer.echo(f"hint: {error.hint}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except SystemExit as ending:
        sys.exit(1 if ending.code == INTERRUPTED else ending.code)
