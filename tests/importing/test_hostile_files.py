"""Files that are damaged, of another kind, or made to do harm: exit code 2, a way out, nothing run, nothing written."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mixnas.checkpoints import read_checkpoint
from mixnas.errors import ConfigError
from mixnas.printable import printable
from tests.importing.conftest import golden

Refuse = Callable[..., str]


class Harm:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch harmed",)


def _state(name: str = "splitmixer_V") -> dict[str, Any]:
    return dict(golden(name).state)


# ------------------------------------------------------------------------------------------------------ unsafe pickles


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_not_run(new_format: bool, refuse: Refuse) -> None:
    torch.save({"state_dict": _state(), "x": Harm()}, "it.pth", _use_new_zipfile_serialization=new_format)
    message = refuse("it.pth")
    assert "it.pth holds more than tensors and plain data, which could run code when read: " in message
    assert "GLOBAL posix.system" in message
    assert len(message.splitlines()) == 2
    assert not Path("harmed").exists()


def test_the_harm_is_real_where_pickles_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Harm()))
    assert Path("harmed").exists()


def test_a_whole_pickled_model_is_refused_with_the_way_out(refuse: Refuse) -> None:
    torch.save(torch.nn.Linear(2, 2), "it.pth")
    message = refuse("it.pth")
    assert "Unsupported global: GLOBAL torch.nn.modules.linear.Linear was not an allowed global by default" in message
    assert "torch.save(model.state_dict())" in message


def test_a_plain_pickle_that_would_run_code_is_refused(refuse: Refuse) -> None:
    Path("it.pth").write_bytes(pickle.dumps(Harm()))
    refuse("it.pth")
    assert not Path("harmed").exists()


def test_arrays_of_objects_are_refused(refuse: Refuse) -> None:
    np.savez("it.npz", **{"patch_emb.0.weight": np.array([Harm()], dtype=object)})
    assert "hint: arrays of objects may contain code" in refuse("it.npz")
    assert not Path("harmed").exists()


# ----------------------------------------------------------------------------------------------------- no checkpoints


def test_a_file_that_is_not_there(refuse: Refuse) -> None:
    assert "error: it.pth is not there" in refuse("it.pth")


def test_a_folder(refuse: Refuse) -> None:
    Path("it.pth").mkdir()
    assert "error: it.pth is no file" in refuse("it.pth")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("it.pth", b"", "it.pth is empty"),
        ("it.pth", b"<html>404</html>", "the extension says torch, but its content is none of torch, safetensors, npz"),
        ("it.safetensors", b"\x10\0\0\0\0\0\0\0{broken", "is no readable safetensors file: "),
        ("it.safetensors", b"\xff" * 8 + b"{}", "its content is none of torch, safetensors, npz"),
        ("it.txt", b"text", "no checkpoint has the extension '.txt'"),
        ("it", b"text", "no checkpoint has the extension ''"),
        ("it.pth", b"PK\x03\x04 and nothing of a zip", "it.pth is cut short or damaged"),
        ("it.pth", b"\x80\x02garbage", "it.pth is no readable PyTorch checkpoint: "),
        ("it.pth", b"\x80\x02" + b"(" * 100_000, "it.pth is no readable PyTorch checkpoint: "),
    ],
)
def test_what_is_no_checkpoint(name: str, content: bytes, message: str, refuse: Refuse) -> None:
    Path(name).write_bytes(content)
    assert message in refuse(name)


def test_an_extension_that_lies(refuse: Refuse) -> None:
    torch.save(_state(), "it.npz")
    message = refuse("it.npz")
    assert "the extension says npz, but its content is torch\nhint: rename the file" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds a list, not a state dict"),
        (None, "holds nothing, not a state dict"),
        (torch.zeros(3), "holds a Tensor, not a state dict"),
        ({}, "found: nothing"),
        ({"weights": {"a": torch.zeros(1)}}, "found: weights\nhint: if it lies under another key, name it with --key"),
        ({"model": {"a": torch.zeros(1)}, "net": {"b": torch.zeros(1)}}, "more than one state dict: model, net"),
        ({3: torch.zeros(1)}, "a name in the state dict is a int, not a text"),
        ({"a": torch.zeros(1)}, "the weights have no published model's names; they begin with a"),
    ],
)
def test_a_checkpoint_of_something_else(content: Any, message: str, refuse: Refuse) -> None:
    torch.save(content, "it.pth")
    assert message in refuse("it.pth")


def test_a_key_names_the_state_dict(refuse: Refuse) -> None:
    torch.save({"weights": {"ema": _state()}}, "it.pth")
    assert "has no key 'weights.mean'\nhint: it holds: ema" in refuse("it.pth", "--key", "weights.mean")
    assert read_checkpoint("it.pth", "weights.ema").key == "weights.ema"


# ------------------------------------------------------------------------------------------------ made to fill a memory


def test_a_zip_that_swells_is_not_unpacked(refuse: Refuse) -> None:
    with zipfile.ZipFile("it.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as entry:
        for _ in range(64):
            entry.write(bytes(1 << 20))
    message = refuse("it.npz")
    assert "and would unpack to 67,108,864\nhint: no checkpoint compresses like that" in message


def test_a_zip_of_zips_is_not_opened(refuse: Refuse) -> None:
    content = b"\0" * 10_000
    for _ in range(30):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.zip", content)
        content = file.getvalue()
    Path("it.pth").write_bytes(content)
    assert "its content is none of torch, safetensors, npz" in refuse("it.pth")


def test_a_few_numbers_that_claim_to_be_many(refuse: Refuse) -> None:
    torch.save({**_state(), "patch_emb.0.weight": torch.zeros(1).expand(60_000, 60_000, 2, 2)}, "it.pth")
    assert "its tensors claim 57,600,0" in refuse("it.pth")


def test_names_that_claim_many_blocks(refuse: Refuse) -> None:
    torch.save({**_state(), "mixer_blocks.99999999999.0.mixer1.weight": torch.zeros(1)}, "it.pth")
    assert "unexpected   mixer_blocks.99999999999.0.mixer1.weight" in refuse("it.pth")


def test_a_config_that_claims_many_blocks(refuse: Refuse) -> None:
    torch.save(_state(), "it.pth")
    arguments = {**golden("splitmixer_V").config, "num_blocks": 60_000}
    Path("c.json").write_text(json.dumps(arguments))
    assert "num_blocks = 60000, the weights say 3" in refuse("it.pth", "--config", "c.json")
    assert "num_blocks = 60000 needs more weights" in refuse("it.pth", "--config", "c.json", "--by-order")


def test_names_cannot_speak_to_the_terminal(refuse: Refuse) -> None:
    torch.save({**_state(), "\x1b[2Jgone": torch.zeros(1)}, "it.pth")
    message = refuse("it.pth")
    assert "\x1b" not in message
    assert "\\x1b[2Jgone" in message


@given(st.text())
def test_printable_is_one_short_printable_line(text: str) -> None:
    assert printable(text, 40).isprintable()
    assert len(printable(text, 40)) <= 40


# --------------------------------------------------------------------------------------------------------- damaged


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small checkpoint in every format."""
    folder = tmp_path_factory.mktemp("sound")
    state = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.ones(2)}
    torch.save({"state_dict": state}, folder / "new.pth")
    torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
    np.savez(folder / "it.npz", **{name: value.numpy() for name, value in state.items()})
    from safetensors.torch import save_file

    save_file(state, folder / "it.safetensors")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["new.pth", "old.pth", "it.npz", "it.safetensors"])
