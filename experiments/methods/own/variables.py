"""A user's variables: which of them the PyMC model has, their draws as DataTrees, and what is compared.

Letters: S draws, or C chains of M draws each. Variables keep their own names and shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from experiments.checks.guarded_derivation import GuardedDerivation as Subject
from experiments.methods.own.problem import CustomProblem
from experiments.posterior.draws import as_chains
from hand_cavi import InputError

Arrays = dict[str, np.ndarray]

_ANY_SEED = 0


@dataclass(frozen=True)
class Factors:
    """The factors whose variables the PyMC model has; the others are summed out in it.

    Attributes
    ----------
    subject : Subject
        The derivation, behind a door that checks what it returns.
    kept : tuple of str
    """

    subject: Subject
    kept: tuple[str, ...]

    @property
    def nothing_is_summed_out(self) -> bool:
        """Whether the model has every variable of the derivation."""
        return self.kept == self.subject.factors

    def sample(self, state: Any, rng: np.random.Generator, n: int) -> tuple[Arrays, np.ndarray]:
        """Return n draws of the kept variables, and ln q of each, shape (n,)."""
        draws: Arrays = {}
        log_q = np.zeros(n)
        for factor in self.kept:
            values = self.subject.sample(state, factor, rng, n)
            log_q += self.subject.log_density(state, factor, values)
            draws |= values
        return draws, log_q

    def starts(self, rng: np.random.Generator, number: int) -> list[Arrays]:
        """Return dispersed values of the kept variables: one draw from q at each of several random states."""
        found = []
        for child in rng.spawn(number):
            draws, _ = self.sample(self.subject.initial(child), child, 1)
            found.append({name: values[0].astype(float) for name, values in draws.items()})
        return found


def factors_of(problem: CustomProblem, variables: list[str]) -> Factors:
    """Find the factors whose variables are those of the model.

    Raises
    ------
    InputError
        If the names do not match.
    """
    subject = Subject.of(problem.derivation, lambda values: np.zeros(len(next(iter(values.values())))))
    rng = np.random.default_rng(_ANY_SEED)
    state = subject.initial(rng)
    owned = {factor: list(subject.sample(state, factor, rng, 2)) for factor in subject.factors}
    drawn = [name for names in owned.values() for name in names]
    strangers = [name for name in variables if name not in drawn]
    torn = [
        factor for factor, names in owned.items() if {name in variables for name in names} == {True, False}
    ]
    if strangers or torn:
        raise InputError(
            f"the names do not match: the PyMC model has the variables {', '.join(variables)}; the "
            f"derivation's factors draw {', '.join(drawn)}; every variable of the model needs a factor, and "
            "a factor is summed out in the model as a whole or not at all"
        )
    return Factors(subject, tuple(factor for factor in subject.factors if owned[factor][0] in variables))


def as_tree(
    posterior: Mapping[str, np.ndarray],
    *,
    sample_stats: Mapping[str, np.ndarray] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> xr.DataTree:
    """Return draws, arrays (C, M, ...), as a DataTree; further dims are numbered by variable."""
    groups = {"posterior": _dataset(posterior)}
    groups["posterior"].attrs.update(attributes or {})
    if sample_stats is not None:
        groups["sample_stats"] = _dataset(sample_stats)
    return xr.DataTree.from_dict(groups)


def _dataset(arrays: Mapping[str, np.ndarray]) -> xr.Dataset:
    variables = {
        name: (("chain", "draw", *(f"{name}_dim_{axis}" for axis in range(values.ndim - 2))), values)
        for name, values in arrays.items()
    }
    dataset = xr.Dataset(variables)
    return dataset.assign_coords({dim: np.arange(size) for dim, size in dataset.sizes.items()})


def with_quantities(problem: CustomProblem, tree: xr.DataTree) -> xr.DataTree:
    """Return the draws with what is compared beside them, so that nobody needs the user's module again."""
    found = quantities_of(problem, tree)
    values = np.stack(list(found.values()), axis=-1)
    dataset = xr.Dataset({"value": (("chain", "draw", "quantity"), values)}, {"quantity": list(found)})
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    return xr.DataTree.from_dict({**groups, "quantities": dataset})


def stored_quantities(tree: xr.DataTree) -> Arrays:
    """Return what `with_quantities` has put beside the draws, by name, each of shape (C, M)."""
    value = tree["quantities"]["value"].transpose("chain", "draw", "quantity")
    names = [str(name) for name in value["quantity"].to_numpy()]
    return dict(zip(names, np.moveaxis(value.to_numpy(), -1, 0), strict=True))


def quantities_of(problem: CustomProblem, tree: xr.DataTree) -> Arrays:
    """Return what is compared, by name, each of shape (C, M).

    Raises
    ------
    InputError
        If the user's own quantities are not one number for each draw.
    """
    chains = as_chains(tree)
    shape = next(iter(chains.values())).shape[:2]
    if problem.quantities is None:
        return entries(chains)
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in chains.items()}
    try:
        found = {name: np.asarray(values, dtype=float) for name, values in problem.quantities(flat).items()}
    except Exception as error:
        raise InputError(f"quantities(draws) failed: {type(error).__name__}: {error}") from error
    wrong = [name for name, values in found.items() if values.shape != (shape[0] * shape[1],)]
    if wrong or not found:
        name = wrong[0] if wrong else "nothing"
        got = f"{found[name].shape}" if wrong else "none"
        raise InputError(
            f"quantities(draws) returned {name} of shape {got} for {shape[0] * shape[1]} draws; each must be "
            "one number for each draw"
        )
    return {name: values.reshape(shape) for name, values in found.items()}


def entries(chains: Arrays) -> Arrays:
    """Return every number of variables (C, M, ...) apart, named as in Python, each of shape (C, M)."""
    found = {}
    for name, values in chains.items():
        for index in np.ndindex(values.shape[2:]):
            place = f"[{', '.join(map(str, index))}]" if index else ""
            found[f"{name}{place}"] = values[(slice(None), slice(None), *index)]
    return found
