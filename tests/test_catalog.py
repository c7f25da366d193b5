"""Spaces, studies and pages are found by file name: the user's folder first, then the built-in ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixnas import catalog
from mixnas.errors import UnknownName, UsageError


def test_builtin_files_are_found() -> None:
    assert "splitmixer" in catalog.names("search_spaces")
    assert catalog.names("studies") and catalog.names("dashboards")


def test_the_users_own_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "search_spaces").mkdir()
    (tmp_path / "search_spaces" / "splitmixer.py").write_text("space = 'mine'")
    assert catalog.load(catalog.find("search_spaces", "splitmixer")).space == "mine"


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UnknownName, match="unknown space 'splitmxer'") as caught:
        catalog.find("search_spaces", "splitmxer")
    assert "did you mean 'splitmixer'" in caught.value.hint


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"no file 'nowhere/x\.py'"):
        catalog.find("studies", "nowhere/x.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [("x = 1\ny = x / 0\n", "line 2: ZeroDivisionError"), ("x = (\n", "SyntaxError"), ("import nosuch\n", "line 1: ")],
)
def test_a_file_that_fails_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        catalog.load(path)
    assert "broken.py" in str(caught.value)


def test_a_name_that_no_file_system_takes_is_no_file() -> None:
    assert not catalog.is_file("x" * 5000)
    with pytest.raises(UsageError, match="no file"):
        catalog.find("studies", "x" * 5000 + ".py")
