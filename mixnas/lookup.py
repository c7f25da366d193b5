"""What the name of a model stands for, wherever one is asked for: profile, train, ablate, baselines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixnas import catalog
from mixnas.errors import StoreError, UnknownName
from mixnas.records import Candidate, Problem

if TYPE_CHECKING:
    from mixnas.store import Store

_TRIAL = re.compile(r"(.+)/(\d+)")


@dataclass(frozen=True)
class FoundModel:
    """A model that was asked for by name: what it is, and the problem it was made for."""

    title: str
    family: str
    axes: Candidate
    problem: Problem


def find_model(name: str, storage: str) -> FoundModel:
    """The model that a name stands for: a published model, `timm:NAME`, a config file, or a trial STUDY/NUMBER.

    Raises:
        UnknownName: it is none of them; lists close names.
        ConfigError: it is a file, and no model config.
        StoreError: it names a trial of a database that cannot be read.
    """
    from mixnas.models import family as model_family
    from mixnas.models import named_models

    published = named_models()
    if name in published:
        family, member = published[name]
        return FoundModel(f"{name} ({member.note})" if member.note else name, family, member.axes, member.problem)
    if name.startswith("timm:"):
        return FoundModel(name, model_family(name).name, {}, Problem.square(224, num_classes=1000))
    if catalog.is_file(name):
        from mixnas.model_config import read_config

        config = read_config(name)
        return FoundModel(name, config.family, dict(config.axes), config.problem)
    match = _TRIAL.fullmatch(name)
    if match and (found := _trial(match[1], int(match[2]), storage)):
        return found
    raise _unknown(name, storage, published)


def _trial(study: str, number: int, storage: str) -> FoundModel | None:
    """The trial, or None where there is no such database or no such study in it."""
    from mixnas.store import Store

    if storage.startswith("sqlite:///") and not Path(storage.removeprefix("sqlite:///")).exists():
        return None
    with Store.open(storage) as store:
        return find_in(store, study, number) if store.has_study(study) else None


def find_in(store: Store, study: str, number: int) -> FoundModel:
    """The model of a trial of an open store.

    Raises:
        UnknownName: there is no such study or trial.
        StoreError: the study does not say what its models are for.
    """
    axes, spec = store.trial(study, number).axes, store.study(study).spec
    try:
        return FoundModel(f"{study}/{number}", str(spec["family"]), axes, Problem.from_key(str(spec["problem"])))
    except (KeyError, ValueError) as error:
        raise StoreError(
            f"study {study!r} does not say what its models are for: {error}",
            hint=f"export it first: mixnas export --study {study} --trial {number} -o model.yaml",
        ) from error


def _unknown(name: str, storage: str, published: Mapping[str, Any]) -> UnknownName:
    error = UnknownName("model", name, published)
    guess = error.hint.partition("known: ")[0]
    error.hint = (
        f"{guess}`mixnas profile --list` names the published models; a config file works, too, and STUDY/NUMBER for "
        f"a trial in {storage}"
    )
    return error
