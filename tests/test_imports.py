"""What is loaded when: the package and its help stay light, layers import one way, and there is no cycle."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import mixnas

HEAVY = ("torch", "ray", "plotly", "pandas", "sqlalchemy", "optuna", "sklearn", "scipy", "fvcore", "timm")
PACKAGE = Path(mixnas.__file__).parent


def loaded_by(code: str, *arguments: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running `code`."""
    report = f"import sys\nsys.argv = ['mixnas', *{arguments!r}]\ntry:\n    {code}\nexcept SystemExit: pass\n"
    report += f"print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True).stdout
    return set(ast.literal_eval(out.rsplit("LOADED ", 1)[1]))


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("import mixnas", ()),
        ("from mixnas.cli.main import main; main()", ("--help",)),
        ("from mixnas.cli.main import main; main()", ("search", "--help")),
        ("from mixnas.cli.main import main; main()", ("space", "show", "splitmixer")),
        ("import mixnas.space, mixnas.pareto, mixnas.study, mixnas.catalog, mixnas.data, mixnas.models", ()),
        ("import mixnas.model_config, mixnas.toy, mixnas.evaluators", ()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_light_things_load_nothing_heavy(code: str, arguments: tuple[str, ...]) -> None:
    assert loaded_by(code, *arguments) == set()


def test_a_search_leaves_torch_and_scikit_learn_to_its_workers(tmp_path: Path) -> None:
    """Three processes that load them at once on two cores would wait seconds for their first trial."""
    storage = f"sqlite:///{tmp_path}/it.db"
    asked = ("search", "--space", "splitmixer", "--objective", "acc,params,macs", "--constraint", "params <= 20k")
    more = ("--trials", "2", "--epochs", "1", "--workers", "1", "--plain", "--storage", storage)
    loaded = loaded_by("from mixnas.cli.main import main; main()", *asked, *more)
    assert loaded == {"optuna", "sqlalchemy"}


def test_parts_are_there_without_an_import_of_their_own() -> None:
    code = "import mixnas; assert callable(mixnas.models.reference.load) and callable(mixnas.load_space)"
    subprocess.run([sys.executable, "-c", code], check=True)


def imports_of(path: Path) -> set[str]:
    """Modules that a file imports at its top level, outside of TYPE_CHECKING."""
    known, found = modules(), set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(i if i in known else node.module for i in inside)
    return found


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    named = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


WORLDS = {
    "torch": ("torch", "torchvision", "fvcore"),
    "sql": ("sqlalchemy",),
    "plotly": ("plotly",),
    "optuna": ("optuna", "optuna_dashboard"),
    "ray": ("ray",),
}


def test_the_outside_worlds_meet_in_no_file() -> None:
    for name, path in modules().items():
        if name == "mixnas.search.feed":  # Optuna's storage is an SQLAlchemy engine, which is told to be patient
            continue
        worlds = {w for w, tops in WORLDS.items() if any(i.split(".")[0] in tops for i in imports_of(path))}
        assert len(worlds) <= 1, f"{name} imports {worlds}"


LOWER = {
    "mixnas.errors": (),
    "mixnas.records": (),
    "mixnas.space": ("mixnas.errors", "mixnas.records", "mixnas.objectives", "mixnas.catalog", "mixnas.space"),
    "mixnas.pareto": ("mixnas.errors", "mixnas.records", "mixnas.objectives"),
    "mixnas.store": ("mixnas.errors", "mixnas.records", "mixnas.store", "mixnas.__version__", "mixnas"),
    "mixnas.figures": (
        "mixnas.errors",
        "mixnas.records",
        "mixnas.objectives",
        "mixnas.pareto",
        "mixnas.noise",
        "mixnas.describe",
        "mixnas.output",
        "mixnas.figures",
    ),
}
"""What the lower layers may import of the package."""


@pytest.mark.parametrize("layer", LOWER)
def test_lower_layers_import_only_what_is_below_them(layer: str) -> None:
    for name, path in modules().items():
        if name == layer or name.startswith(layer + "."):
            for imported in imports_of(path):
                if imported.split(".")[0] == "mixnas":
                    allowed = any(imported == a or imported.startswith(a + ".") for a in LOWER[layer])
                    assert allowed, f"{name} imports {imported}"


def test_there_is_no_import_cycle() -> None:
    known = modules()
    edges = {name: {i for i in imports_of(path) if i in known and i != name} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in edges[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def test_no_print_in_the_library() -> None:
    for name, path in modules().items():
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], name
