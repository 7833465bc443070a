"""From arguments to the configuration that a file would hold, and from that to a study that has been run."""

import re
import shutil
import tempfile
import warnings
from atexit import register
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.reading import parse_config
from experiments.engine.runner import run
from experiments.engine.store.files import clear_errors, write_whole
from experiments.engine.workers.executors import prepare
from experiments.records.study import StudyRecord
from experiments.studies import plan_of
from hand_cavi import InputError
from hand_cavi.ascent.cautions import CautionWarning
from hand_cavi.inputs import Seed

FILE = "study.toml"
"""The configuration, in the folder of its study: `elbowroom run` runs it."""

Methods = str | Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Methods by name, each with its options if there are any; ``my_module:my_thing`` is one of a user's own."""

Table = Mapping[str, Any]


def folder_of(folder: Path | str | None) -> Path:
    """Return the folder that is asked for, or a new one that is removed when Python ends."""
    if folder is not None:
        return Path(folder).absolute()
    made = Path(tempfile.mkdtemp(prefix="elbowroom-"))
    register(shutil.rmtree, made, ignore_errors=True)
    return made


def run_text(
    text: str, folder: Path, *, said_by: str, workers: int | None, progress: bool, on: str
) -> StudyRecord:
    """Keep a configuration in a folder, and run it there, as `elbowroom run` would.

    Raises InputError if the configuration cannot be used, in sentences that begin with `said_by`.
    """
    prepare(on)
    try:
        plan = plan_of(parse_config(text, source=said_by, folder=folder))
    except InputError as error:  # a line of a text that nobody wrote helps nobody
        raise InputError(re.sub(rf"(?m)^({re.escape(said_by)}), line \d+: ", r"\1: ", str(error))) from None
    for warning in plan.warnings:
        warnings.warn(warning, CautionWarning, stacklevel=3)
    with clear_errors("write to", folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / FILE, text.encode())
    return run(plan, folder=folder, workers=workers, progress=progress, on=on)


def method_entries(methods: Methods) -> list[dict[str, Any]]:
    """Return the entries of methods; one of a user's own goes by what stands behind the colon."""
    named = methods if isinstance(methods, Mapping) else {}
    entries = []
    for name in [methods] if isinstance(methods, str) else methods:
        own = {"name": name.rpartition(":")[2], "kind": name} if ":" in name else {"name": name}
        entries.append({**own, **named.get(name, {})})
    return entries


def as_seed(rng: Seed) -> int:
    """Return the seed of a study: the number itself, or one that a generator draws."""
    return int(rng.integers(2**31)) if isinstance(rng, np.random.Generator) else rng
