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
    mixture: Mixture | Mapping[str, Mixture],
    methods: Methods = ("cavi", "gibbs"),
    *,
    rng: Seed = 1,
    replicates: int = 200,
    points: int = 50,
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
    """Simulate data from a mixture's prior, fit them, and rank the true parameters among the draws.

    Parameters
    ----------
    mixture : Mixture, or mapping of str to Mixture
        The model; several go by their names. Its prior must be proper and say what one believes: data are
        drawn from it.
    methods : str, sequence of str, or mapping of str to mapping
        As of `elbowroom.compare`.
    rng : int or numpy.random.Generator
        The root of all seeds.
    replicates, points, features : int
        How many data sets are simulated, of how many points N each, of how many features D; without, as
        many as the prior has.
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
    mixtures = mixture if isinstance(mixture, Mapping) else {"mixture": mixture}
    for one in mixtures.values():
        if not isinstance(one, Mixture):
            raise InputError(
                f"mixture is {one!r}; give a Mixture, or several by name: data are drawn from it"
            )
    asked = {"replicates": replicates, "points": points, "features": features, "judge": judge}
    where = folder_of(folder)
    text = written(
        {"name": name},
        {"calibration": {"seed": as_seed(rng), **asked, **(calibration or {})}, "run": options or {}},
        models=[model_entry(called, one) for called, one in mixtures.items()],
        methods=method_entries(methods),
    )
    return Comparison(run_text(text, where, said_by="calibrate", workers=workers, progress=progress, on=on))
