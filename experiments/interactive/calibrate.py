"""`elbowroom.calibrate`: are posteriors as wide as they claim? Simulation-based calibration from Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.config.writing import model_entry, written
from experiments.interactive._configuration import (
    Methods,
    Table,
    as_seed,
    folder_of,
    method_entries,
    run_text,
)
from experiments.interactive.comparison import Comparison
from hand_cavi import InputError, Mixture
from hand_cavi.inputs import Seed


def calibrate(
    mixture: Mixture | str | Mapping[str, Mixture | str],
    methods: Methods = ("cavi", "gibbs"),
    *,
    rng: Seed = 1,
    replicates: int = 200,
    points: int | None = None,
    features: int | None = None,
    judge: Sequence[str] | None = None,
    folder: Path | str | None = None,
    name: str = "calibration",
    calibration: Table | None = None,
    options: Table | None = None,
    workers: int | None = None,
    progress: bool = True,
    on: str = "local",
) -> Comparison:
    """Simulate data from a model's prior, fit them, and rank the true parameters among the draws.

    Parameters
    ----------
    mixture : Mixture or str, or mapping of str to such
        The model; several go by their names. Its prior must be proper and say what one believes: data are
        drawn from it. A model of one's own is named by where it is, ``"my_module:problem"``, in `folder` or
        the current one (docs/use/calibrate.md); mixtures and own models are calibrated apart.
    methods : str, sequence of str, or mapping of str to mapping
        As of `elbowroom.compare`.
    rng : int or numpy.random.Generator
        The root of all seeds.
    replicates, points, features : int
        How many data sets are simulated, of how many points N each (without, 50), of how many features D;
        without, as many as the prior has. A model of one's own says both itself.
    judge : sequence of str, optional
        The methods that decide the verdict; without, those that claim to be exact, and all if there are none.
    folder, name, workers, progress, on
        As of `elbowroom.compare`.
    calibration, options : mapping, optional
        Further keys of the tables ``[calibration]`` and ``[run]`` of a configuration.

    Returns
    -------
    Comparison
        `plot_ecdf` and `plot_coverage` are its figures.

    Raises
    ------
    InputError
        If model, methods or options cannot be used; one line for each fault.
    """
    alone = mixture.rpartition(":")[2] if isinstance(mixture, str) else "mixture"
    models = mixture if isinstance(mixture, Mapping) else {alone: mixture}
    for one in models.values():
        if not isinstance(one, Mixture | str):
            raise InputError(
                f'mixture is {one!r}; give a Mixture, or "my_module:problem", or several by name: data are '
                "drawn from it"
            )
    asked = {"replicates": replicates, "points": points, "features": features, "judge": judge}
    where = folder_of(folder)
    text = written(
        {"name": name},
        {"calibration": {"seed": as_seed(rng), **asked, **(calibration or {})}, "run": options or {}},
        models=[
            {"name": called, "model": one} if isinstance(one, str) else model_entry(called, one)
            for called, one in models.items()
        ],
        methods=method_entries(methods),
    )
    return Comparison(run_text(text, where, said_by="calibrate", workers=workers, progress=progress, on=on))
