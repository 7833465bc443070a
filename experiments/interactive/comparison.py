"""A study as an object: its verdict, tables, figures, draws and report, whole or a part of it by name."""

import base64
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.config.plugins import did_you_mean
from experiments.engine.store.files import clear_errors
from experiments.interactive._figures import Figures
from experiments.interactive._tables import calibration_table, methods_table, problems_table
from experiments.records.measured import Verdict
from experiments.records.study import CellRecord, ProblemRecord, StudyRecord
from experiments.report.cautions import cautions
from experiments.report.figures.picture import WIDE, figure_style
from experiments.report.outcomes import outcomes_of, title_of
from experiments.report.style.numbers import typeset
from experiments.report.style.svg import png
from experiments.report.tidy import COLUMNS, rows_of
from experiments.studies.cell_tree import tree_of_cell
from experiments.studies.grid import conclude
from hand_cavi import InputError
from hand_cavi.result.html import listing, page

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class Comparison(Figures):
    """A study, whole or in part, as it is stored in `folder`.

    ``study["five-clusters"]`` is the part of one data set, ``study["advi"]`` that of a method, and so for a
    model; several names narrow it down. Figures and draws are those of one problem. Notebooks show verdict,
    table, cautions and the ladder of evidence.
    """

    def __init__(self, record: StudyRecord, whole: StudyRecord | None = None) -> None:
        self._record = record
        self._whole = whole or record

    # ---- parts ------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where the study is stored."""
        return self._whole.folder

    @property
    def name(self) -> str:
        """What the study is called."""
        return self._whole.name

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets."""
        return tuple(dict.fromkeys(problem.dataset for problem in self._record.problems))

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(dict.fromkeys(problem.model for problem in self._record.problems))

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods."""
        return tuple(dict.fromkeys(cell.cell.method for cell in self._cells))

    @property
    def problems(self) -> "tuple[Comparison, ...]":
        """The parts of one problem each: one data set, one model, one repeat."""
        return tuple(self._with([problem]) for problem in self._record.problems)

    def __getitem__(self, names: str | tuple[str, ...]) -> "Comparison":
        """Return the part of a data set, a model or a method, by name; or of several of these at once.

        Raises InputError if there is no such name; one that is two things is the first of the three.
        """
        part = self
        for name in (names,) if isinstance(names, str) else names:
            if name in part.datasets:
                part = part.select(dataset=name)
            elif name in part.models:
                part = part.select(model=name)
            elif name in part.methods:
                part = part.select(method=name)
            else:
                there = [*part.datasets, *part.models, *part.methods]
                raise InputError(
                    f'there is no data set, model or method "{name}" in {part.name}'
                    f"{did_you_mean(str(name), there)}; there are {', '.join(dict.fromkeys(there))}"
                )
        return part

    def select(
        self,
        *,
        dataset: str | None = None,
        model: str | None = None,
        method: str | None = None,
        repeat: int | None = None,
    ) -> "Comparison":
        """Return the part of a data set, a model, a method, or a repeat of the data, counted from 1.

        Raises InputError if nothing is left.
        """
        found = []
        for problem in self._record.problems:
            asked = ((dataset, problem.dataset), (model, problem.model), (repeat, problem.repeat))
            if all(wanted in (None, there) for wanted, there in asked):
                found.append(problem if method is None else _with_method(problem, method))
        found = [problem for problem in found if problem.cells]
        if not found:
            asked_for = ", ".join(str(one) for one in (dataset, model, method, repeat) if one is not None)
            raise InputError(f"{self.name} has no {asked_for}; see its datasets, models and methods")
        return self._with(found)

    # ---- what came out ------------------------------------------------------------------------

    @property
    def verdict(self) -> Verdict:
        """The verdict: of the study, or on the part that was chosen."""
        if self._record is self._whole:
            return self._whole.verdict
        if self._record.kind == "calibration":
            return _of_outcomes(self._record)
        judged = {cell.cell.key: cell.cell.method for cell in self._judged}
        if len(judged) == 1 and self._judged[0].verdict is not None:
            return self._judged[0].verdict
        return conclude(judged, self._cells)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What belongs beside the figures: components without points, components that overlap."""
        return tuple(dict.fromkeys(one for problem in self._record.problems for one in cautions(problem)))

    def table(self) -> "pd.DataFrame":
        """Return all figures as a tidy table: a row for each cell, metric and quantity, as ``export``."""
        import pandas as pd

        problems = self._record.problems
        rows = [vars(row) for one in problems for row in rows_of(one, one.cells, one.details)]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def to_datatree(self, method: str | None = None, *, raw: bool = False, seed: int = 0) -> "xr.DataTree":
        """Return a method's draws as ArviZ wants them, see docs/arviz.md.

        Parameters
        ----------
        raw : bool
            Leave components as they are numbered in each draw; else they are named as the reference's.
        seed : int
            Of what is drawn here, such as the posterior predictive.

        Raises
        ------
        InputError
            If there are several problems or methods to choose from, or no draws.
        """
        part = self if method is None else self.select(method=method)
        problem, cells = part._only, part._only.cells
        if len(cells) != 1:
            raise InputError(f"say of which method: there are {', '.join(part.methods)}")
        return tree_of_cell(problem, cells[0], versions=self._whole.versions, raw=raw, seed=seed)

    def to_datatrees(self, *, raw: bool = False, seed: int = 0) -> "dict[str, xr.DataTree]":
        """Return the draws of every method that has any, by its name, as ArviZ compares them."""
        there = [cell.cell.method for cell in self._only.cells if cell.draws is not None]
        return {method: self.to_datatree(method, raw=raw, seed=seed) for method in there}

    def report(self, path: Path | str | None = None) -> Path:
        """Write the study's report, and return where its page lies; with a path, put a copy of it there.

        Raises InputError if it cannot be written.
        """
        from experiments.report import write_report

        written = write_report(self._whole, self.folder).html
        if path is None:
            return written
        with clear_errors("write to", Path(path).parent):
            return Path(shutil.copyfile(written, path))

    # ---- how it shows itself --------------------------------------------------------------------

    def __repr__(self) -> str:
        number = len(self._record.problems)
        problems = f"{number} problems; " if number != 1 else ""
        return f"<Comparison {self.name} ({problems}{', '.join(self.methods)}): {self.verdict.decision}>"

    def _repr_html_(self) -> str:
        verdict, parts = self.verdict, list(self._shown())
        said = [verdict.on_the_data] if verdict.on_the_data else []
        return page(typeset(verdict.sentence), listing(map(typeset, said)), *parts)

    def _shown(self) -> Iterator[str]:
        if len(self._record.problems) > 1:
            yield problems_table(self._record)
            return
        (problem,) = self._record.problems
        yield calibration_table(problem) if self._record.kind == "calibration" else methods_table(problem)
        yield listing(typeset(f"Caution: {caution}") for caution in cautions(problem))
        yield listing(typeset(one.said) for one in outcomes_of(problem) if one.decision == "no result")
        if self._record.kind == "mixtures" and any(cell.bound is not None for cell in problem.cells):
            yield self._as_image("ladder")

    def _as_image(self, name: str) -> str:
        picture = self._picture(name)
        with figure_style():
            content = base64.b64encode(png(picture.draw(WIDE), 110)).decode()
        return f'<p><img alt="{picture.title}" src="data:image/png;base64,{content}"></p>'

    # ---- inside -----------------------------------------------------------------------------------

    @property
    def _cells(self) -> list[CellRecord]:
        return [cell for problem in self._record.problems for cell in problem.cells]

    @property
    def _judged(self) -> list[CellRecord]:
        """The cells that the verdict on a part is about: the study's, or those of one chosen method."""
        if len(self.methods) == 1:
            return self._cells
        named = tomllib.loads(self._whole.config).get("verdict", {}).get("methods")
        return [
            cell
            for cell in self._cells
            if (cell.cell.kind == "cavi" if named is None else cell.cell.method in named)
        ]

    @property
    def _only(self) -> ProblemRecord:
        if len(self._record.problems) == 1:
            return self._record.problems[0]
        titles = "; ".join(title_of(problem) for problem in self._record.problems[:12])
        raise InputError(
            f"{self.name} has {len(self._record.problems)} problems; choose one, such as "
            f'study["{self._record.problems[0].dataset}"], or one of .problems: {titles}'
        )

    def _with(self, problems: list[ProblemRecord]) -> "Comparison":
        if len(problems) == len(self._record.problems) and all(
            one is other for one, other in zip(problems, self._record.problems, strict=True)
        ):
            return self
        return Comparison(replace(self._record, problems=tuple(problems)), self._whole)


def _with_method(problem: ProblemRecord, method: str) -> ProblemRecord:
    cells = tuple(cell for cell in problem.cells if cell.cell.method == method)
    details = problem.details
    if details is not None:
        details = replace(details, methods=tuple(one for one in details.methods if one.method == method))
    return replace(problem, cells=cells, details=details)


def _of_outcomes(record: StudyRecord) -> Verdict:
    """Return the verdict on a part of a calibration: the worst of its methods'."""
    outcomes = [outcome for problem in record.problems for outcome in outcomes_of(problem)]
    if not outcomes:
        return Verdict("none", "This has not been judged yet.", float("nan"))
    worst = min(outcomes, key=lambda one: one.rank)
    return Verdict(worst.mark, worst.said, float("nan"))
