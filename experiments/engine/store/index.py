"""Which file of draws is whose: a table for people, beside the files, whose names are content keys."""

import csv
from io import StringIO

from experiments.engine.store.files import clear_errors, write_whole
from experiments.engine.store.folder import Store

COLUMNS = ("file", "dataset", "model", "method", "repeat", "drawn_by", "data")
"""Of ``draws/index.csv``; `drawn_by` is ``method`` or ``reference``."""


def write_index(store: Store) -> None:
    """Write ``draws/index.csv``: a row for each file of the study as it was last run, if it is not so yet.

    Raises InputError if the folder cannot be written to.
    """
    manifest, there = store.manifest(), store.files()
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in manifest.problems if manifest else ():
        data = store.data_path(entry.key)
        place = f"data/{data.name}" if data in there else ""
        for cell in entry.cells:
            if (path := store.draws_path(cell.key)) in there:
                its = (cell.dataset, cell.model, cell.method, cell.repeat, "method", place)
                writer.writerow((path.name, *its))
        if (path := store.reference_path(entry.key)) in there:
            by = store.reference_method(entry.key)
            its = (entry.dataset, entry.model, by, entry.repeat, "reference", place)
            writer.writerow((path.name, *its))
    index, content = store.folder / "draws" / "index.csv", text.getvalue().encode()
    with clear_errors("write to", store.folder):
        if not index.is_file() or index.read_bytes() != content:
            write_whole(index, content)
