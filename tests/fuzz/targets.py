"""What reads data that may come from anyone: how to make input for it, and how to feed it."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from mixnas.records import Fidelity, Job, Problem
from tests.fuzz import mutate
from tests.fuzz.expressions import AXES, COSTS, hostile
from tests.training.conftest import training as tiny_training

AXES_OF = {"width": 16, "depth": 2, "patch_size": 2, "kernel_size": 3, "activation": "gelu", "channel": "dense"}
VALUES: tuple[dict[str, Any], ...] = (
    {**AXES_OF, "params": 12_345, "macs": 10**7, "flops": 10**7, "memory": 2.5e6, "acc": 0.9, "latency": 1.5},
    {**AXES_OF, "channel": "overlap", "channel.ratio": "2/3", "channel.shared": True, "params": 10**18, "acc": 0.0},
)


@dataclass(frozen=True)
class Target:
    """One reader."""

    name: str
    share: int
    """Of the inputs of a campaign, in thousandths."""
    make: Callable[[random.Random], Any]
    feed: Callable[[Any], object]
    """Runs in an empty current folder."""
    seconds: float = 10.0
    """CPU seconds that one input may take."""


# ---------------------------------------------------------------------------------------------------------- expressions


def _read_expression(text: str) -> None:
    from mixnas.space import Expression
    from mixnas.space.query import parse_query

    expression = Expression.parse(text, {*AXES, *COSTS})
    first: Exception | None = None
    for work in (
        *(lambda v=v: expression.evaluate(v) for v in VALUES),
        *(lambda v=v: expression.holds(v) for v in VALUES),
        lambda: expression.hold_columns(_columns()),
        lambda: parse_query(f"acc where {text}", AXES),
    ):
        try:
            work()
        except Exception as error:
            first = _of_ours(error) or first
    if first is not None:
        raise first


def _of_ours(error: Exception) -> Exception:
    """Lets an error pass that a user may see, and raises any other at once."""
    from mixnas.errors import MixnasError

    if not isinstance(error, MixnasError):
        raise error
    return error


def _columns() -> dict[str, Any]:
    words = {"channel.ratio": np.array(["2/3", "1/2"], object), "channel": np.array(["overlap", "dense"], object)}
    numbers = {name: np.array([4, 2**40]) for name in (*AXES, *COSTS) if name not in words}
    numbers["macs"] = np.array([4, 2**80], object)
    return {
        **numbers,
        **words,
        "activation": np.array(["gelu", "relu"], object),
        "channel.shared": np.array([True, False]),
    }


def _read_constraints(texts: list[str]) -> None:
    from mixnas.models import family
    from mixnas.search.gate import Gate
    from mixnas.session import exact_costs
    from mixnas.space import load_space

    space = load_space("splitmixer_small").given(**PROBLEM.context())
    costs = family("splitmixer")
    gate = Gate(space, texts, *[lambda axes: exact_costs(costs, axes, PROBLEM)] * 2)
    candidates = _CANDIDATES or _CANDIDATES.extend(space.sample_many(random.Random(0), 4)) or _CANDIDATES
    gate.check(candidates[0])
    gate.judge(candidates)


_CANDIDATES: list[Any] = []
PROBLEM = Problem.square(8, 1, 10)


def _constraints(rng: random.Random) -> list[str]:
    names = ("width", "depth", "kernel_size", "channel.ratio", "params", "macs", "flops", "image_size")
    return [hostile(rng, names) for _ in range(rng.choice((1, 1, 1, 2, 3)))]


# ------------------------------------------------------------------------------------------------------- spaces as JSON


def _space_file(rng: random.Random) -> str:
    from mixnas.space import load_space

    data = load_space(rng.choice(("splitmixer_small", "wavemix_small"))).to_json()
    data["axes"] = rng.sample(data["axes"], rng.randint(1, min(4, len(data["axes"]))))
    data["rules"] = [{"kind": "forbid", "when": hostile(rng), "because": "a test"}]
    return _json(rng, mutate.data(rng, data, ("axes", "kind", "options")) if rng.random() < 0.8 else data)


def _read_space(text: str) -> None:
    from mixnas.space import load_space

    Path("space.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    space = load_space("space.json")
    space.size()
    space.sample_many(random.Random(0), 2)


def _json(rng: random.Random, data: Any) -> str:
    text = json.dumps(data)
    return mutate.text(rng, text) if rng.random() < 0.2 else text


# ------------------------------------------------------------------------------------------------------- model configs


def _model_config(rng: random.Random) -> str:
    text = rng.choice(_CONFIGS)
    choice = rng.random()
    if choice < 0.5:
        return mutate.text(rng, text)
    data = mutate.data(rng, yaml.safe_load(text), ("axes", "problem", "family"))
    return yaml.dump(data, allow_unicode=True) if choice < 0.9 else mutate.text(rng, yaml.dump(data))


_CONFIGS = tuple(
    "format: mixnas-model/1\n" + body
    for body in (
        "family: splitmixer\naxes: {width: 12, depth: 4, patch_size: 1, kernel_size: 3, channel: overlap, "
        "channel.ratio: 3/5, channel.mixes: one, channel.shared: true}\nproblem:\n  task: classification\n"
        "  input: [1, 8, 8]\n  num_classes: 10\nweights: model.safetensors\n"
        "normalisation: {mean: [0.3], std: [0.37]}\nprovenance: {study: s, trial: 3, metrics: {acc: 0.9}}\n",
        "family: wavemix_lite\naxes: {width: 8, depth: 2}\nproblem:\n  task: segmentation\n  input: [3, 64, 64]\n"
        "  num_classes: 4\nweights: null\n",
        "family: mlp_mixer\naxes: {}\nproblem: {task: classification, input: [3, 32, 32], num_classes: 10}\n",
    )
)


def _read_config(text: str) -> None:
    from mixnas.export import build_model
    from mixnas.model_config import read_config, write_config
    from mixnas.models import family

    Path("model.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    config = read_config("model.yaml")
    write_config(config, "again.yaml")
    assert read_config("again.yaml") == config
    with torch.device("meta"):
        build_model(config, "model.yaml")
    family(config.family).macs(dict(config.axes), config.problem)


# -------------------------------------------------------------------------------------------------------- study specs


def _study_spec(rng: random.Random) -> Any:
    from mixnas.study import StudySpec

    data = StudySpec("splitmixer", ("acc", "params"), constraints=("params <= 9k",), early_stopping="mo-asha").to_dict()
    return mutate.data(rng, data, tuple(StudySpec.__dataclass_fields__))


def _read_spec(data: Any) -> None:
    from mixnas.search.rungs import early_stopping
    from mixnas.session import resolve
    from mixnas.study import StudySpec, differences

    spec = StudySpec.from_dict(data)
    again = StudySpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert not differences(spec.to_dict(), again.to_dict())
    spec, _, _ = resolve(spec)
    early_stopping(spec.early_stopping, spec.epochs, spec.trials, spec.rungs, spec.reduction, spec.min_full)


# ------------------------------------------------------------------------------------------------- archives of arrays


def _zip(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def npz(arrays: dict[str, Any], pickled: bool = False) -> dict[str, bytes]:
    """The members of an `.npz` file."""
    parts = {}
    for name, array in arrays.items():
        content = io.BytesIO()
        np.lib.format.write_array(content, np.asarray(array), allow_pickle=pickled)
        parts[f"{name}.npy"] = content.getvalue()
    return parts


def _archive(rng: random.Random, parts: dict[str, bytes]) -> bytes:
    """The archive with damage in a member, in its names, or all over."""
    parts, choice = dict(parts), rng.random()
    name = rng.choice(list(parts))
    if choice < 0.5:
        parts[name] = mutate.content(rng, parts[name], list(parts.values()))
    elif choice < 0.6:
        parts[mutate.text(rng, name).encode(errors="replace").decode() or "x"] = parts.pop(name)
    elif choice < 0.65:
        parts[name] = npz({"x": np.array([{"a": 1}], object)}, pickled=True)["x.npy"]
    packed = _zip(parts, rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED)))
    return packed if 0.0 <= choice < 0.65 else mutate.content(rng, packed)


def _table_parts() -> dict[str, bytes]:
    from mixnas.catalog import builtin_folder

    if not _TABLE:
        with zipfile.ZipFile(builtin_folder("studies") / "tables" / "splitmixer-digits.npz") as archive:
            _TABLE.update(_shortened({name: archive.read(name) for name in archive.namelist()}))
    return _TABLE


_TABLE: dict[str, bytes] = {}


def _shortened(parts: dict[str, bytes]) -> dict[str, bytes]:
    """The same table with its first four candidates alone."""
    arrays = {name[:-4]: np.load(io.BytesIO(part)) for name, part in parts.items()}
    candidates = json.loads(arrays["candidates"].tobytes())[:4]
    header = {**json.loads(arrays["header"].tobytes()), "whole": False}
    short = {name: arrays[name][:4] for name in ("train_loss", "seconds", "finished")}
    short |= {name: arrays[name][:, :4] for name in ("costs", "metrics")}
    texts = {"header": header, "candidates": candidates}
    return npz({**{k: np.frombuffer(json.dumps(v).encode(), np.uint8) for k, v in texts.items()}, **short})


def _table(rng: random.Random) -> bytes:
    parts = dict(_table_parts())
    if rng.random() < 0.4:
        name = rng.choice(("header.npy", "candidates.npy"))
        data = mutate.data(rng, json.loads(np.load(io.BytesIO(parts[name])).tobytes()))
        parts[name] = npz({"x": np.frombuffer(json.dumps(data).encode(), np.uint8)})["x.npy"]
        return _zip(parts)
    return _archive(rng, parts)


def _read_table(content: bytes) -> None:
    from mixnas.table import read_table

    Path("table.npz").write_bytes(content)
    table = read_table("table.npz")
    for place, axes in enumerate(table.candidates):
        assert table.index(table.header.family, axes) == place
        table.curve(place, table.header.seeds[0])
        table.costs_of(place)


def _images(rng: random.Random) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype=np.uint8)
    arrays: dict[str, Any] = {"images": pixels, "labels": np.arange(24) % 3}
    if rng.random() < 0.4:
        arrays["labels"] = np.array([rng.choice((0, 1, -1, 2**31, 2**62)) for _ in range(24)], np.int64)
    if rng.random() < 0.3:
        arrays |= {"test_images": pixels[:5], "test_labels": arrays["labels"][: rng.randint(0, 6)]}
    if rng.random() < 0.4:
        name = rng.choice(list(arrays))
        return _zip(npz({**arrays, name: rng.choice(mutate.ODD)} if rng.random() < 0.4 else arrays, pickled=True))
    return _archive(rng, npz(arrays))


def _read_images(content: bytes) -> None:
    from mixnas.data import load_splits, load_test

    Path("images.npz").write_bytes(content)
    load_splits("images.npz")
    load_test("images.npz")


# -------------------------------------------------------------------------------------------------------- checkpoints


def _states() -> dict[str, bytes]:
    """One small checkpoint in every format."""
    if not _STATES:
        from safetensors.torch import save

        state = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.ones(2)}
        for name, modern in (("new.pth", True), ("old.pth", False)):
            content = io.BytesIO()
            torch.save({"state_dict": state, "epoch": 3}, content, _use_new_zipfile_serialization=modern)
            _STATES[name] = content.getvalue()
        _STATES["it.safetensors"] = save(state)
        _STATES["it.npz"] = _zip(npz({name: value.numpy() for name, value in state.items()}))
    return _STATES


_STATES: dict[str, bytes] = {}


def _checkpoint(rng: random.Random) -> tuple[str, bytes]:
    name = rng.choice(list(_states()))
    content = _states()[name]
    if name in ("new.pth", "it.npz") and rng.random() < 0.5:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return name, _archive(rng, {entry: archive.read(entry) for entry in archive.namelist()})
    return name, mutate.content(rng, content, list(_states().values()))


def _read_checkpoint(named: tuple[str, bytes]) -> None:
    from mixnas.checkpoints import read_checkpoint

    name, content = named
    Path(name).write_bytes(content)
    read_checkpoint(name)


def _arguments(rng: random.Random) -> tuple[str, str]:
    known = {"model": "SplitMixer", "hdim": 24, "num_blocks": 2, "kernel_size": 5, "patch_size": 2, "ratio": 0.5}
    data = mutate.data(rng, known, ("mixer_setting", "act_layer", "image_size"))
    suffix = rng.choice((".json", ".yaml"))
    text = json.dumps(data) if suffix == ".json" else yaml.dump(data, allow_unicode=True)
    return suffix, mutate.text(rng, text) if rng.random() < 0.4 else text


def _read_arguments(named: tuple[str, str]) -> None:
    from mixnas.reference_config import complete, read_arguments

    path = Path("arguments" + named[0])
    path.write_text(named[1], encoding="utf-8", errors="surrogatepass")
    complete(read_arguments(path), {"head.weight": (2, 3), "head.bias": (2,)}, None, infer=True)


JOB = Job("s", 7, 1, "splitmixer", {"width": 8}, PROBLEM, "digits", Fidelity(4, 0), checkpoint="7.pt")


def _resumed(rng: random.Random) -> bytes:
    if not _RESUMED:
        from mixnas.checkpoint import Checkpoint
        from mixnas.records import EpochRecord

        training = tiny_training(count=16)
        loss = training.run_epoch()
        Checkpoint(JOB).keep(training, [EpochRecord(1, loss, {"acc": 0.5}, 0.1)])
        _RESUMED.append(Path("7.pt").read_bytes())
        _RESUMED.append(tiny_training)
    whole: bytes = _RESUMED[0]
    if rng.random() < 0.5:
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            return _archive(rng, {entry: archive.read(entry) for entry in archive.namelist()})
    if rng.random() < 0.5:
        content = io.BytesIO()
        torch.save(mutate.data(rng, torch.load(io.BytesIO(whole), weights_only=True)), content)
        return content.getvalue()
    return mutate.content(rng, whole)


_RESUMED: list[Any] = []


def _read_resumed(content: bytes) -> None:
    """A damaged checkpoint is no failure: the training begins again, as it was, and says so."""
    from mixnas.checkpoint import Checkpoint

    Path("7.pt").write_bytes(content)
    training = tiny_training(count=16)
    before = [value.clone() for value in training.model.state_dict().values()]
    checkpoint = Checkpoint(JOB)
    curve = checkpoint.load(training)
    if checkpoint.warning:
        assert curve == () and training.epoch == 0 and checkpoint.warning.isprintable()
        after = training.model.state_dict().values()
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    training.run_epoch()


# ------------------------------------------------------------------------------------------------- journals of tables


def _journal(rng: random.Random) -> bytes:
    curve = [{"epoch": e, "train_loss": 2.0 / e, "metrics": {"acc": 0.5}, "seconds": 0.1} for e in (1, 2)]
    entry = {"axes": AXES_OF, "seed": 0, "outcome": "finished", "curve": curve}
    lines = [json.dumps(mutate.data(rng, entry) if rng.random() < 0.6 else {**entry, "seed": i}) for i in range(3)]
    whole = ("\n".join(lines) + "\n").encode()
    return mutate.content(rng, whole) if rng.random() < 0.5 else whole


def _read_journal(content: bytes) -> None:
    from mixnas.table.journal import Journal

    path = Path("table.npz.part.jsonl")
    path.write_bytes(content)
    journal = Journal.open(path, "splitmixer", 2)
    held = len(journal.ended)
    journal.appending().close()
    assert len(Journal.open(path, "splitmixer", 2).ended) == held


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("expressions", 330, hostile, _read_expression),
        Target("constraints with units", 210, _constraints, _read_constraints),
        Target("spaces as JSON", 80, _space_file, _read_space),
        Target("model configs", 80, _model_config, _read_config),
        Target("study specs", 100, _study_spec, _read_spec),
        Target("tables", 40, _table, _read_table),
        Target("images in .npz files", 20, _images, _read_images),
        Target("checkpoints", 40, _checkpoint, _read_checkpoint),
        Target("arguments of checkpoints", 25, _arguments, _read_arguments),
        Target("states of trainings", 5, _resumed, _read_resumed),
        Target("journals of tables", 60, _journal, _read_journal),
    )
}
