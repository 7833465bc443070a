"""`relabel`: a DataTree in, the same tree with its components named alike in every draw out."""

from collections.abc import Sequence
from importlib import import_module

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.records import Problem
from experiments.relabel.allocations import Allocations, of_problem
from experiments.relabel.evidence import Evidence, ambiguous
from experiments.relabel.given import allocations_of, data_of, pivot_of_user, variable_of
from experiments.relabel.trees import component_dims, log_density, parameters, posterior_of, renamed
from hand_cavi import InputError

METHODS = ("allocation", "stephens", "ecr", "ecr_iterative", "data_based", "pivotal", "ordering")
"""The relabelling methods, each a file of its name."""


def relabel(
    datatree: xr.DataTree,
    method: str = "allocation",
    *,
    problem: Problem | None = None,
    pivot: ArrayLike | int | None = None,
    allocations: ArrayLike | xr.DataArray | str | None = None,
    data: ArrayLike | str | None = None,
    component_dim: str | Sequence[str] = "component",
    by: str | None = None,
    feature: int = 0,
    max_iterations: int = 100,
) -> xr.DataTree:
    """Return the draws with their components named alike.

    Parameters
    ----------
    datatree : xarray.DataTree
        Draws in group ``posterior`` with dimensions chain, draw and the components', from any sampler.
    method : str
        ``allocation``, ``stephens``, ``ecr``, ``ecr_iterative``, ``data_based``, ``pivotal`` or ``ordering``;
        each is a file of `experiments.relabel`, which says what it does.
    problem : Problem, optional
        The model and the data that canonical draws are about: allocations, data and pivot come from it.
    pivot : array_like, shape (N, K) or (N,), or int, optional
        What defines the names: allocation probabilities, allocations (whole numbers from 0), or the number
        of a draw, counted with the chains end to end. Without: the draw with the highest log density
        (by the problem, or by ``lp`` in ``sample_stats``).
    allocations : array_like, DataArray or str, optional
        p(c_i = k | x_i, theta) as (chain, draw, point, component), or latent allocations (chain, draw,
        point), whole numbers from 0; or the name of such a variable. Without: the problem's, or a variable
        ``allocation_probabilities``, ``allocations`` or ``assignments`` of the posterior.
    data : array_like or str, optional
        For ``data_based``: (N,) or (N, D), or the name of a variable in ``observed_data``. Without: the
        problem's, or the only variable there.
    component_dim : str or sequence of str
        What the dimension of components is called; several names where every variable has its own.
    by : str, optional
        The variable that says where components are: the one that ``ordering`` sorts and ``pivotal`` compares.
        Without: mu, rate or probability, else the first variable but the weights.
    feature : int
        Which entry of `by` is sorted, counted from 0.
    max_iterations : int
        For the methods that iterate.

    Returns
    -------
    xarray.DataTree
        The same tree but for the order of components in every variable of the posterior that has them;
        latent allocations from the posterior get the new names as values. Group ``sample_stats`` gains
        ``naming`` (chain, draw, component), the component that now stands in each place, so that
        ``variable.isel(component=naming)`` renames any other; and ``ambiguous``, true for draws whose naming
        is ambiguous. Attributes: ``ambiguous_share``, ``relabel_method``, ``relabel_iterations``, and
        ``relabel_converged`` (1 or 0).

    Raises
    ------
    InputError
        If the method is unknown or needs what is not there, shapes do not fit, or draws are not finite.
    """
    if method not in METHODS:
        raise InputError(f"relabelling method {method!r} is unknown; there are {', '.join(METHODS)}")
    if max_iterations < 1:
        raise InputError(f"max_iterations is {max_iterations}; it must be at least 1")
    posterior = posterior_of(datatree)
    dims = component_dims(posterior, component_dim)
    n_components = posterior.sizes[dims[0]]
    shape = posterior.sizes["chain"], posterior.sizes["draw"]

    variable = None if problem is not None and allocations is None else variable_of(datatree, allocations)
    carried = str(variable.name) if isinstance(variable, xr.DataArray) else None
    draws = parameters(posterior, dims, leave_out=carried)
    found: Allocations | None = None
    if variable is not None:
        found = allocations_of(variable, shape, n_components, dims)
    elif problem is not None:
        if problem.mixture.n_components != n_components:
            raise InputError(
                f"the problem has {problem.mixture.n_components} components, the draws {n_components}"
            )
        found = of_problem(problem, draws)

    pivot_allocations, pivot_draw = pivot_of_user(pivot, shape[0] * shape[1], found)
    x = data_of(datatree, data, problem) if method == "data_based" else None
    if x is not None and found is not None and len(x) != found.n_points:
        raise InputError(f"the data are {len(x)} points, the allocations are of {found.n_points}")
    evidence = Evidence(
        method=method,
        draws=draws,
        allocations=found,
        data=x,
        pivot=pivot_allocations,
        pivot_draw=pivot_draw,
        problem=problem,
        log_density=log_density(datatree),
        by=by,
        feature=feature,
        max_iterations=max_iterations,
    )
    naming = import_module(f"experiments.relabel.{method}").name_draws(evidence)
    doubtful = ambiguous(evidence, naming)
    latent = carried if variable is not None and variable.ndim == 3 and carried in posterior else None
    out = renamed(datatree, naming.order, doubtful, dims, latent)
    out.attrs["ambiguous_share"] = float(np.mean(doubtful))
    out.attrs["relabel_method"] = method
    out.attrs["relabel_iterations"] = naming.iterations
    out.attrs["relabel_converged"] = int(naming.converged)
    return out