def test_a_file_cut_short_anywhere_is_refused(name: str, sound: dict[str, bytes], tmp_path: Path) -> None:
    whole = sound[name]
    path = tmp_path / name
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        with pytest.raises(ConfigError) as caught:
            read_checkpoint(path)
        assert caught.value.hint
    path.write_bytes(whole)
    assert list(read_checkpoint(path).state) in (["head.weight", "head.bias"], ["head.bias", "head.weight"])


@pytest.mark.parametrize("name", ["new.pth", "old.pth", "it.npz", "it.safetensors"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_with_wrong_bytes_is_read_or_refused(
    name: str, data: st.DataObject, sound: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = bytearray(sound[name])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(damaged)
    try:
        state = read_checkpoint(path).state
    except ConfigError as error:
        assert error.message.isprintable()
    else:
        assert state


# ------------------------------------------------------------------------------------------------------------- configs


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.json", "{not json", "c.json is not JSON: Expecting property name"),
        ("c.json", "[1]", "c.json holds a list, not named arguments"),
        ("c.json", "[" * 100_000, "c.json is not JSON: "),
        ("c.json", '{"hdmi": 24}', "unknown argument of SplitMixer 'hdmi'\nhint: did you mean 'hdim'?"),
        ("c.json", '{"model": "SplitMixr"}', "unknown reference model 'SplitMixr'\nhint: did you mean 'SplitMixer'"),
        ("c.json", '{"model": ["SplitMixer"]}', "unknown reference model"),
        ("c.json", '{"hdim": "24"}', "needs a whole number from 1 to 65536 for hdim, got '24'"),
        ("c.json", '{"hdim": true}', "needs a whole number from 1 to 65536 for hdim, got True"),
        ("c.json", '{"image_size": 1e9}', "for image_size, got 1000000000.0"),
        ("c.json", '{"image_size": 0}', "for image_size, got 0"),
        ("c.json", '{"ratio": NaN}', "needs a number for ratio, got nan"),
        ("c.json", '{"hdim": 32}', "the config contradicts the weights: hdim = 32, the weights say 24"),
        ("c.json", '{"mixer_setting": "II"}', "it says mixer_setting II; their shapes fit mixer_setting V with ratio"),
        ("c.json", '{"ratio": 0.6}', "it says ratio 0.6; their shapes fit mixer_setting V with ratio 0.6667"),
        ("c.json", '{"act_layer": "Tanh"}', "act_layer must be one of GELU, ReLU, SiLU, got 'Tanh'"),
        ("c.json", '{"task": "segmentation"}', "the config says task = 'segmentation', the model has 'classification'"),
        ("c.json", '{"num_params": 5}', "the config says num_params = 5, the model has 3538"),
        ("c.json", '{"image_size": 1}', "patch_size 2 is larger than the image"),
        ("c.yaml", "a: &a [1]\nb: *a", "aliases are not allowed"),
        ("c.yaml", "!!python/object/apply:os.system [touch harmed]", "c.yaml"),
    ],
)
def test_configs_that_are_refused(name: str, text: str, message: str, refuse: Refuse) -> None:
    torch.save(_state(), "it.pth")
    Path(name).write_text(text)
    assert message in refuse("it.pth", "--config", name)
    assert not Path("harmed").exists()


def test_a_config_that_is_not_there_too_large_or_no_text(refuse: Refuse) -> None:
    torch.save(_state(), "it.pth")
    assert "cannot read c.json: No such file" in refuse("it.pth", "--config", "c.json")
    Path("c.json").write_bytes(b" " * (2 << 20))
    assert "c.json has 2,097,152 bytes" in refuse("it.pth", "--config", "c.json")
    Path("c.json").write_bytes(b"\xff\xfe\0")
    assert "c.json is not JSON" in refuse("it.pth", "--config", "c.json")


# ---------------------------------------------------------------------------------------------- what does not match


def test_all_that_does_not_match_is_listed(refuse: Refuse) -> None:
    state = _state()
    del state["head.bias"]
    state["extra.weight"] = torch.zeros(3)
    state["_note"] = "text"
    state["mixer_blocks.2.fn.0.weight"] = torch.zeros(24, 1, 1, 3)
    state["mixer_blocks.4.fn.0.bias"][2] = torch.nan
    state["mixer_blocks.4.fn.2.bias"] = torch.zeros(24, dtype=torch.int64)
    state["mixer_blocks.4.fn.3.bias"] = torch.zeros(24).to_sparse()
    torch.save({"state_dict": state}, "it.pth")
    assert refuse("it.pth") == (
        "error: it.pth does not fit SplitMixer: 1 missing, 2 unexpected, 1 wrong shape, 3 unusable; "
        "nothing was written\n"
        "  missing      head.bias                   [10]\n"
        "  unexpected   extra.weight                [3]\n"
        "  unexpected   _note                       no tensor\n"
        "  wrong shape  mixer_blocks.2.fn.0.weight  [24, 1, 1, 3], expected [24, 1, 1, 5]\n"
        "  unusable     mixer_blocks.4.fn.0.bias    holds infinite or undefined numbers\n"
        "  unusable     mixer_blocks.4.fn.2.bias    has type int64\n"
        "  unusable     mixer_blocks.4.fn.3.bias    is no plain tensor\n"
        "hint: check --config; --by-order takes weights under other names by their order, where all shapes agree\n"
    )


def test_a_long_list_is_cut(refuse: Refuse) -> None:
    state = _state() | {f"extra.{i}": torch.zeros(1) for i in range(100)}
    torch.save(state, "it.pth")
    assert refuse("it.pth").splitlines()[-2] == "  and 40 more"


def test_segments_of_equal_shapes_have_to_be_told(refuse: Refuse) -> None:
    torch.save(golden("splitmixer_III").state, "it.pth")
    assert refuse("it.pth") == (
        "error: several settings of SplitMixer have weights of these shapes: mixer_setting I with ratio 0.5; "
        "mixer_setting II with num_segments 2; mixer_setting III with num_segments 2\n"
        'hint: add "mixer_setting" to --config, and where that leaves several, "num_segments" or "ratio"\n'
    )


def test_a_stride_has_to_be_told(refuse: Refuse) -> None:
    torch.save(golden("wavemix_classification_level1").state, "it.pth")
    message = refuse("it.pth")
    assert 'the weights of WaveMix do not tell stride\nhint: add "stride" to --config: 1 or 2' in message


def test_images_too_small_for_the_levels_are_refused(refuse: Refuse) -> None:
    torch.save(golden("wavemix_segmentation_level4").state, "it.pth")
    assert "level 4 has nothing to transform" in refuse("it.pth", "--image-size", 16)
