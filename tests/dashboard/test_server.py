"""The command `mixnas dashboard` as a process, and its pages in a real browser."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from mixnas import pages
from tests.dashboard.conftest import ODD

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def dashboard(*arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mixnas", "dashboard", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)


@pytest.fixture(scope="module")
def base(database: str) -> Iterator[str]:
    """The address of a running dashboard; at the end Ctrl-C must end it cleanly."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.create_study(storage=database, study_name="filled", directions=["maximize", "minimize"])
    process = dashboard("--storage", database, "--port", "0")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    address = lines[0].split()[-1].removesuffix("/mixnas/")
    assert lines == [
        f"mixnas pages      {address}/mixnas/\n", f"Optuna Dashboard  {address}/dashboard\n", "Ctrl-C to stop\n"
    ]  # fmt: skip
    yield address
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, out, errors) == (0, "stopped\n", "")


def test_optuna_dashboard_answers_beside_our_pages(base: str) -> None:
    with urllib.request.urlopen(f"{base}/api/studies") as answer:
        assert b'"filled"' in answer.read()
    with urllib.request.urlopen(f"{base}/dashboard") as answer:
        assert answer.status == 200
    with urllib.request.urlopen(base + pages.link(ODD, "pareto")) as answer:
        assert b"there is none yet" in answer.read()


def test_a_taken_port_is_an_error_with_the_way_out(base: str, database: str) -> None:
    port = base.rsplit(":", 1)[1]
    process = dashboard("--storage", database, "--port", port)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"error: port {port} on 127.0.0.1 is taken by another program" in errors
    assert "hint: choose another: --port " in errors
    offered = int(errors.rsplit(" ", 1)[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", offered)) != 0


def test_a_missing_database_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    process = dashboard(cwd=tmp_path)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "error: no database at " in errors and "mixnas search" in errors
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_none_is_an_error(database: str) -> None:
    process = dashboard("--storage", database, "--host", "999.1.1.1")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--host '999.1.1.1' is no address" in errors


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_pages_in_a_browser(base: str) -> None:
    """Figures are drawn, nothing complains, and nothing is asked of another machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    problems: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith((base, "data:", "blob:")) else problems.append(r.url))
        page.goto(f"{base}/")
        assert page.url == f"{base}/mixnas/"
        page.click("section:has(h2:text-is('filled')) >> text=Pareto front")
        page.wait_for_selector(".js-plotly-plot .main-svg")
        assert page.locator(".js-plotly-plot").count() == 2
        assert page.locator(".scatterlayer .point").count() >= 36
        page.click("nav >> text=Trials")
        page.wait_for_selector(".js-plotly-plot .main-svg")
        assert page.locator(".js-plotly-plot").count() == 2
        page.goto(f"{base}/mixnas/")
        for place in range(page.locator("section").count()):
            page.goto(f"{base}/mixnas/")
            page.locator("section").nth(place).locator("a.button").first.click()
            assert page.locator("main h1").inner_text() != "Cannot show this"
        page.goto(f"{base}/dashboard")
        page.wait_for_selector("text=filled")
        browser.close()
    assert problems == []
