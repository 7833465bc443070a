"""The table of how the numbers of a study were made: when, from which seeds, by which code, with what."""

from dataclasses import dataclass
from pathlib import Path

from experiments.engine.places import place_of
from experiments.engine.store.folder import Store
from experiments.records import Cell
from experiments.records.provenance import CellProvenance, StudyProvenance
from experiments.report.style.numbers import Shown, missing, rough, thousands
from experiments.report.tables.table import Column, Row, Table

_MOST_CELLS = 60  # more would make the page long, which nobody reads to the end
_HASH = 10  # of its 64 digits, enough to tell two apart

_COLUMNS = (
    Column("began", "UTC", numeric=False),
    Column("ended", "UTC", numeric=False),
    Column("seeds", "of the starts, of the method", numeric=False),
    Column("data", "hash", numeric=False),
    Column("code", "hash", numeric=False),
    Column("threads"),
    Column("attempts"),
    Column("cache", numeric=False),
    Column("peak memory", "MB"),
)


@dataclass(frozen=True)
class HowMade:
    """A sentence on the run, and the table; None where there are too many cells, which the sentence says."""

    about: str
    table: Table | None


def how_made(folder: Path) -> HowMade | None:
    """Return what the store in a folder knows of it; None if there is none there."""
    if not (folder / "study.sqlite").is_file():
        return None
    with Store.open(folder, writable=False) as store:
        manifest, run, made = store.manifest(), store.run(), store.provenances()
    if manifest is None or not made:
        return None
    cells = [cell for entry in manifest.problems for cell in entry.cells if cell.key in made]
    if len(cells) > _MOST_CELLS:
        return HowMade(f"{_about(run)} elbowroom status --cells shows each of the {len(cells)} cells.", None)
    rows = tuple(_row(cell, made[cell.key]) for cell in cells)
    return HowMade(_about(run), Table("How each cell was made", _COLUMNS, rows, first="Cell"))


def code_of(folder: Path) -> dict[str, str]:
    """Return the version and commit of a study's last run, and the hash of each method's code, by name.

    Nothing where there is no store; several hashes where a method's results are of several.
    """
    if not (folder / "study.sqlite").is_file():
        return {}
    with Store.open(folder, writable=False) as store:
        manifest, run, made = store.manifest(), store.run(), store.provenances()
    found = {} if run is None else {"elbowroom": f"{run.version} {run.commit}".strip()}
    hashes: dict[str, dict[str, None]] = {}
    for entry in manifest.problems if manifest is not None else ():
        for cell in entry.cells:
            if cell.key in made and (code := _hash(made[cell.key].content.get("code"))):
                hashes.setdefault(f"code of {cell.method}", {})[code] = None
    return found | {name: ", ".join(codes) for name, codes in hashes.items()}


def _about(run: StudyProvenance | None) -> str:
    if run is None:
        return ""
    commit = f", commit {run.commit}" if run.commit else ""
    tasks = "task" if run.workers == 1 else "tasks"
    when = f"{_clock(run.started)} UTC, {run.workers} {tasks} at a time"
    return f"Last run by elbowroom {run.version}{commit}, begun {when}."


def _row(cell: Cell, made: CellProvenance) -> Row:
    seeds = made.content.get("seeds", made.content.get("seed", ()))
    peak = None if made.peak_bytes is None else made.peak_bytes / 2**20
    entries = (
        _words(_clock(made.started)),
        _words(_clock(made.ended)),
        _words(", ".join(map(str, seeds)) if isinstance(seeds, list | tuple) else str(seeds)),
        _words(_hash(made.content.get("data"))),
        _words(_hash(made.content.get("code"))),
        missing() if made.threads is None else Shown(str(made.threads)),
        Shown(thousands(str(made.attempts))),
        _words(made.cache),
        rough(peak),
    )
    return Row(place_of(cell), entries, method=cell.method)


def _words(text: str) -> Shown:
    return Shown(text, numeric=False) if text else missing()


def _hash(value: object) -> str:
    """Return the beginning of a hash; of several, the last, which is the method's own."""
    several = value if isinstance(value, list | tuple) else [value]
    return str(several[-1] or "")[:_HASH] if several else ""


def _clock(moment: str) -> str:
    return f"{moment[:10]} {moment[11:19]}"
