"""Input that is absurd or meant to hurt: the place and the way out, exit code 2, and nothing allocated for it."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import pytest

from mixnas.cli.main import main

WIDE = """
from mixnas.space import SearchSpace, choice, forbid, require
space = SearchSpace(
    "wide", family="splitmixer", width=choice(8, 2**18), depth=choice(2, 100), patch_size=choice(1, 2), rules=[RULES]
)
"""
RULE = "forbid({text!r}, because='a test')"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mixnas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command, in this process."""
    monkeypatch.setattr(sys, "argv", ["mixnas", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    out, err = capsys.readouterr()
    code = caught.value.code
    return (code if isinstance(code, int) else 0), out, err


def wide(*rules: str) -> str:
    """A space file in which half of the candidates would need terabytes."""
    Path("wide.py").write_text(WIDE.replace("RULES", ", ".join(RULE.format(text=text) for text in rules)))
    return "wide.py"


def test_candidates_that_need_terabytes_are_costed_and_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mixnas.cost.memory import Setup, training_memory
    from mixnas.models import family
    from mixnas.records import Problem
    from mixnas.search.gate import Gate
    from mixnas.space import load_space

    space, costs = load_space(wide()), family("splitmixer")
    gate = Gate(
        space,
        ["memory <= 1GiB"],
        lambda axes: {"params": costs.params(axes, Problem()), "macs": costs.macs(axes, Problem())},
        later={"memory": lambda axes: training_memory("splitmixer", axes, Problem(), Setup())},
    )
    assert gate.check({"width": 8, "depth": 2, "patch_size": 1}).refused == ""  # the first trace loads a lot
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdict = gate.check({"width": 2**18, "depth": 100, "patch_size": 1})
    assert verdict.refused == "memory <= 1GiB"
    assert verdict.costs["memory"] > 2**40
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # KiB
    mask, found = gate.judge(list(space.enumerate()))
    assert found["macs"].min() > 0 and mask.all()  # 64 bits would wrap around
    code, out, _ = mixnas(monkeypatch, capsys, "space", "cost", "wide.py", "--constraint", "params <= 1M", "--json")
    told = json.loads(out)
    assert (code, told["passing"]["count"], told["size"]) == (0, 4, 8)
    assert told["quantiles"]["params"]["largest"] > 100 * 2**36


def test_a_model_file_that_needs_terabytes_is_profiled_without_building_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mixnas.model_config import ModelConfig, write_config
    from mixnas.records import Problem

    write_config(ModelConfig("splitmixer", {"width": 2**18, "depth": 100}, Problem()), Path("model.yaml"))
    code, out, _ = mixnas(monkeypatch, capsys, "profile", "model.yaml")
    assert code == 0
    assert "Too large to run here" in out
    code, _, err = mixnas(monkeypatch, capsys, "profile", "model.yaml", "--plot", "model.html")
    assert (code, "too large to run here" in err, Path("model.html").exists()) == (2, True, False)


@pytest.mark.parametrize(
    ("constraint", "says"),
    [
        ("params <= 2GB", "unknown unit"),
        ("params <= 2 KiBs", "'KiBs' behind 2 is neither a unit nor an operator at column 13"),
        ("params <= 'many'", "is text and has no order at column 1"),
        ("width + 'x' > 3", "is text, not a number at column"),
        ("width", "is neither true nor false"),
        ("width and depth", "is neither true nor false at column"),
        ("width // (depth - depth) > 1", "division by zero at column"),
        ("((((width)))", "never closed"),
        ("width.__class__ == 1", "unknown name 'width.__class__' at column 1"),
        ("open('/etc/passwd')", "a call is not part of the language at column"),
        ("9" * 5000 + " > width", "is too long at column 1"),
        ("width" + " + width" * 100_000 + " > 1", "characters are too many"),
        ("(" * 50_000 + "width" + ")" * 50_000, "too"),
        ("params <= " + "1" * 10_000_000, "characters are too many"),
        ("\x00width > 1", "at column 1"),
        ("", "empty"),
    ],
    ids=lambda text: text[:24].replace("\x00", "NUL"),
)
def test_expressions_that_are_none(
    constraint: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = mixnas(monkeypatch, capsys, "space", "cost", wide(), "--constraint", constraint)
    assert (code, out) == (2, "")
    assert err.startswith("error: --constraint 1")
    assert says in err and "hint: " in err
    assert "Traceback" not in err and len(err) < 1500


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("width > 'x'", "rule 1: "),
        ("widht > 3", "did you mean 'width'?"),
        ("width > 3GiBs", "rule 1: "),
        ("width == 'narrow'", "rule 1: 'width' "),
        ("depth + " * 1_300_000 + "1 > 3", "characters are too many"),
    ],
    ids=lambda text: text[:24],
)
def test_rules_that_are_none(
    rule: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = mixnas(monkeypatch, capsys, "space", "check", wide(rule))
    assert (code, out) == (2, "")
    assert err.startswith("error: wide.py: space 'wide': rule 1")
    assert says in err and "Traceback" not in err and len(err) < 1500


CYCLE = """
from mixnas.space import SearchSpace, choice, option
axes = {}
axes["kind"] = choice(option("deep", **axes), "flat")
for _ in range(20):
    axes = {"kind": choice(option("deep", **axes), "flat")}
space = SearchSpace("cycle", family="splitmixer", axes=axes)
"""


def test_options_nested_without_an_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("cycle.py").write_text(CYCLE)
    code, _, err = mixnas(monkeypatch, capsys, "space", "check", "cycle.py")
    assert code == 2
    assert "nests options deeper than" in err and "Traceback" not in err


@pytest.mark.parametrize("command", [("profile", "no/model"), ("pareto",), ("space", "cost", "nowhere")], ids=" ".join)
@pytest.mark.parametrize(
    ("plot", "says"),
    [
        ("x.bmp", "cannot write a figure as '.bmp'\nhint: endings: .html, .png, .svg, .pdf"),
        ("none/x.html", "no folder 'none' for 'x.html'\nhint: make it first"),
        ("folder.html", "'folder.html' is a folder\nhint: name a file in it"),
    ],
)
def test_where_a_figure_goes_is_looked_at_before_all_else(
    command: tuple[str, ...], plot: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("folder.html").mkdir()
    code, out, err = mixnas(monkeypatch, capsys, *command, "--plot", plot)
    assert (code, out, err) == (2, "", f"error: {says}\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("space", "cost", "splitmixer", "--image-size", "0"), "image_size=0 has to be a whole number above 0"),
        (("space", "cost", "splitmixer", "--image-size", "1"), "has no candidate; together these rules leave none"),
        (("space", "cost", "splitmixer", "--channels", "-3"), "in_channels=-3 has to be a whole number above 0"),
        (("space", "cost", "nowhere"), "unknown space 'nowhere'"),
        (("space", "cost", "mlp_mixer", "--plot", "costs.txt"), "cannot write a figure as '.txt'"),
        (("space", "cost", "mlp_mixer", "--plot", "nowhere/costs.html"), "no folder 'nowhere'"),
        (("profile", "splitmixer-I-256/8", "--image-size", "1"), "is larger than the image, 1x1"),
        (("profile", "deep.yaml"), "depth must be at most 2000, got 1000000000"),
        (("profile", "negative.yaml"), "width must be a whole number of at least 1, got -8"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_sizes_that_are_none(
    words: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mixnas.model_config import ModelConfig, write_config
    from mixnas.records import Problem

    write_config(ModelConfig("splitmixer", {"width": 8}, Problem()), Path("negative.yaml"))
    Path("negative.yaml").write_text(Path("negative.yaml").read_text().replace("width: 8", "width: -8"))
    write_config(ModelConfig("splitmixer", {"width": 8, "depth": 10**9}, Problem()), Path("deep.yaml"))
    code, out, err = mixnas(monkeypatch, capsys, *words)
    assert (code, out) == (2, "")
    assert says in err and "Traceback" not in err


def test_a_space_of_which_no_model_can_be_made_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide()
    Path("negative.py").write_text(Path("wide.py").read_text().replace("choice(8, 2**18)", "choice(8, -16)"))
    Path("negative.py").write_text(Path("negative.py").read_text().replace("[RULES]", "[]"))
    code, out, err = mixnas(monkeypatch, capsys, "space", "check", "negative.py")
    assert (code, out) == (2, "")
    assert "space 'wide' holds a candidate that is no model" in err and "must be a whole number of at least 1" in err
    assert mixnas(monkeypatch, capsys, "space", "check", "wide.py")[0] == 0  # nothing of its terabytes is allocated


def test_a_trial_that_no_memory_could_hold_fails_unallocated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("search", "--space", wide(), "--objective", "acc,params", "--constraint", "width > 100", "--trials", "1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, out, _ = mixnas(monkeypatch, capsys, *words, "--epochs", "1", "--backend", "inline")
    assert "trial 0 failed: out_of_memory: weights, gradients and optimiser state need" in out
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600 * 1024


def test_a_batch_that_no_memory_could_hold_is_not_timed() -> None:
    from mixnas.cost.latency import measure
    from mixnas.errors import UsageError
    from mixnas.records import Problem

    with pytest.raises(UsageError, match="weights and a batch of 10,000,000,000,000 images need"):
        measure("throughput", "splitmixer", {"width": 8, "depth": 2}, Problem(), batch_size=10**13)


def test_what_stands_behind_a_number_is_a_unit_or_an_operator() -> None:
    from mixnas.errors import ExpressionError
    from mixnas.space import Expression

    with pytest.raises(ExpressionError, match="'parsecs' behind 5 is neither a unit nor an operator at column 14"):
        Expression.parse("latency <= 5 parsecs", {"latency"})
    assert Expression.parse("3 if latency > 5 else 4", {"latency"}).names == {"latency"}
