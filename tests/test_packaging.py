"""The wheel and the source distribution: they build, hold what they must, and the wheel works outside a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not a checkout")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_both_hold_the_catalog_and_the_licence(built: Path) -> None:
    wheel = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        source = archive.getnames()
    for kind in ("search_spaces", "studies", "dashboards"):
        files = {p.name for p in (ROOT / kind).glob("*.py")}
        assert files
        assert all(f"mixnas/_catalog/{kind}/{name}" in wheel for name in files)
        assert all(any(s.endswith(f"/{kind}/{name}") for s in source) for name in files)
    assert "mixnas/py.typed" in wheel
    assert any(name.endswith("LICENSE") for name in wheel)
    assert not any(name.startswith("tests/") for name in wheel)


def test_an_installed_wheel_works_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    """Unpacked in front of everything else on the path, so that not a line comes from the checkout."""
    site, folder = tmp_path / "site", tmp_path / "work"
    folder.mkdir()
    zipfile.ZipFile(next(built.glob("*.whl"))).extractall(site)

    def mixnas(*arguments: str) -> str:
        command = [sys.executable, "-m", "mixnas", *arguments]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = [sys.executable, "-c", "import mixnas; print(mixnas.__file__)"]
    found = subprocess.run(
        where, cwd=folder, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True
    )
    assert found.stdout.startswith(str(site))
    assert "splitmixer" in mixnas("space", "list")
    search = ("search", "--space", "splitmixer", "--objective", "acc,params", "--trials", "3", "--epochs", "1")
    assert "3 of 3 trials finished" in mixnas(*search)
    assert "params" in mixnas("pareto")
    mixnas("export", "--knee", "-o", "model.yaml")
    assert "macs" in mixnas("profile", "model.yaml", "--json")
