"""What a study's folder holds that the study does not need: found first, removed when that is wanted."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.engine.store.files import clear_errors, parts_in
from experiments.engine.store.folder import Store
from experiments.engine.store.index import write_index


@dataclass(frozen=True)
class Waste:
    """Files, or folders with all in them, that can go; and what they are, in words."""

    what: str
    paths: tuple[Path, ...]

    @property
    def files(self) -> list[Path]:
        """All files, also those in folders."""
        inside = (file for path in self.paths for file in (path.rglob("*") if path.is_dir() else [path]))
        return [file for file in inside if file.is_file()]

    @property
    def megabytes(self) -> float:
        """How much room they take."""
        return sum(file.stat().st_size for file in self.files) / 1e6


def waste_in(folder: Path) -> list[Waste]:
    """Return what can go: nothing that the study as it was last run needs, or could go on from.

    Raises InputError if the study cannot be read.
    """
    with Store.open(folder, writable=False) as store:
        needed = _needed(store)
    kinds = {
        "draws of cells that are no longer in the study": sorted(
            set((folder / "draws").glob("*.nc")) - needed
        ),
        "data that are no longer in the study": sorted(set((folder / "data").glob("*.nc")) - needed),
        "files that a killed run began": [*parts_in(folder / "draws"), *parts_in(folder / "data")],
        "databases of older versions": sorted(folder.glob("study-format-*.sqlite")),
    }
    return [Waste(what, tuple(paths)) for what, paths in kinds.items() if paths]


def remove_waste(folder: Path, waste: Sequence[Waste]) -> None:
    """Remove that, and the rows that speak of it.

    Raises InputError if a run holds the folder, or it cannot be written to.
    """
    with Store.open(folder) as store:
        needed = _needed(store)  # it may have been run since
        store.forget_what_is_not_in_the_manifest()
        remove(folder, [Waste(one.what, tuple(set(one.paths) - needed)) for one in waste])
        write_index(store)


def remove(folder: Path, waste: Sequence[Waste]) -> None:
    """Remove files, and folders with all in them.

    Raises InputError if that is refused.
    """
    with clear_errors("write to", folder):
        for path in (path for one in waste for path in one.paths):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _needed(store: Store) -> set[Path]:
    """Return the array files of what is in the table of contents; without one, all that are known."""
    manifest = store.manifest()
    if manifest is None:
        return set(store.files())
    keys = {cell.key for entry in manifest.problems for cell in entry.cells}
    return (
        {store.draws_path(key) for key in keys}
        | {store.reference_path(entry.key) for entry in manifest.problems}
        | {store.data_path(entry.key) for entry in manifest.problems}
    )
