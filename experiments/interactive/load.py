"""`elbowroom.load`: a study that was run before, as the object that `compare` returns."""

from pathlib import Path

from experiments.engine import runner
from experiments.engine.study_folder import study_folder
from experiments.interactive.comparison import Comparison


def load(study: Path | str) -> Comparison:
    """Return a stored study of any kind, from its folder, or its name in the folder ``studies``.

    Raises InputError if there is none.
    """
    return Comparison(runner.load(study_folder(Path(study))))
