"""Figures in files."""

from __future__ import annotations

import builtins
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from mixnas.errors import MissingExtra, UsageError
from mixnas.figures.pareto import pareto_data, pareto_figure
from mixnas.figures.save import save
from tests.figures.samples import ACC_PARAMS, sample_trials

FIGURE = pareto_figure(pareto_data(sample_trials(20)[0], ACC_PARAMS))


def test_html_holds_plotly_and_loads_nothing(tmp_path: Path) -> None:
    text = save(FIGURE, tmp_path / "front.html").read_text()
    assert len(text) > 1_000_000
    assert re.findall(r"<script[^>]*\ssrc=|<link\s", text) == []


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium on this machine to draw with")
@pytest.mark.parametrize(
    ("ending", "start"),
    [
        ("png", b"\x89PNG"),
        pytest.param("svg", b"<svg", marks=pytest.mark.slow),
        pytest.param("pdf", b"%PDF", marks=pytest.mark.slow),
    ],
)
def test_pictures(tmp_path: Path, ending: str, start: bytes) -> None:
    pytest.importorskip("kaleido")
    assert save(FIGURE, tmp_path / f"front.{ending}").read_bytes().startswith(start)


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write a figure as '\.gif' \(endings: \.html, \.png, \.svg, \.pdf\)"):
        save(FIGURE, tmp_path / "front.gif")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder '.*nowhere' for 'front.html'"):
        save(FIGURE, tmp_path / "nowhere" / "front.html")


def test_a_picture_without_kaleido_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "kaleido":
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"needs the package 'kaleido'.*pip install 'mixnas\[images\]'"):
        save(FIGURE, tmp_path / "front.png")


def test_a_picture_without_a_browser_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kaleido")
    monkeypatch.setenv("BROWSER_PATH", "/no/browser/here")
    with pytest.raises(UsageError, match=r"needs Chrome or Chromium, and none was found \(install one, or set BROWSER"):
        save(FIGURE, tmp_path / "front.png")
