"""The table file: what is written is read back, and whatever else comes along is refused with the rule it breaks."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixnas.errors import ConfigError, MixnasError, UnknownName
from mixnas.table import Table, find_table, read_table, write_table
from mixnas.table.find import table_names

ARRAYS = ("costs", "metrics", "train_loss", "seconds", "finished")


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def array(data: Any, pickle: bool = False) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.asarray(data), allow_pickle=pickle)
    return content.getvalue()


def test_what_is_written_is_read_back(table_file: Path, tmp_path: Path) -> None:
    table = read_table(table_file)
    write_table(table, tmp_path / "again.npz")
    again = read_table(tmp_path / "again.npz")
    assert again.header == table.header and again.candidates == table.candidates
    for name in ARRAYS:
        assert np.array_equal(getattr(again, name), getattr(table, name))


def with_header(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        content = io.BytesIO(parts["header.npy"])
        header = json.loads(np.load(content).tobytes()) | changes
        parts["header.npy"] = array(np.frombuffer(json.dumps(header).encode(), np.uint8))

    return change


def with_array(name: str, data: Any, pickle: bool = False) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[f"{name}.npy"] = array(data, pickle)

    return change


def with_bytes(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[f"{name}.npy"] = content

    return change


def huge(shape: str) -> bytes:
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "a member is missing": (lambda parts: parts.pop("seconds.npy"), "it must hold"),
    "a member too many": (lambda parts: parts.update({"more.npy": b""}), "it must hold"),
    "a pickle": (with_array("seconds", [{"a": 1}], pickle=True), r"seconds must be a C-ordered array of <f8"),
    "integers for numbers": (with_array("seconds", [1, 2]), "seconds must be a C-ordered array of <f8"),
    "another shape": (with_array("seconds", np.zeros((4, 2, 9))), r"seconds has shape \[4, 2, 9\]"),
    "a shape of petabytes": (with_bytes("seconds", huge("(1000000000000, 1000000)")), "and holds 0 bytes"),
    "a negative shape": (with_bytes("seconds", huge("(-1, -1)")), "and holds 0 bytes"),
    "no array": (with_bytes("seconds", b"not numpy at all"), "seconds is no array"),
    "code for a header": (with_bytes("seconds", huge("__import__('os')")), "seconds is no array"),
    "no JSON": (with_array("header", np.frombuffer(b"{", np.uint8)), "header is not readable as JSON"),
    "deep JSON": (with_array("header", np.frombuffer(b"[" * 100_000, np.uint8)), "header is not readable as JSON"),
    "candidates that are none": (with_array("candidates", np.frombuffer(b"[[1]]", np.uint8)), "candidates: 0"),
    "a newer format": (with_header(format="mixnas-table/2"), "this mixnas reads 'mixnas-table/1'"),
    "an unknown field": (with_header(extra=1), "header: extra"),
    "no epochs": (with_header(epochs=0), "header: epochs"),
    "text for a seed": (with_header(seeds=["0", 1]), r"header: seeds.0"),
    "one seed twice": (with_header(seeds=[1, 1]), "a seed is there twice"),
    "no problem": (with_header(problem="classification"), "problem 'classification' is none"),
    "another space": (with_header(rules_digest="0" * 16), "rules_digest is not that of its space"),
    "infinite compute": (with_header(cpu_seconds=float("inf")), "header: cpu_seconds"),
    "a gap in a training that finished": (
        with_array("train_loss", np.full((4, 2, 3), np.nan)),
        "a training that finished lacks a value",
    ),
    "time that runs backwards": (with_array("seconds", np.full((4, 2, 3), -1.0)), "took less than no time"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_no_table_is_refused_with_its_name_and_the_rule(table_file: Path, case: str) -> None:
    change, message = HOSTILE[case]
    parts = members(table_file)
    change(parts)
    bad = pack(table_file.with_name("bad.npz"), parts)
    with pytest.raises(ConfigError, match=message) as caught:
        read_table(bad)
    assert str(bad) in caught.value.message and caught.value.hint


def test_a_zip_bomb_is_refused_by_what_it_declares(table_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixnas.table.file.LARGEST", 1_000_000)
    bomb = pack(table_file.with_name("bomb.npz"), members(table_file) | {"seconds.npy": bytes(1_000_001)})
    assert bomb.stat().st_size < 10_000
    with pytest.raises(ConfigError, match="bytes unpacked, more than 1,000,000"):
        read_table(bomb)


def test_random_damage_is_refused_or_harmless(table_file: Path) -> None:
    whole = table_file.read_bytes()
    table, rng = read_table(table_file), random.Random(0)
    bad = table_file.with_name("bad.npz")
    for _ in range(150):
        content = bytearray(whole[: rng.randrange(len(whole))] if rng.random() < 0.3 else whole)
        for _ in range(rng.randrange(1, 4)):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
        bad.write_bytes(content)
        try:
            found = read_table(bad)
        except MixnasError as error:
            assert str(bad) in error.message
        else:
            assert same(found, table)  # the byte was one that says nothing, such as a date in the zip


def same(one: Table, other: Table) -> bool:
    return one.header == other.header and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ARRAYS)


def test_a_table_that_contradicts_itself_is_not_written(table_file: Path, tmp_path: Path) -> None:
    table = read_table(table_file)
    twice = replace(table, candidates=(table.candidates[0],) * 4)
    with pytest.raises(ConfigError, match="a candidate is there twice"):
        write_table(twice, tmp_path / "twice.npz")
    assert not (tmp_path / "twice.npz").exists()


def test_tables_are_found_by_name_in_ones_own_folder_first(
    table_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "studies" / "tables"
    own.mkdir(parents=True)
    (own / "splitmixer-digits.npz").write_bytes(table_file.read_bytes())
    assert len(find_table("splitmixer-digits").candidates) == 4
    with pytest.raises(UnknownName, match="unknown table 'splitmixer-digts'") as caught:
        find_table("splitmixer-digts")
    assert "did you mean 'splitmixer-digits'" in caught.value.hint
    with pytest.raises(ConfigError, match=r"no table file 'no\.npz'"):
        find_table("no.npz")


@pytest.mark.parametrize("name", table_names())
def test_the_tables_that_ship_are_whole(name: str) -> None:
    table = find_table(name)
    assert table.header.whole and table.finished.all()
    assert len(table.candidates) >= 150 and len(table.header.seeds) >= 2
    assert table.header.cpu_seconds == pytest.approx(float(table.seconds.sum()))
