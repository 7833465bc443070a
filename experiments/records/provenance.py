"""How numbers were made: when, of what, by which code, on what. Nothing is decided by it.

It stands apart from the other records because these are part of the content key of every judgement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from experiments.records.result import Told


@dataclass(frozen=True)
class CellProvenance:
    """How one cell was made.

    Attributes
    ----------
    started, ended : str
        In UTC, as ISO 8601 has it.
    content : dict
        What the cell's content key is the hash of, JSON values only: the model, the hash of the data, the
        method's settings, seeds (that of the starts, that of the method), hashes of the code, versions of
        libraries.
    machine : dict of str to str
        Processor, cores, memory and system of the machine that computed it.
    threads : int or None
        That each numeric library may use.
    cache : str
        What compiling found: ``reused``, ``warm`` or ``cold``; empty where nothing was compiled.
    peak_bytes : int or None
        The most memory that its worker held; None where that is unknown.
    attempts : int
        How often it was begun.
    """

    started: str
    ended: str
    content: Mapping[str, object] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    threads: int | None = None
    cache: str = ""
    peak_bytes: int | None = None
    attempts: int = 1


@dataclass(frozen=True)
class StudyProvenance:
    """What is true of the whole of a run.

    Attributes
    ----------
    started : str
        In UTC, as ISO 8601 has it.
    config : dict
        The configuration as resolved, all defaults filled in.
    version, commit : str
        Of elbowroom; the commit of git with ``+changes`` where files differ from it, empty where it is
        unknown.
    process, workers : int
        The number of the driver's process; how many tasks run at a time.
    """

    started: str
    config: Mapping[str, object]
    version: str
    commit: str
    process: int
    workers: int


def cache_state(told: Told) -> str:
    """Return what compiling found: ``reused``, ``warm`` or ``cold``; empty if unknown, or there was none."""
    if told.reused:
        return "reused"
    return "" if told.cache_warm is None else "warm" if told.cache_warm else "cold"
