"""`elbowroom.choose`: how many components, by CAVI alone, from Python."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.interactive._configuration import as_seed, folder_of
from experiments.interactive._given_data import data_entry, loaded
from experiments.interactive._tables import as_html
from experiments.report.figures.number_of_components import CAPTION, choosing_figure
from experiments.report.figures.onto_axes import onto_axes
from experiments.report.figures.picture import Picture
from experiments.report.style.numbers import typeset
from experiments.report.tables.series import COLUMNS, row_of
from experiments.report.tables.table import Table
from experiments.studies.choosing import FOLDS, Candidate, candidates, conclusion
from experiments.studies.chosen_model import Model
from hand_cavi import InputError
from hand_cavi.ascent.cautions import CautionWarning
from hand_cavi.inputs import Seed
from hand_cavi.result.html import listing, page

if TYPE_CHECKING:
    import pandas as pd

_AUTO = "auto"


@dataclass(frozen=True, repr=False)
class Choice:
    """What speaks for each number of components; the choice is the reader's.

    Attributes
    ----------
    candidates : tuple of Candidate
        One for each number of components, see `experiments.studies.choosing.Candidate`; in nats.
    about : str
        What of the model was chosen here.
    """

    candidates: tuple[Candidate, ...]
    about: str

    @property
    def conclusion(self) -> tuple[str, ...]:
        """What the candidates speak for, in sentences; nothing for one alone."""
        return tuple(conclusion(self.candidates))

    def table(self) -> "pd.DataFrame":
        """Return a row for each number of components; what there is not is NaN."""
        import pandas as pd

        return pd.DataFrame([_row(one) for one in self.candidates]).set_index("n_components")

    def plot(self, ax: Any = None) -> Any:
        """Draw bounds, and below them held-out prediction if there is any; return the axes.

        `ax` are one or two axes to draw into, without which there is a new figure.
        """
        drawing = partial(choosing_figure, self.candidates)
        return onto_axes(Picture("choosing", "Numbers of components", CAPTION, drawing), ax)

    def __repr__(self) -> str:
        numbers = ", ".join(str(one.n_components) for one in self.candidates)
        return f"<Choice of K among {numbers}: {' '.join(map(typeset, self.conclusion))}>"

    def _repr_html_(self) -> str:
        first, *more = map(typeset, self.conclusion or ("There is one number of components.",))
        rows = tuple(row_of(one) for one in self.candidates)
        shown = as_html(Table("What speaks for each number of components K", COLUMNS, rows, first="K"))
        said = [
            f"Caution, K = {one.n_components}: {typeset(caution)}."
            for one in self.candidates
            for caution in one.cautions
        ]
        return page(first, listing(more), shown, listing([*said, *self.about.splitlines()]))


def choose(
    x: Any,
    components: Iterable[int] = range(1, 9),
    *,
    rng: Seed = 1,
    family: str = _AUTO,
    weights: str = _AUTO,
    prior: Mapping[str, object] | None = None,
    concentration: float | None = None,
    starts: int = 20,
    folds: int | None = None,
    evidence: bool = False,
    columns: str | Sequence[str] | None = None,
    sample_weight: Any = None,
    missing: str = "refuse",
    categories: bool = False,
) -> Choice:
    """Compare numbers of components: ELBO, its symmetrised form, log evidence, held-out prediction.

    Parameters
    ----------
    x, columns, sample_weight, missing, categories
        As of `elbowroom.compare`.
    components : iterable of int
        Numbers of components, each once.
    rng : int or numpy.random.Generator
        Where the starts come from.
    family, weights : str
        By their names, see ``elbowroom list``; ``auto`` learns variances and weights.
    prior : mapping, optional
        Fields of the family's prior; what is left out is scaled to the data.
    concentration : float, optional
        Of the weights' prior.
    starts : int
        Dispersed starts; the best bound wins.
    folds : int, optional
        Of the cross-validation; 0: none. Without, 5 where there are as many points.
    evidence : bool
        Whether log p(x) is estimated by sampling where it is not exact; takes longer.

    Returns
    -------
    Choice

    Raises
    ------
    InputError
        If data, model or options cannot be used.
    """
    numbers = list(components)
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise InputError(f"components is {numbers}; give numbers from 1 on, each once, such as range(1, 9)")
    where = folder_of(None)
    reading = {"missing": missing, "categories": categories or None}
    data = loaded(
        data_entry(x, where, columns=columns, sample_weight=sample_weight, **reading), where, "choose"
    )
    of_weights: dict[str, object] = {} if concentration is None else {"concentration": concentration}
    model = Model(max(numbers), family, weights, dict(prior or {}), of_weights)
    for warning in model.remarks(data, len(data.x)):
        warnings.warn(warning, CautionWarning, stacklevel=2)
    mixtures, abouts = zip(*(model.of(data, k) for k in numbers), strict=True)
    n_points = len(data.x) if data.sample_weight is None else data.sample_weight.sum()
    found = candidates(
        mixtures,
        data.x,
        rng=as_seed(rng),
        starts=starts,
        folds=(FOLDS if n_points >= FOLDS else 0) if folds is None else folds,
        sampled_evidence=evidence,
        sample_weight=data.sample_weight,
    )
    return Choice(tuple(found), abouts[0])


def _row(one: Candidate) -> dict[str, object]:
    names = ("n_components", "elbo", "symmetrised", "symmetry_se", "held_out", "held_out_se", "behind")
    row: dict[str, object] = {name: getattr(one, name) for name in (*names, "behind_se", "occupied")}
    evidence = one.evidence
    return row | {
        "log_evidence": evidence and evidence.value,
        "log_evidence_se": evidence and evidence.standard_error,
        "starts": one.starts,
        "starts_at_best": one.starts_at_best,
    }
