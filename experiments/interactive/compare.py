"""`elbowroom.compare`: several methods on one data set, judged against a reference, from Python."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.writing import model_entry, written
from experiments.interactive._configuration import (
    Methods,
    Table,
    as_seed,
    folder_of,
    method_entries,
    run_text,
)
from experiments.interactive._given_data import data_entry, loaded
from experiments.interactive.comparison import Comparison
from experiments.studies.chosen_model import Model
from hand_cavi import InputError, Mixture
from hand_cavi.ascent.cautions import CautionWarning
from hand_cavi.inputs import Seed

Mixtures = Mixture | int | Mapping[str, Mixture | int]


def compare(
    x: Any,
    mixture: Mixtures,
    methods: Methods = ("cavi", "advi", "nuts"),
    *,
    rng: Seed = 1,
    folder: Path | str | None = None,
    name: str = "comparison",
    columns: str | Sequence[str] | None = None,
    unit: str | None = None,
    sample_weight: Any = None,
    missing: str = "refuse",
    categories: bool = False,
    reference: Table | str | Sequence[str] | None = None,
    verdict: Table | None = None,
    options: Table | None = None,
    workers: int | None = None,
    progress: bool = True,
    on: str = "local",
) -> Comparison:
    """Fit a mixture by several methods, and judge what they found against a reference.

    It is a study like any other, run by worker processes: the folder holds its data and its configuration,
    ``study.toml``, by which ``elbowroom run`` gives the same numbers. Called again with the same folder, it
    computes only what is new.

    Parameters
    ----------
    x : array_like, DataFrame, Series, or path
        Points, shape (N,) or (N, D); a frame or series of pandas or polars; or a CSV, Parquet or NPY file.
    mixture : Mixture, int, or mapping of str to these
        The model; a number stands for a Normal-Gamma mixture (of several columns Normal-Wishart) of so many
        components with Dirichlet weights, its prior scaled to the data. Several models go by their names.
    methods : str, sequence of str, or mapping of str to mapping
        Names of methods, see ``elbowroom list``; a mapping gives their options too.
    rng : int or numpy.random.Generator
        The root of all seeds.
    folder : path, optional
        The study's own folder; without, a temporary one that is removed when Python ends.
    name : str
        What study and data set are called.
    columns : str or sequence of str, optional
        Which columns of a frame or file are used; the names of an array's columns.
    unit : str, optional
        What one unit of x is, for the report.
    sample_weight : array_like, shape (N,), or str, optional
        How many points each row stands for; a name is that of a column.
    missing : str
        ``drop`` leaves out rows with a missing value; ``refuse`` makes them an error.
    categories : bool
        Whether columns hold categories, text or numbers, to become codes.
    reference, verdict, options : mapping, optional
        The tables ``[reference]``, ``[verdict]`` and ``[run]`` of a configuration; a name as reference, or
        several, are the methods of it.
    workers : int, optional
        Processes at a time; without, one for each core.
    progress : bool
        Whether standard error tells what runs, a line for each start and each end.
    on : str
        What runs it: ``local`` (processes), ``serial`` (this process), ``dask``, or a scheduler's address.

    Returns
    -------
    Comparison
        With verdict, tables, figures and draws; notebooks show the first two.

    Raises
    ------
    InputError
        If data, model, methods or options cannot be used; one line for each fault.
    """
    where = folder_of(folder)
    reading = {"unit": unit, "missing": missing, "categories": categories or None}
    data = data_entry(x, where, columns=columns, sample_weight=sample_weight, **reading)
    mixtures = mixture if isinstance(mixture, Mapping) else {"mixture": mixture}
    models = [model_entry(called, _mixture(one, data, where)) for called, one in mixtures.items()]
    if reference is not None and not isinstance(reference, Mapping):
        reference = {"method": reference}
    text = written(
        {"name": name, "seed": as_seed(rng)},
        {"run": options or {}, "reference": reference or {}, "verdict": verdict or {}},
        datasets=[{"name": name, **data}],
        models=models,
        methods=method_entries(methods),
    )
    record = run_text(text, where, said_by="compare", workers=workers, progress=progress, on=on)
    return Comparison(record)


def _mixture(mixture: Mixture | int, data: dict[str, Any], folder: Path) -> Mixture:
    """Return the mixture, for a number of components the one that `elbowroom fit` would choose."""
    if isinstance(mixture, Mixture):
        return mixture
    if not isinstance(mixture, int | np.integer) or isinstance(mixture, bool) or mixture < 1:
        raise InputError(
            f"mixture is {mixture!r}; give a Mixture, a number of components, or several of these by name"
        )
    model, points = Model(int(mixture)), loaded(data, folder, "compare")
    for warning in model.remarks(points, len(points.x)):
        warnings.warn(warning, CautionWarning, stacklevel=4)
    return model.of(points)[0]
