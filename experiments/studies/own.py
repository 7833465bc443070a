"""A study of a user's own models laid out: every model under every method, each with its seeds and keys."""

from dataclasses import dataclass
from typing import Any

from experiments.studies.own_config import CustomConfig, CustomMethod, CustomModel
from experiments.methods.own.fitting import Assignment
from experiments.methods.own.problem import file_of
from experiments.records import Cell
from experiments.engine import fingerprint
from experiments.engine import seeds


@dataclass(frozen=True)
class CustomCell:
    """One method on one problem.

    Attributes
    ----------
    cell : Cell
    assignment : Assignment
    judged : bool
        Whether the study's verdict is about this method.
    """

    cell: Cell
    assignment: Assignment
    judged: bool


@dataclass(frozen=True)
class CustomStudyProblem:
    """One model of the study, one repeat of it.

    Attributes
    ----------
    model : CustomModel
    repeat : int
        Counted from 1; repeats differ in their seeds.
    key : str
        Content key of all that judging depends on besides the cells.
    cells : tuple of CustomCell
    """

    model: CustomModel
    repeat: int
    key: str
    cells: tuple[CustomCell, ...]

    @property
    def dataset(self) -> str:
        """What stands in the column of data sets: the module, which holds the data."""
        return self.model.where.partition(":")[0]


def lay_out(config: CustomConfig) -> tuple[CustomStudyProblem, ...]:
    """Return the study's problems, repeat by repeat, in the order of the configuration."""
    return tuple(
        _problem(config, model, repeat)
        for repeat in range(1, config.run.repeats + 1)
        for model in config.models
    )


def _problem(config: CustomConfig, model: CustomModel, repeat: int) -> CustomStudyProblem:
    content: dict[str, Any] = {
        "model": model.where,
        "file": fingerprint.code_of(file_of(model.where, config.folder)),
        "data": fingerprint.data_hash(*model.problem.data),
        "code": fingerprint.code("experiments.methods.own.fitting"),
        "versions": fingerprint.versions(),
    }
    judging = {
        "repeat": repeat,
        "name": model.name,
        "judging": fingerprint.code("experiments.studies.judging"),
        "verdict": config.verdict.model_dump(mode="json"),
    }
    cells = tuple(_cell(config, model, method, repeat, content) for method in config.methods)
    return CustomStudyProblem(model, repeat, fingerprint.content_key(content | judging), cells)


def _cell(
    config: CustomConfig, model: CustomModel, method: CustomMethod, repeat: int, content: dict[str, Any]
) -> CustomCell:
    judged = config.verdict.methods
    of_method = seeds.integer(config.seed, "method", model.name, method.name, repeat)
    starts = seeds.integer(config.seed, "starts", model.name, repeat)
    key = fingerprint.content_key(
        content
        | {
            "kind": method.kind,
            "settings": method.settings.model_dump(mode="json"),
            "seeds": [starts, of_method],
        }
    )
    place = Cell(model.where.partition(":")[0], model.name, method.name, repeat, key)
    work = Assignment(model.where, config.folder, method.kind, method.settings, starts, of_method)
    return CustomCell(place, work, method.kind == "cavi" if judged is None else method.name in judged)
