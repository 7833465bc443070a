"""A mixture with its data, as methods, the judge and the report see it."""

import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.config.plugins import source_file
from experiments.engine import fingerprint
from experiments.methods._contract import check_support
from experiments.methods.starts import Starts
from experiments.posterior.quantities import invariant_quantities
from experiments.posterior.symmetrised import symmetrise
from experiments.records.problem import Draws, Problem
from experiments.records.target import Approximation, Symmetrised
from hand_cavi import Mixture, log_joint
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights
from ppl_baselines.data import as_data
from ppl_baselines.draws import to_datatree

if TYPE_CHECKING:
    import pymc as pm
    import xarray as xr

    from ppl_baselines.numpyro.build import Model


@dataclass(frozen=True)
class MixtureTarget:
    """A `Target`: one data set under one mixture."""

    problem: Problem

    @property
    def structure(self) -> str:
        """The mixture with its prior, and D."""
        return json.dumps([self.content(), self.problem.x.shape[1]])

    @property
    def data(self) -> dict[str, np.ndarray]:
        """The points, shape (N, D), and their weights, shape (N,), by their names in a model."""
        return as_data(self.problem.x, self.problem.sample_weight)

    def content(self) -> dict[str, object]:
        """Return the prior as JSON content, without the data."""
        return mixture_content(self.problem.mixture)

    def log_joint(self, draws: Draws) -> np.ndarray:
        """Return log p(x, theta, pi) in nats, shape (S,), the assignments summed out."""
        return log_joint(self.problem.mixture, self.problem.x, draws, self.problem.sample_weight)

    def pymc_model(self) -> "pm.Model":
        """Return the mixture in PyMC; its data can be swapped."""
        from ppl_baselines.pymc.build import build

        return build(self.problem.mixture, self.problem.x, sample_weight=self.problem.sample_weight)

    def numpyro_model(self) -> "Model":
        """Return the mixture in NumPyro; its data can be swapped for others of their shapes."""
        from ppl_baselines.numpyro.build import build

        return build(self.problem.mixture, self.problem.x, sample_weight=self.problem.sample_weight)

    def starts(self, seed: int) -> Starts:
        """Return the dispersed starts of this seed."""
        return Starts(self.problem, seed)

    def quantities(self, tree: "xr.DataTree") -> Draws:
        """Return the sorted means (rates, probabilities) and the log likelihood, each of shape (C, M)."""
        return invariant_quantities(self.problem, tree)

    def symmetrise(self, q: Approximation, draws: Draws) -> Symmetrised:
        """Return log q_sym of draws, see `experiments.posterior.symmetrised`."""
        return symmetrise(q, draws, self.problem.mixture)

    def as_tree(
        self,
        chains: Mapping[str, np.ndarray],
        *,
        sample_stats: Mapping[str, np.ndarray] | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> "xr.DataTree":
        """Return canonical draws, arrays (C, M, K, ...), as a DataTree; bad input if no prior allows them."""
        check_support(chains)
        return to_datatree(chains, sample_stats=sample_stats, attributes=attributes)


def mixture_content(mixture: Mixture) -> dict[str, object]:
    """Return a mixture's prior as JSON content: the name and parameters of components and weights, and K."""
    return {
        "components": _fields(mixture.components),
        "weights": _fields(mixture.weights),
        "n_components": mixture.n_components,
    }


def _fields(prior: ConjugateFamily | MixingWeights) -> dict[str, object]:
    of_class: tuple[Field[Any], ...] = fields(prior) if is_dataclass(prior) else ()
    public = [each.name for each in of_class if not each.name.startswith("_")]
    code = fingerprint.code_of(source_file(type(prior)))  # which may be the user's own
    return {
        "name": prior.name,
        "code": code,
        **{name: np.asarray(getattr(prior, name)).tolist() for name in public},
    }
