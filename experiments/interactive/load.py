"""`elbowroom.load`: a study that was run before, as the object that `compare` returns."""

from pathlib import Path

from experiments.config.reading import load_config
from experiments.engine import runner
from experiments.engine.study_folder import study_folder
from experiments.interactive.comparison import Comparison


def load(study: Path | str, *, config: Path | str | None = None) -> Comparison:
    """Return a stored study of any kind, from its folder, or its name in the folder ``studies``.

    Parameters
    ----------
    config : path, optional
        The study's configuration, if it names families or priors of weights of your own: a folder alone
        runs no code.

    Raises
    ------
    InputError
        If there is no such study, or it names code that has not been loaded.
    """
    folder = study_folder(Path(study))
    if config is not None:
        load_config(Path(config))
    return Comparison(runner.load(folder))
