"""`mixnas import` on checkpoints as the published code would save them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import mixnas
from mixnas.model_config import read_config
from mixnas.models import family, reference
from mixnas.reference_config import complete
from tests.importing.conftest import NAMES, Golden, Run, golden


def _same_output(config: str, expected: Golden) -> None:
    model = mixnas.load_model(config).eval()
    with torch.no_grad():
        found = model(torch.from_numpy(expected.values["input"]))
    np.testing.assert_allclose(found.numpy(), expected.values["output_eval"], rtol=1e-4, atol=1e-5)


def _counters(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    counters = {n.replace("running_mean", "num_batches_tracked") for n in state if n.endswith("running_mean")}
    return {**state, **{name: torch.tensor(7) for name in sorted(counters)}}


def _parallel(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"module.{name}": value for name, value in state.items()}


def _timm_saver(state: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The layout of timm's training script."""
    args = argparse.Namespace(model="splitmixer", lr=0.01)
    return {"epoch": 3, "arch": "splitmixer", "state_dict": state, "optimizer": {"state": {}}, "args": args}


def _write_safetensors(state: dict[str, torch.Tensor]) -> str:
    save_file({name: value.contiguous() for name, value in state.items()}, "it.safetensors")
    return "it.safetensors"


def _write_npz(state: dict[str, torch.Tensor]) -> str:
    np.savez_compressed("it.npz", **{name: value.numpy() for name, value in state.items()})
    return "it.npz"


def _write_torch(wrap: Callable[[dict[str, torch.Tensor]], Any], name: str = "it.pth", **how: Any) -> Any:
    def write(state: dict[str, torch.Tensor]) -> str:
        torch.save(wrap(state), name, **how)
        return name

    return write


WRAPPERS: dict[str, Callable[[dict[str, torch.Tensor]], str]] = {
    "bare": _write_torch(dict),
    "parallel": _write_torch(lambda s: {"state_dict": _parallel(_counters(s)), "epoch": 9}, "it.pth.tar"),
    "timm": _write_torch(lambda s: _timm_saver(_counters(s)), "it.pt"),
    "model": _write_torch(lambda s: {"model": s, "acc": 0.9}, "it.ckpt"),
    "net": _write_torch(lambda s: {"net": _parallel(s)}, "it.bin"),
    "nested": _write_torch(lambda s: {"model": {"model_state_dict": {f"_orig_mod.module.{k}": s[k] for k in s}}}),
    "old format": _write_torch(_counters, _use_new_zipfile_serialization=False),
    "safetensors": _write_safetensors,
    "npz": _write_npz,
}


@pytest.mark.parametrize(
    ("name", "wrapper"), [(name, list(WRAPPERS)[i % len(WRAPPERS)]) for i, name in enumerate(NAMES)]
)
def test_every_golden_model_goes_over(name: str, wrapper: str, run: Run, tmp_path: Path) -> None:
    expected = golden(name)
    checkpoint = WRAPPERS[wrapper](expected.state)
    Path("reference.json").write_text(json.dumps(expected.config))
    outcome = run(checkpoint, "--config", "reference.json", "-o", "model.yaml")
    assert outcome.code == 0, outcome.err
    assert "Largest difference of outputs, read back against read in: 0\n" in outcome.out
    assert f"{expected.config['num_params']:,} parameters" in outcome.out
    _same_output("model.yaml", expected)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {checkpoint, "reference.json", "model.yaml", "model.safetensors"}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_way_to_keep_a_state_dict_is_read(wrapper: str, run: Run) -> None:
    expected = golden("splitmixer_V")
    checkpoint = WRAPPERS[wrapper](expected.state)
    outcome = run(checkpoint, "--image-size", 16, "-o", "model.yaml")
    assert outcome.code == 0, outcome.err
    _same_output("model.yaml", expected)


AMBIGUOUS = {"splitmixer_II": "II", "splitmixer_III": "III"}


@pytest.mark.parametrize("name", NAMES)
def test_without_a_config_all_is_inferred_but_what_shapes_cannot_tell(name: str, run: Run) -> None:
    expected = golden(name)
    torch.save(expected.state, "it.pth")
    say = {}
    if name in AMBIGUOUS:
        say = {"mixer_setting": AMBIGUOUS[name]}
    if expected.config.get("initial_conv") == "strided":
        say = {"stride": 1}
    Path("some.yaml").write_text(json.dumps(say))
    config = ("--config", "some.yaml") if say else ()
    outcome = run("it.pth", *config, "--image-size", expected.config["image_size"], "-o", "model.yaml")
    assert outcome.code == 0, outcome.err
    assert "Inferred from the weights: model " in outcome.out
    _same_output("model.yaml", expected)


def test_the_config_says_where_the_model_is_from(run: Run) -> None:
    expected = golden("splitmixer_IV_uneven")
    torch.save(expected.state, "it.pth")
    outcome = run("it.pth", "-o", "model.yaml")
    assert "Assumed, as weights do not tell it: image_size 32, act_layer GELU\n" in outcome.out
    config = read_config("model.yaml")
    assert (config.family, config.weights, config.problem.input) == ("splitmixer", "model.safetensors", (3, 32, 32))
    known = config.provenance
    assert (known["imported_from"], known["reference"]) == ("it.pth", "SplitMixer")
    assert len(known["sha256"]) == 64
    assert known["arguments"]["num_segments"] == 3
    assert known["assumed"] == ["act_layer", "image_size"]
    assert {"hdim", "mixer_setting", "num_blocks"} <= set(known["inferred"])


