"""`mixnas dashboard`."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""

    @app.command()
    def dashboard(
        storage: str = typer.Option("sqlite:///mixnas.db", help="The database of the studies."),
        port: int = typer.Option(8080, min=0, max=65535, help="Port to listen on; 0 takes a free one."),
        host: str = typer.Option("127.0.0.1", help="Address to listen on; another than 127.0.0.1 lets others in."),
    ) -> None:
        """Show studies in the browser: Optuna Dashboard and our own pages, until Ctrl-C."""
        import warnings

        from mixnas.dashboard import serve

        # Optuna's importance evaluators warn at every poll of a young study; the terminal is for the addresses.
        warnings.filterwarnings("ignore", module="optuna")

        def announce(base: str) -> None:
            typer.echo(f"mixnas pages      {base}/mixnas/")
            typer.echo(f"Optuna Dashboard  {base}/dashboard")
            typer.echo("Ctrl-C to stop")

        serve(storage, host, port, announce)
        typer.echo("stopped")
