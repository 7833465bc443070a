"""Where an extrapolation goes on from, and what is known of plain sweeps there.

Where statistics are held and few, one look at them gives all of the linear model, `data.coupling`, which
costs some sweeps and saves many. Elsewhere the last few points say what they can.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hand_cavi.ascent.linear_model import LinearModel, Metric
from hand_cavi.ascent.sweep import AnyTask, State, Task
from hand_cavi.data.coupling import coupling
from hand_cavi.data.kernels import Assignments
from hand_cavi.inputs import InputError

_FEW = 200_000  # N K, up to which it is looked at
_LIGHT = 1000  # K P^2, up to which a look at the coupling costs no more than a few sweeps


@dataclass(frozen=True)
class Expansion:
    """Sums S, shape (K, P), and the linear model of f around them."""

    sums: np.ndarray
    model: LinearModel


@dataclass(frozen=True)
class Statistics:
    """The statistics of a task's rows, those that repeat others left out.

    Attributes
    ----------
    distinct : ndarray, shape (N, P')
    weight : ndarray, shape (N,)
    repeats : ndarray of 0 and 1, shape (P, P')
        Which of the P' each of the P is, such as the two of a normal's that are 1.
    """

    distinct: np.ndarray
    weight: np.ndarray
    repeats: np.ndarray

    @classmethod
    def of(cls, task: AnyTask) -> "Statistics | None":
        """Return those of a task, or None where looking at their coupling would not pay."""
        if not isinstance(task, Task):
            return None
        n_components, (n_points, n_statistics) = len(task.weights.expected_log()), task.statistics.shape
        if n_points * n_components > _FEW or n_components * n_statistics**2 > _LIGHT:
            return None
        columns = task.statistics.T
        alike = np.array([[np.array_equal(one, other) for other in columns] for one in columns])
        first = np.unique(alike.argmax(axis=1))
        distinct = np.ascontiguousarray(columns[first].T)
        return cls(distinct, task.sample_weight, alike[:, first].astype(float))

    def expansion(self, state: State, sums: np.ndarray) -> Expansion | None:
        """Return the model at the posterior with these sums, which is the state's."""
        expected = state.components.expected_phi @ self.repeats
        m, after = coupling(self.distinct, self.weight, expected, state.weights.expected_log())
        f = after @ self.repeats.T - sums
        model = LinearModel.from_coupling(Metric(state), m, self.repeats, f)
        return None if model is None else Expansion(sums, model)


def expansion_of(points: Sequence[tuple[np.ndarray, np.ndarray]], state: State) -> Expansion | None:
    """Return the model that differences give, of pairs of S and f(S), the last of which is the state's."""
    if len(points) < 2:
        return None
    sums, f = (np.array(arrays) for arrays in zip(*points, strict=True))
    moves, images = np.diff(sums, axis=0)[::-1], -np.diff(f, axis=0)[::-1]
    model = LinearModel.from_differences(Metric(state), moves, images, f[-1])
    return None if model is None else Expansion(sums[-1], model)


def posterior_of(task: AnyTask, sums: np.ndarray) -> State | None:
    """Return the posterior with these sums, shape (K, P), of components that are not empty, if there is one.

    There is none either where the family's arithmetic would mend what it is given.
    """
    if not (np.isfinite(sums).all() and (sums[:, -1] > 0).all()):
        return None
    eta = task.components.natural + sums
    try:
        with np.errstate(all="ignore"):
            components = task.components.from_natural(eta)
            phi = np.abs(components.expected_phi)  # 0 where a family keeps no eta, as there phi is 0
            mended = np.sum(np.abs(components.natural - eta) * phi, axis=1)
            if not (mended <= 1e-8 * np.sum(np.abs(eta) * phi, axis=1)).all():
                return None
    except InputError:
        return None
    return State(components, task.weights.updated(sums[:, -1]), Assignments(sums, np.nan))
