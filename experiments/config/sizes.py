"""What a configuration asks for that no memory can hold: refused in a sentence, before anything is made."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from experiments.config.complaints import Complaints, Place
from experiments.config.options import POINTS
from hand_cavi import InputError
from hand_cavi.inputs import refuse_beyond_memory

if TYPE_CHECKING:
    from experiments.config.reading import Config

_A_CELL = 600
"""Numbers of 8 bytes, about 5 kB, that a cell of a plan takes: its keys, its task and its names."""


def check_sizes(config: "Config", complaints: Complaints) -> None:
    """Complain of cells and of draws that are too many; points are looked at where they are made."""
    for n_numbers, what, place in _asked(config):
        try:
            refuse_beyond_memory(n_numbers, what)
        except InputError as error:
            complaints.add(place, str(error))


def _asked(config: "Config") -> Iterator[tuple[int, str, Place]]:
    """Yield how many numbers are held at the same time, what they are, and where they are asked for."""
    n_components = max((model.mixture.n_components for model in config.models), default=1)
    n_models = max(len(config.models), len(config.own_models))
    if config.kind == "calibration":
        asked = config.calibration
        n_cells = n_models * len(config.methods) * (1 + asked.replicates // asked.batch)
        yield n_cells * _A_CELL, f"{n_cells} batches", ("calibration", "batch")
        yield asked.replicates, f"the ranks of {asked.replicates} replicates", ("calibration", "replicates")
        points = asked.points or POINTS
        held = points * n_components
        yield held, f"{points} points in {n_components} components", ("calibration", "points")
        held = asked.draws * n_components
        yield held, f"{asked.draws} draws of {n_components} components", ("calibration", "draws")
    else:
        n_cells = config.run.repeats * max(len(config.datasets), 1) * n_models * len(config.methods)
        yield n_cells * _A_CELL, f"{n_cells} cells", ("run", "repeats")
        held = config.reference.draws * n_components
        yield held, f"{config.reference.draws} draws of {n_components} components", ("reference", "draws")
    for i, method in enumerate(config.methods):
        for option in ("draws", "particles"):
            n_draws = getattr(method.settings, option, 0)
            if isinstance(n_draws, int):
                held = n_draws * n_components
                yield held, f"{n_draws} draws of {n_components} components", ("methods", i, option)
