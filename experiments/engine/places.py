"""What a person calls a cell or a problem, and finding a cell by that."""

from collections.abc import Iterable

from experiments.config.plugins import did_you_mean
from experiments.records.study import Cell, ProblemEntry
from hand_cavi import InputError

_SHORTEST = 6  # characters of a key that can stand for it


def place_of(cell: Cell | ProblemEntry) -> str:
    """Return ``dataset/model/method``, of a problem without the method; ``/repeat`` from the second on."""
    method = (cell.method,) if isinstance(cell, Cell) else ()
    repeat = (str(cell.repeat),) if cell.repeat > 1 else ()
    return "/".join((cell.dataset, cell.model, *method, *repeat))


def find_cell(cells: Iterable[Cell], name: str) -> Cell:
    """Return the cell of this place, see `place_of`, or of the key that begins so.

    Raises InputError if there is none, or more than one.
    """
    places = {place_of(cell): cell for cell in cells}
    if cell := places.get(name.removesuffix("/1")):
        return cell
    begin = [cell for cell in places.values() if len(name) >= _SHORTEST and cell.key.startswith(name)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        raise InputError(f'the keys of {len(begin)} cells begin with "{name}"; give more of it')
    hint = did_you_mean(name, places)
    raise InputError(f'there is no cell "{name}" in this study ("elbowroom status --cells" has all){hint}')
