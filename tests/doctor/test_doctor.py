"""`mixnas doctor` on a sound installation and on broken ones: what it finds, says and leaves behind."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mixnas.cli.main import build_app
from mixnas.doctor import Check, packages, places, services
from mixnas.doctor.check import guarded, run_python
from mixnas.store import Store
from mixnas.store.schema import SCHEMA_VERSION

ROOT = Path(__file__).parents[2]


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def start(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command in `folder/work`, with `folder/home` for a home."""
    for name in ("work", "home"):
        (folder / name).mkdir(exist_ok=True)
    env = {**os.environ, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), **more}
    env.pop("XDG_CACHE_HOME", None)
    return subprocess.run(
        [sys.executable, "-m", "mixnas", "doctor", *words],
        cwd=folder / "work",
        env=env,
        capture_output=True,
        text=True,
        timeout=170,
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sound_installation_is_well_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = start(tmp_path, "--json", TMPDIR=str(tmp_path / "home"))
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr, told["problems"]) == (0, "", 0)
    found = {check["name"]: check for check in told["checks"]}
    assert found["search"]["state"] == found["torch"]["state"] == found["digits"]["state"] == "ok"
    assert "2 networks trained, stored and ranked" in found["search"]["detail"]
    assert found["sqlite:///mixnas.db"]["state"] == found["cluster"]["state"] == "absent"
    assert list((tmp_path / "work").iterdir()) == list((tmp_path / "home").iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_torch_that_cannot_be_imported_is_found_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "torch.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')")
    done = start(tmp_path, PYTHONPATH=f"{tmp_path / 'stubs'}{os.pathsep}{ROOT}")
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr
    assert "cannot be imported: ImportError: libcudart.so.13" in done.stdout and "✓  digits" in done.stdout
    assert "pip install 'torch>=2.4'" in done.stdout
    assert "self-test, search: it failed: " in done.stdout


STUBS = {
    "numpy": "raise ImportError('half an installation')",
    "mlxtend": "raise ModuleNotFoundError('No module named mlxtend', name='mlxtend')",
    "kaleido": "raise RuntimeError('of another machine')",
    "yaml": "import os; os._exit(3)",
}


def test_packages_that_are_missing_broken_or_end_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in STUBS.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(
        packages, "REQUIRED", {"numpy": "numpy", "no-such": "no_such", "typer": "typer", "PyYAML": "yaml"}
    )
    optional = {name: packages.OPTIONAL[name] for name in ("mlxtend", "kaleido")}
    monkeypatch.setattr(packages, "OPTIONAL", {**optional, "nothing": ("nothing_at_all", "timm", "nothing")})
    found = by_name(list(packages.packages()))
    assert found["typer"].state == found["python"].state == "ok"
    assert (found["numpy"].state, found["numpy"].mend) == ("problem", "pip install 'numpy>=1.26'")
    assert "cannot be imported: ImportError: half an installation" in found["numpy"].detail
    assert (found["no-such"].state, found["no-such"].detail) == ("problem", "not installed")
    assert "cannot be imported: it ends the process: exit code 3" in found["PyYAML"].detail
    assert found["kaleido"].state == "problem" and "RuntimeError: of another machine" in found["kaleido"].detail
    assert (found["nothing"].state, found["nothing"].mend) == ("absent", "pip install 'mixnas[timm]'")
    assert found["mlxtend"].state == "problem"  # its distribution is there, its module is not


def test_a_version_that_is_too_old_is_a_problem() -> None:
    told = packages._required("numpy", {}, "numpy>=99")
    assert told.state == "problem" and told.detail.endswith("is not numpy>=99")


def test_folders_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    found = by_name(list(places.places("/proc/mixnas")))  # not even root writes there
    assert found["current folder"].state == "ok" and "GiB free" in found["current folder"].detail
    assert (
        found["data folder"].state == "problem" and "/proc/mixnas cannot be written to" in found["data folder"].detail
    )
    assert found["cache"].state == "problem" and f"{tmp_path / 'file'} is a file" in found["cache"].detail
    assert "XDG_CACHE_HOME" in found["cache"].mend
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_read_only_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        monkeypatch.chdir(disk)
        found = by_name(list(places.places(None)))["current folder"]
    finally:
        monkeypatch.chdir(tmp_path)
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert found.state == "problem" and found.detail == f"{disk} cannot be written to: Read-only file system"
    assert "--storage" in found.mend


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert by_name(list(places.places("/tmp")))["current folder"].detail == "it has been removed"


