"""What there is to run, whatever it computes: cells, in problems that are judged when their cells end.

A plan is all that the runner knows of a study. Tasks name functions that run in a worker: that of a cell
returns a `MethodResult` or `NotFinite`, that of a judge a `Judgement`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from experiments.engine.workers.interface import Task
from experiments.records.measured import Verdict
from experiments.records.problem import Problem
from experiments.records.study import Cell, CellRecord, ProblemEntry


@dataclass(frozen=True)
class PlannedCell:
    """One cell, how to run it (by a task of its key), and whether the study's verdict is about it.

    Its `content` is what its key is the hash of, as JSON.
    """

    cell: Cell
    task: Task
    judged: bool
    content: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedProblem:
    """The cells that are judged together, and data to be kept for reports, if there are any.

    The key of `entry` stands for all that judging depends on besides the cells. `judge` takes the records of
    all cells, in their order, and returns the task of judging them.
    """

    entry: ProblemEntry
    cells: tuple[PlannedCell, ...]
    content: Problem | None
    judge: Callable[[tuple[CellRecord, ...]], Task]


@dataclass(frozen=True)
class Plan:
    """A study; `kind` and `config` are those of its `StudyRecord`, and two kinds never share a folder.

    `conclude` takes the records of all cells, in their order, and returns the study's verdict; its folder
    lies in `output`. `workers` are tasks at a time, None for all cores; `warnings` are for stderr; `resolved`
    is the configuration with all defaults filled in, as JSON.
    """

    kind: str
    name: str
    config: str
    seed: int
    problems: tuple[PlannedProblem, ...]
    conclude: Callable[[Sequence[CellRecord]], Verdict]
    output: str = "studies"
    workers: int | None = None
    warnings: tuple[str, ...] = ()
    resolved: Mapping[str, object] = field(default_factory=dict)

    @property
    def cells(self) -> list[PlannedCell]:
        """All cells, problem by problem."""
        return [cell for problem in self.problems for cell in problem.cells]

    @property
    def versions(self) -> dict[str, str]:
        """Those of the libraries that make the numbers of its cells."""
        said = (cell.content.get("versions") for cell in self.cells)
        return {str(name): str(at) for one in said if isinstance(one, Mapping) for name, at in one.items()}

    @property
    def judged(self) -> set[str]:
        """The keys of the cells that the verdict is about."""
        return {planned.cell.key for planned in self.cells if planned.judged}
