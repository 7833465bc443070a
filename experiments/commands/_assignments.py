"""Which row is in which component: a table made in pieces, so that those of large data are never held."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from experiments.commands._fitting import FileFit
from experiments.engine.store.files import whole
from hand_cavi import InputError

ENDINGS = (".csv", ".parquet", ".pq")


def pieces(result: FileFit) -> Iterator[dict[str, np.ndarray]]:
    """Yield columns: the row in the file, its likeliest component, and the probability of each component.

    Rows are counted from 0 below the first line of a text; dropped rows are not there. Components have the
    numbers that they are shown with, 1 to K.
    """
    for row, x in result.data.numbered():
        r = result.fit.responsibilities(x)[:, result.order]
        probabilities = {f"probability_{k}": column for k, column in enumerate(r.T, 1)}
        yield {"row": row, "component": r.argmax(axis=1) + 1, **probabilities}


def table(result: FileFit) -> dict[str, np.ndarray]:
    """Return all pieces as one."""
    parts = list(pieces(result))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def write_assignments(result: FileFit, path: Path) -> None:
    """Write the table as CSV or Parquet, by the file's ending: in full, or not at all and InputError."""
    import pyarrow as pa
    from pyarrow.csv import CSVWriter
    from pyarrow.parquet import ParquetWriter

    tables = (pa.table(piece) for piece in pieces(result))
    first = next(tables)
    try:
        with whole(path) as part:
            with (CSVWriter if path.suffix.lower() == ".csv" else ParquetWriter)(
                part, first.schema
            ) as writer:
                for table in chain([first], tables):
                    writer.write_table(table)
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror or error}') from None