def test_half_precision_weights_become_float32(run: Run) -> None:
    expected = golden("splitmixer_V")
    torch.save({name: value.bfloat16() for name, value in expected.state.items()}, "it.pth")
    assert run("it.pth", "--image-size", 16, "-o", "model.yaml").code == 0
    loaded = mixnas.load_model("model.yaml").state_dict()
    assert {v.dtype for n, v in loaded.items() if "num_batches" not in n} == {torch.float32}
    torch.testing.assert_close(loaded["stem.0.weight"], expected.state["patch_emb.0.weight"].bfloat16().float())


# ----------------------------------------------------------------------------------------------------- timm's models


@pytest.mark.parametrize("activation", ["GELU", "ReLU"])
def test_timms_convmixer_goes_over(activation: str, run: Run) -> None:
    pytest.importorskip("timm")
    torch.manual_seed(0)
    # timm's registered models are large; a registered one with smaller arguments is the same class.
    from timm.models.convmixer import ConvMixer

    layer = getattr(torch.nn, activation)
    model = ConvMixer(dim=12, depth=3, kernel_size=5, patch_size=4, in_chans=1, num_classes=6, act_layer=layer).train()
    images = torch.randn(4, 1, 16, 16)
    model(images)  # moves the running statistics away from 0 and 1
    torch.save({"state_dict": model.state_dict(), "epoch": 1}, "it.pth.tar")
    Path("reference.json").write_text(json.dumps({"act_layer": activation}))
    outcome = run("it.pth.tar", "--config", "reference.json", "--image-size", 16, "-o", "model.yaml")
    assert outcome.code == 0, outcome.err
    ours = mixnas.load_model("model.yaml").eval()
    with torch.no_grad():
        torch.testing.assert_close(ours(images), model.eval()(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["convmixer_768_32", "convmixer_1024_20_ks9_p14", "convmixer_1536_20"])
def test_timms_own_convmixers_are_inferred_with_every_name_and_shape(name: str) -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        model = timm.create_model(name)
    shapes = {entry: tuple(value.shape) for entry, value in model.state_dict().items()}
    found = complete({}, shapes, image_size=224)
    assert str(found.assumed["act_layer"]) == type(model.stem[1]).__name__
    translation = reference.translate(found.arguments)
    with torch.device("meta"):
        ours = family(translation.family).build(translation.axes, translation.problem).state_dict()
    parts = ((entry.rpartition("."), tuple(value.shape)) for entry, value in ours.items())
    assert {f"{translation.modules[module]}.{leaf}": shape for (module, _, leaf), shape in parts} == shapes


# ---------------------------------------------------------------------------------------------------------- by order

BY_ORDER = [name for name in NAMES if golden(name).config["model"] == "SplitMixer"]


def _renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"stage{i}.{name.rpartition('.')[2]}": value for i, (name, value) in enumerate(state.items())}


@pytest.mark.parametrize("name", BY_ORDER)
def test_splitmixer_under_other_names_goes_over_by_order(name: str, run: Run) -> None:
    expected = golden(name)
    torch.save(_renamed(expected.state), "it.pth")
    Path("reference.json").write_text(json.dumps(expected.config))
    outcome = run("it.pth", "--config", "reference.json", "--by-order", "-o", "model.yaml")
    assert outcome.code == 0, outcome.err
    _same_output("model.yaml", expected)


def test_another_order_is_refused(refuse: Callable[..., str]) -> None:
    expected = golden("splitmixer_I")
    state = _renamed(dict(reversed(expected.state.items())))
    torch.save(state, "it.pth")
    Path("reference.json").write_text(json.dumps(expected.config))
    message = refuse("it.pth", "--config", "reference.json", "--by-order")
    assert "entry 1 by order is stage0.bias [10], expected patch_emb.0.weight [24, 3, 2, 2]" in message


def test_by_order_needs_a_config_of_splitmixer(refuse: Callable[..., str]) -> None:
    torch.save(golden("splitmixer_I").state, "it.pth")
    assert "--by-order is for SplitMixer alone, the config names None" in refuse("it.pth", "--by-order")


# ------------------------------------------------------------------------------------------------------- what exists


def test_nothing_is_overwritten_without_force(run: Run) -> None:
    torch.save(golden("splitmixer_V").state, "it.pth")
    Path("model.safetensors").write_bytes(b"mine")
    refused = run("it.pth", "-o", "model.yaml")
    assert (refused.code, "model.safetensors exists" in refused.err) == (2, True)
    assert "--force" in refused.err
    assert Path("model.safetensors").read_bytes() == b"mine"
    assert run("it.pth", "-o", "model.yaml", "--force").code == 0
    assert mixnas.load_model("model.yaml")


def test_a_checkpoint_is_never_overwritten_by_its_own_weights(run: Run) -> None:
    save_file(golden("splitmixer_V").state, "model.safetensors")
    before = Path("model.safetensors").read_bytes()
    refused = run("model.safetensors", "-o", "model.yaml", "--force")
    assert "model.safetensors is the checkpoint itself" in refused.err
    assert Path("model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("output", "message"),
    [("model.pth", "a model config is YAML"), ("gone/model.yaml", "no folder 'gone'"), ("folder.yaml", "is a folder")],
)
def test_a_place_that_cannot_be_written_is_refused(output: str, message: str, run: Run) -> None:
    torch.save(golden("splitmixer_V").state, "it.pth")
    Path("folder.yaml").mkdir()
    refused = run("it.pth", "-o", output)
    assert (refused.code, message in refused.err) == (2, True), refused.err
