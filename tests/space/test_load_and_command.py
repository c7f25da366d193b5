"""Loading spaces by name and by file, and the command `mixnas space`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mixnas import load_space
from mixnas.errors import SpaceError, UnknownName, UsageError

GOOD = """
from mixnas.space import SearchSpace, choice, flag, forbid, integer, option
space = SearchSpace(
    "mine", family="splitmixer", summary="a small one",
    width=choice(32, 64), depth=integer(2, 8, step=2),
    channel=choice("dense", option("overlap", ratio=choice("2/3", "3/5"))),
    rules=[forbid("width > image_size * 2 and depth > 4", because="too large")],
)
"""
BROKEN = """
from mixnas.space import SearchSpace, choice, flag, forbid, integer
space = SearchSpace(
    "broken", family="splitmixer",
    width=choice(), depth=integer(8, 2), params=flag(),
    rules=[forbid("widht > 3", because="wide"), forbid("width +", because="odd")],
)
"""


def command(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "mixnas", "space", *words]
    return subprocess.run(run, capture_output=True, text=True, cwd=folder, check=False)


def test_names_paths_and_json_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "search_spaces").mkdir()
    file = tmp_path / "search_spaces" / "mine.py"
    file.write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    space = load_space("mine")
    assert space.size() == 2 * 4 * 3
    data = tmp_path / "saved.json"
    data.write_text(json.dumps(space.given(image_size=8).to_json()))
    assert load_space(file) == space
    assert load_space(str(data)) == space.given(image_size=8)


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        ("x = 3", SpaceError, "nothing is called 'space'"),
        ("space = 3", SpaceError, "a int is called 'space'"),
        ("1/0", UsageError, "line 1: ZeroDivisionError"),
        ("space = (", UsageError, "line 1: SyntaxError"),
        (BROKEN, SpaceError, "space 'broken' has 5 mistakes"),
    ],
)
def test_files_that_are_no_space(tmp_path: Path, content: str, kind: type[UsageError], says: str) -> None:
    file = tmp_path / "odd.py"
    file.write_text(content)
    with pytest.raises(kind) as caught:
        load_space(file)
    assert says in caught.value.message and str(file) in caught.value.message


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "[]", '{"format": "mixnas.space", "version": 9}', "\xff"])
def test_json_files_that_are_no_space(tmp_path: Path, content: str) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(SpaceError, match=r"odd\.json"):
        load_space(file)


def test_unknown_names_and_missing_files() -> None:
    with pytest.raises(UnknownName, match=r"unknown space 'splitmixr'.*did you mean 'splitmixer'"):
        load_space("splitmixr")
    with pytest.raises(UsageError, match=r"no file 'nowhere\.py'"):
        load_space("nowhere.py")
    with pytest.raises(UsageError, match=r"no file 'nowhere\.json'"):
        load_space("nowhere.json")


def test_space_imports_nothing_heavy() -> None:
    code = (
        "import sys, mixnas.space, mixnas.cli.space; mixnas.space.load_space('splitmixer').size();"
        "print([m for m in ('torch', 'optuna', 'pandas', 'sqlalchemy', 'plotly', 'ray') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_list_names_good_and_broken_spaces(tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "search_spaces" / "mine.py").write_text(GOOD)
    (tmp_path / "search_spaces" / "worse.py").write_text(BROKEN)
    rows = {r["name"]: r for r in json.loads(command("list", "--json", folder=tmp_path).stdout)}
    assert rows["mine"]["size"] == 24 and rows["mine"]["summary"] == "a small one"
    assert "has 5 mistakes" in rows["worse"]["error"]
    assert rows["splitmixer"]["size"] == load_space("splitmixer").size()
    text = command("list", folder=tmp_path).stdout
    assert "mine" in text and "24" in text and "broken:" in text


def test_show_size_and_sample(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(GOOD)
    shown = command("show", str(file), "--image-size", "8")
    assert shown.stdout == (
        "mine: family splitmixer\n"
        "a small one\n"
        "\n"
        "axes\n"
        "  width    32, 64  (2 values)\n"
        "  depth    2 to 8 in steps of 2  (4 values)\n"
        "  channel  one of\n"
        "    - dense\n"
        "    - overlap\n"
        "        ratio  2/3, 3/5  (2 values)\n"
        "\n"
        "rules\n"
        "  1. forbid width > image_size * 2 and depth > 4\n"
        "     because too large\n"
        "\n"
        "rules are judged for task=classification, image_size=8, in_channels=3, num_classes=10\n"
        "that leaves 12 candidates\n"
    )
    assert json.loads(command("show", str(file), "--json").stdout) == load_space(file).to_json()
    assert command("size", str(file)).stdout == "24\n"
    assert json.loads(command("size", str(file), "--image-size", "8", "--json").stdout)["size"] == 12
    first = command("sample", str(file), "-n", "3", "--seed", "5", "--json")
    assert first.stdout == command("sample", str(file), "-n", "3", "--seed", "5", "--json").stdout
    space = load_space(file)
    drawn = json.loads(first.stdout)
    assert len(drawn) == 3
    assert all(space.digest(d["config"]) == d["digest"] for d in drawn)
    line = command("sample", str(file), "-n", "1", "--seed", "5").stdout
    assert line.startswith(f"{drawn[0]['digest']}  width={drawn[0]['config']['width']} depth=")


def test_check(tmp_path: Path) -> None:
    good, broken = tmp_path / "good.py", tmp_path / "broken.py"
    good.write_text(GOOD)
    broken.write_text(BROKEN)
    passed = command("check", str(good))
    assert passed.returncode == 0
    assert passed.stdout.splitlines() == [
        "mine: good",
        "  family      splitmixer",
        "  axes        3, and 1 conditional",
        "  rules       1",
        "  candidates  24",
    ]
    failed = command("check", str(broken))
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.startswith(f"error: {broken}: space 'broken' has 5 mistakes:\n")
    for part in (
        "1. axis 'width' has no choices; give at least one",
        "2. axis 'depth' has low=8 above high=2; swap them",
        "3. axis 'params' is the name of an objective; choose another name",
        "4. rule 1: unknown name 'widht' at column 1 of 'widht > 3' (did you mean 'width'?",
        "5. rule 2: cannot be read at column",
    ):
        assert part in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "nowhere"), "error: unknown space 'nowhere'"),
        (("size", "nowhere.py"), "error: no file 'nowhere.py'"),
        (("size", "splitmixer", "--image-size", "0"), "image_size=0 has to be a whole number above 0"),
        (("check", "splitmixer", "--image-size", "1"), "error: space 'splitmixer' has no candidate; together"),
        (("sample", "splitmixer", "--image-size", "1"), "error: space 'splitmixer' has no candidate; together"),
    ],
)
def test_mistakes_on_the_command_line(words: tuple[str, ...], says: str) -> None:
    run = command(*words)
    assert (run.returncode, run.stdout) == (2, "")
    assert says in run.stderr and "Traceback" not in run.stderr


def test_an_unknown_family_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text(GOOD.replace('family="splitmixer"', 'family="splitmixr"'))
    run = command("check", str(file))
    assert run.returncode == 2
    assert "unknown model family" in run.stderr and "did you mean 'splitmixer'" in run.stderr
