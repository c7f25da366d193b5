"""Model config files: what is written is read back, and nothing else is."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixnas.data import Normalisation
from mixnas.errors import ConfigError
from mixnas.model_config import ModelConfig, read_config, write_config
from mixnas.records import Problem
from mixnas.space import load_space

GOOD: dict[str, Any] = {
    "format": "mixnas-model/1",
    "family": "splitmixer",
    "axes": {"width": 16, "channel": "overlap", "channel.ratio": "2/3", "channel.shared": False},
    "problem": {"task": "classification", "input": [1, 8, 8], "num_classes": 10},
}
CONFIG = ModelConfig("splitmixer", GOOD["axes"], Problem.square(8, 1, 10))

texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
values = st.booleans() | numbers | texts
plain = st.recursive(
    st.none() | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
tasks = st.sampled_from(["classification", "segmentation", "super_resolution"])
sides = st.integers(1, 4096)
finite = st.floats(-10, 10)


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    problem = Problem(draw(tasks), draw(st.integers(1, 4)), draw(sides), draw(sides), draw(sides))
    mean = draw(st.lists(finite, min_size=problem.in_channels, max_size=problem.in_channels))
    normalisation = Normalisation(tuple(mean), tuple(abs(m) + 0.1 for m in mean))
    weights = draw(st.none() | st.text(string.ascii_letters + string.digits + "_- ", min_size=1))
    return ModelConfig(
        family=draw(texts),
        axes=draw(st.dictionaries(texts, values, max_size=6)),
        problem=problem,
        weights=weights and f"sub folder/{weights}.safetensors",
        normalisation=draw(st.none() | st.just(normalisation)),
        provenance=draw(st.dictionaries(texts, plain, max_size=4)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(config=configs())
def test_round_trip(config: ModelConfig, tmp_path: Path) -> None:
    write_config(config, tmp_path / "model.yaml")
    assert read_config(tmp_path / "model.yaml") == config
    assert [path.name for path in tmp_path.iterdir()] == ["model.yaml"]


def test_the_file_is_readable(tmp_path: Path) -> None:
    provenance = {"study": "first", "metrics": {"acc": 0.98, "params": 2970}, "exported_at": "2026-11-22"}
    write_config(ModelConfig("splitmixer", GOOD["axes"], CONFIG.problem, provenance=provenance), tmp_path / "m.yaml")
    assert (tmp_path / "m.yaml").read_text() == (
        '# A mixnas model. In Python:   mixnas.load_model("m.yaml")\n'
        "# Train it in full:            mixnas train m.yaml --dataset NAME --epochs N\n"
        "# What it costs:               mixnas profile m.yaml\n"
        "format: mixnas-model/1\nfamily: splitmixer\naxes:\n  width: 16\n  channel: overlap\n  channel.ratio: 2/3\n"
        "  channel.shared: false\nproblem:\n  task: classification\n  input: [1, 8, 8]\n  num_classes: 10\n"
        "weights: null\nnormalisation: null\nprovenance:\n  study: first\n  metrics:\n    acc: 0.98\n    params: 2970\n"
        "  exported_at: '2026-11-22'\n"
    )


def test_a_handwritten_file_needs_four_fields(tmp_path: Path) -> None:
    assert written(tmp_path, GOOD) == CONFIG


def test_the_digest_is_the_spaces(tmp_path: Path) -> None:
    space = load_space("splitmixer").given(**CONFIG.problem.context())
    for candidate in space.sample_many(__import__("random").Random(0), 20):
        canonical = space.canonical(candidate)
        assert ModelConfig("splitmixer", canonical, CONFIG.problem).digest == space.digest(candidate)


def written(folder: Path, data: Any) -> ModelConfig:
    (folder / "model.yaml").write_text(yaml.safe_dump(data))
    return read_config(folder / "model.yaml")


def changed(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({k: v for k, v in GOOD.items() if k != "axes"}, "model.yaml: axes: missing"),
        (changed(format="mixnas-model/9"), r"format: input should be 'mixnas-model/1', found 'mixnas-model/9'"),
        (changed(family=3), "family: input should be a valid string, found 3"),
        (changed(axes={"width": [1, 2]}), "axes.width: expected a number, true, false or a text, found a list"),
        (changed(axes={"width": None}), "axes.width: expected a number, true, false or a text, found nothing"),
        (changed(axes={3: 4}), "axes.3: "),
        (changed(wieghts="x"), "wieghts: unknown field"),
        (changed(problem={"task": "sing", "input": [1, 8, 8], "num_classes": 10}), "problem.task: .*found 'sing'"),
        (changed(problem={**GOOD["problem"], "input": [1, 8]}), "problem.input.2: missing"),
        (changed(problem={**GOOD["problem"], "input": [1, 8, 0]}), r"problem.input.2: .*equal to 1, found 0"),
        (changed(problem={**GOOD["problem"], "input": [1, -8, 8]}), r"problem.input.1: .*found -8"),
        (changed(problem={**GOOD["problem"], "input": [1, 8, 1e9]}), r"problem.input.2: .*found 1000000000.0"),
        (changed(problem={**GOOD["problem"], "num_classes": True}), r"problem.num_classes: .*found True"),
        (changed(normalisation={"mean": [0.1, 0.2], "std": [1, 1]}), "normalisation.mean has 2 numbers.*1 channels"),
        (changed(normalisation={"mean": [0.1], "std": [0.0]}), "normalisation.std.0: .*greater than 0, found 0.0"),
        (changed(normalisation={"mean": [float("nan")], "std": [1.0]}), "normalisation.mean.0: .*found nan"),
        ([1, 2], "expected fields such as family and axes, found a list"),
        (None, "expected fields such as family and axes, found nothing"),
        ("hello", "found 'hello'"),
    ],
)
def test_wrong_fields_are_named_with_value_and_expectation(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        written(tmp_path, data)
    assert caught.value.exit_code == 2 and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "weights",
    ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "..\\x", "\\\\host\\share", "", "a\0b", "..", "C:x"],
)
def test_weights_outside_the_folder_are_refused(tmp_path: Path, weights: str) -> None:
    with pytest.raises(ConfigError, match=r"weights is '.*', which leaves the config's folder .name a file beside"):
        written(tmp_path, changed(weights=weights))


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "model.yaml, line 2: aliases are not allowed"),
        ("family: a\nfamily: b\n", "line 2: the key 'family' is given twice"),
        ("family: !!python/object/apply:os.system [echo]\n", "line 1: could not determine a constructor"),
        ("family: [1, 2\n", "line 2: "),
        ("{[1, 2]: 3}", "line 1: a key must be a text"),
        ("[" * 20000, "maximum recursion depth"),
        ("family: \x07bell", "unacceptable character"),
        ("", "found nothing"),
        ("--- a\n--- b\n", "expected a single document"),
        ("axes: {width: 0x}", "format: missing"),
    ],
)
def test_hostile_yaml(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "model.yaml")


@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_refused_with_a_config_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_bytes(content)
    with pytest.raises(ConfigError):
        read_config(tmp_path / "model.yaml")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError, match="has 1,048,577 bytes, a model config has at most 1,048,576"):
        read_config(tmp_path / "model.yaml")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*none.yaml: No such file"):
        read_config(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"cannot read .*: Is a directory"):
        read_config(tmp_path)


def test_a_config_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"weights is '\.\./x'"):
        write_config(ModelConfig("f", {}, CONFIG.problem, weights="../x"), tmp_path / "model.yaml")
    with pytest.raises(ConfigError, match="provenance holds what YAML cannot"):
        write_config(ModelConfig("f", {}, CONFIG.problem, provenance={"x": object()}), tmp_path / "model.yaml")
    assert list(tmp_path.iterdir()) == []
