"""A configuration for a file of one's own: the model that `elbowroom fit` would choose, written down."""

import os
import re
from pathlib import Path

from experiments.commands._data import open_data
from experiments.config.writing import model_entry, written
from experiments.families import AUTO
from experiments.studies.chosen_model import Model

_METHODS = ("cavi", "cavi_lr", "advi", "nuts")
_ABOUT = """# Written by elbowroom init --data. The prior is scaled to the data, as `elbowroom fit` does it;
# change it to what you knew before. All keys: the annotated study that elbowroom init writes.
# cavi_lr is CAVI with the widths of linear response; advi and nuts are PyMC's, compiled the first time.

"""


def configuration_for(data: Path, components: int, columns: tuple[str, ...], folder: Path) -> tuple[str, str]:
    """Return a study of a file, as TOML for a file in that folder, and what of its model was chosen here.

    Raises InputError if the file, or a column of it, cannot be used.
    """
    opened = open_data(data, columns, AUTO)
    mixture, about = Model(components).of(opened.summary)
    name = re.sub(r"[^\w.+-]+", "-", data.resolve().stem).strip("-._+") or "data"
    entry = {
        "name": name,
        "source": "file",
        "path": os.path.relpath(data.absolute(), folder),
        "columns": list(opened.shown.features),
    }
    models = [model_entry(f"{components}-components", mixture)]
    methods = [{"name": name} for name in _METHODS]
    text = written({"name": name}, {}, datasets=[entry], models=models, methods=methods)
    return _ABOUT + text, about
