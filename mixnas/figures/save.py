"""Writes a figure to a file: a page that works offline, or a picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from mixnas.errors import MissingExtra, RunError, UsageError
from mixnas.figures import style
from mixnas.output import require_place

PICTURES = (".png", ".svg", ".pdf")

CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}
"""Options of Plotly in the browser."""


def save(figure: go.Figure, path: Path | str, width: int | None = None, height: int | None = None) -> Path:
    """Writes the figure as `.html` (plotly.js inside, nothing is loaded), `.png`, `.svg` or `.pdf`.

    Sizes are in pixels, 800 x 500 unless the figure or the caller says otherwise; PNG has twice the resolution.

    Raises:
        UsageError: another ending, a place that cannot be written to, or no browser to draw a picture with.
        MissingExtra: a picture without kaleido.
    """
    target = Path(path)
    require_drawable(target)
    data = _html(figure) if target.suffix.lower() == ".html" else _picture(figure, target, width, height)
    try:
        target.write_bytes(data)
    except OSError as error:
        raise UsageError(f"cannot write {str(target)!r}: {error.strerror}") from error
    return target


def require_drawable(path: Path) -> None:
    """Refuses a file that `save` could not write, before the work that the figure shows.

    Raises:
        UsageError: another ending, or a place that cannot be written to.
        MissingExtra: a picture without kaleido.
    """
    if path.suffix.lower() not in (".html", *PICTURES):
        raise UsageError(
            f"cannot write a figure as {path.suffix or path.name!r}", hint="endings: .html, .png, .svg, .pdf"
        )
    require_place(path)
    if path.suffix.lower() in PICTURES and importlib.util.find_spec("kaleido") is None:
        raise MissingExtra(f"a figure as {path.suffix}", "kaleido", "images")


def _html(figure: go.Figure) -> bytes:
    return str(figure.to_html(include_plotlyjs=True, full_html=True, config=CONFIG)).encode()


def _picture(figure: go.Figure, target: Path, width: int | None, height: int | None) -> bytes:
    try:
        import kaleido
        from choreographer.errors import BrowserFailedError, ChromeNotFoundError
    except ModuleNotFoundError as error:
        raise MissingExtra(f"a figure as {target.suffix}", "kaleido", "images") from error
    options = {
        "format": target.suffix.lower().removeprefix("."),
        "width": width or figure.layout.width or style.WIDTH,
        "height": height or figure.layout.height or style.HEIGHT,
        "scale": 2,
    }
    # Kaleido would fetch MathJax from the network; our figures hold no formulas.
    try:
        return bytes(kaleido.calc_fig_sync(figure, opts=options, kopts={"mathjax": False}))
    except ChromeNotFoundError as error:
        raise UsageError(
            f"a figure as {target.suffix} needs Chrome or Chromium, and none was found",
            hint="install one, or set BROWSER_PATH to it, or write .html",
        ) from error
    except (BrowserFailedError, TimeoutError) as error:
        raise RunError(
            f"the browser that draws {target.name!r} failed: {error}",
            hint="set BROWSER_PATH to another, or write .html",
        ) from error