def test_data_sets_that_are_there_and_how_the_others_come(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    found = by_name(list(places.data_sets(str(tmp_path))))
    assert found["digits"].state == found["cifar10"].state == "ok"
    assert found["cifar100"].state == "absent" and "--download" in found["cifar100"].mend
    assert "bring its files" in found["cityscapes"].mend


def test_a_browser_that_is_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chrome")
    assert next(places.browser()).state == "problem"


def database(storage: str) -> Check:
    (found,) = guarded("database", storage, lambda: services.database(storage))
    return found


def test_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert database("").state == "absent"
    missing = database("sqlite:///none.db")
    assert missing.state == "problem" and "no database at" in missing.detail and missing.mend
    Store.open("sqlite:///mixnas.db", create=True).close()
    assert database("").detail == f"schema version {SCHEMA_VERSION}, 0 studies, whole"
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("create table theirs (x)")
    assert database("sqlite:///other.db").state == "problem"
    Path("text.db").write_text("no database at all")
    assert "is not an SQLite database" in database("sqlite:///text.db").detail
    assert database("redis://x").state == "problem"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mixnas.db", "other.db", "text.db"]


def test_an_older_database_is_told_of_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((ROOT / "tests" / "store" / "version_1.sql").read_text())
    before = path.read_bytes()
    found = database(f"sqlite:///{path}")
    assert found.state == "ok" and "schema version 1, brought up to date at the next search" in found.detail
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["old.db"]


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "mixnas.db"
    with Store.open(f"sqlite:///{path}", create=True) as store:
        for number in range(40):
            store.create_study(f"study {number}", {"x": "y" * 500}, {}, {})
    content = bytearray(path.read_bytes())
    for at in range(8 * 4096, len(content), 4096):
        content[at : at + 400] = b"\xff" * min(400, len(content) - at)
    path.write_bytes(content)
    found = database(f"sqlite:///{path}")
    assert found.state == "problem" and "damaged" in found.detail and "backup" in found.mend


def test_a_server_that_does_not_answer() -> None:
    found = database("postgresql://nobody@127.0.0.1:1/mixnas")
    assert found.state == "problem" and "127.0.0.1" in found.detail


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_ray_cluster_that_is_not_there(address: str) -> None:
    (found,) = services.ray(address)
    assert found.state == "problem" and "nobody answers" in found.detail and "ray start --head" in found.mend


@pytest.mark.parametrize("address", ["nonsense", "ray://", "http://x", "host:99999", "a b:1:2", "\x1b[31m:1"])
def test_what_is_no_address_of_a_cluster(address: str) -> None:
    (found,) = services.ray(address)
    assert found.state == "problem"


def test_something_else_that_listens_at_the_address_is_waited_for_so_long_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "RAY_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        (found,) = services.ray(f"ray://127.0.0.1:{server.getsockname()[1]}")
    assert found.state == "problem" and "no cluster answers: it took too long" in found.detail


def test_a_process_that_hangs_is_ended_with_all_that_it_started() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    assert run_python(["-c", code], 1.0).code is None


def test_an_error_of_a_check_is_a_problem_and_no_traceback() -> None:
    def broken() -> list[Check]:
        raise AttributeError("half a module\x1b[31m")

    (found,) = guarded("versions", "x", broken)
    assert (found.state, found.detail) == ("problem", "AttributeError: half a module\\x1b[31m")


FOUND = [
    Check("versions", "python", "ok", "3.11"),
    Check("extras", "timm", "absent", "not installed; for models of timm", "pip install 'mixnas[timm]'"),
    Check("database", "sqlite:///x.db", "problem", "it is damaged: [red]page 3", "restore a backup"),
]


def test_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixnas.doctor.examine", lambda *asked: iter(FOUND))
    result = CliRunner().invoke(build_app(), ["doctor"])
    assert result.exit_code == 1
    assert result.stdout == (
        "versions\n  ✓  python  3.11\n"
        "database\n  ✗  sqlite:///x.db  it is damaged: [red]page 3\n"
        "extras\n  –  timm  not installed; for models of timm (pip install 'mixnas[timm]')\n"
        "\n1 problem\n  database, sqlite:///x.db: it is damaged: [red]page 3. restore a backup\n"
    )
    monkeypatch.setattr("mixnas.doctor.examine", lambda *asked: iter(FOUND[:2]))
    result = CliRunner().invoke(build_app(), ["doctor"])
    assert result.exit_code == 0 and result.stdout.endswith("\nAll is well.\n")
