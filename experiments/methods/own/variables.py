"""A user's variables: which of them the PyMC model has, their draws as DataTrees, and what is compared.

Letters: S draws, or C chains of M draws each. Variables keep their own names and shapes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.checks.guarded_derivation import GuardedDerivation
from experiments.posterior.draws import as_chains
from experiments.records.problem import Draws
from hand_cavi import InputError

if TYPE_CHECKING:
    import xarray as xr

_ANY_SEED = 0


@dataclass(frozen=True)
class Factors:
    """The derivation, guarded, and the variables of those factors whose variables the PyMC model has.

    The other factors are summed out in it.
    """

    guarded: GuardedDerivation
    kept: dict[str, list[str]]

    @property
    def nothing_is_summed_out(self) -> bool:
        """Whether the model has every variable of the derivation."""
        return tuple(self.kept) == self.guarded.factors

    def at(self, state: object) -> "MeanField":
        """Return q at a state of the derivation."""
        return MeanField(self, state)


@dataclass(frozen=True)
class MeanField:
    """A derivation's q over the variables that the PyMC model has, an `Approximation`."""

    factors: Factors
    state: object

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        """Return n draws of the kept variables, arrays (n, ...)."""
        draws: Draws = {}
        for factor in self.factors.kept:
            draws |= self.factors.guarded.sample(self.state, factor, rng, n)
        return draws

    def log_density(self, draws: Draws) -> np.ndarray:
        """Return ln q of each draw, shape (S,)."""
        log_q = np.zeros(len(next(iter(draws.values()))))
        for factor, names in self.factors.kept.items():
            values = {name: draws[name] for name in names}
            log_q += self.factors.guarded.log_density(self.state, factor, values)
        return log_q


def factors_of(derivation: object, variables: Sequence[str] | None) -> Factors:
    """Find the factors of a derivation whose variables are those of the model; all, if there is none.

    Raises
    ------
    InputError
        If the names do not match.
    """
    guarded = GuardedDerivation.of(derivation, lambda values: np.zeros(len(next(iter(values.values())))))
    rng = np.random.default_rng(_ANY_SEED)
    state = guarded.initial(rng)
    owned = {factor: list(guarded.sample(state, factor, rng, 2)) for factor in guarded.factors}
    drawn = [name for names in owned.values() for name in names]
    variables = drawn if variables is None else variables
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
    return Factors(guarded, {factor: names for factor, names in owned.items() if names[0] in variables})


def as_tree(
    posterior: Mapping[str, np.ndarray],
    *,
    sample_stats: Mapping[str, np.ndarray] | None = None,
    attributes: Mapping[str, object] | None = None,
) -> "xr.DataTree":
    """Return draws, arrays (C, M, ...), as a DataTree of floats; further dims are numbered by variable."""
    import xarray as xr

    groups = {"posterior": _dataset({name: values.astype(float) for name, values in posterior.items()})}
    groups["posterior"].attrs.update(attributes or {})
    if sample_stats is not None:
        groups["sample_stats"] = _dataset(sample_stats)
    return xr.DataTree.from_dict(groups)


def _dataset(arrays: Mapping[str, np.ndarray]) -> "xr.Dataset":
    import xarray as xr

    variables = {
        name: (("chain", "draw", *(f"{name}_dim_{axis}" for axis in range(values.ndim - 2))), values)
        for name, values in arrays.items()
    }
    dataset = xr.Dataset(variables)
    return dataset.assign_coords({dim: np.arange(size) for dim, size in dataset.sizes.items()})


def with_quantities(tree: "xr.DataTree", found: Mapping[str, np.ndarray]) -> "xr.DataTree":
    """Return the draws with what is compared beside them, so that nobody needs the user's module again."""
    import xarray as xr

    values = np.stack(list(found.values()), axis=-1)
    dataset = xr.Dataset({"value": (("chain", "draw", "quantity"), values)}, {"quantity": list(found)})
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    return xr.DataTree.from_dict({**groups, "quantities": dataset})


def quantities_of(function: Callable[[Draws], Mapping[str, np.ndarray]] | None, tree: "xr.DataTree") -> Draws:
    """Return what is compared, by name, each of shape (C, M): the user's own, or every number there is.

    Raises
    ------
    InputError
        If the user's own quantities are not one number for each draw.
    """
    return quantities_of_chains(function, as_chains(tree))


def quantities_of_chains(
    function: Callable[[Draws], Mapping[str, np.ndarray]] | None, chains: Draws
) -> Draws:
    """Return the same of chains of draws, arrays (C, M, ...)."""
    shape = next(iter(chains.values())).shape[:2]
    if function is None:
        return entries(chains)
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in chains.items()}
    try:
        found = {name: np.asarray(values, dtype=float) for name, values in function(flat).items()}
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


def entries(chains: Draws) -> Draws:
    """Return every number of variables (C, M, ...) apart, named as in Python, each of shape (C, M)."""
    found = {}
    for name, values in chains.items():
        for index in np.ndindex(values.shape[2:]):
            place = f"[{', '.join(map(str, index))}]" if index else ""
            found[f"{name}{place}"] = values[(slice(None), slice(None), *index)]
    return found
