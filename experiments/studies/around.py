"""Replicates around one's own data: posterior simulation-based calibration.

theta* is a draw from the posterior given the data x, y* are new points given theta*, and methods fit x and y*
together. Under the model theta* is then one exact draw from the posterior given both, so that its rank among
a method's draws is uniform if the method's posterior is right: what is tested is the part of the prior that
the data leave, not all of it. Draws of theta* come from Gibbs or NUTS that qualified.
Source: Saeilynoja, Schmitt, Buerkner & Vehtari (2025).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from experiments.calibration import ranked_quantities as quantities
from experiments.calibration.own_source import OwnReplicate, OwnSource, own_model
from experiments.calibration.simulate import MixtureReplicate
from experiments.engine.fingerprint import content_key, data_hash
from experiments.engine.seeds import generator, integer
from experiments.methods.mixture_target import mixture_content
from experiments.methods.own import nuts
from experiments.methods.own.own_problem import OwnProblem
from experiments.posterior.draws import as_chains, flat
from experiments.records import Draws, Problem
from hand_cavi import InputError, Mixture

SHARE = 4
"""Effective draws for each replicate: fewer would make replicates alike (a convention of this project)."""

_NUTS_DRAWS = 2000


@dataclass(frozen=True)
class Posterior:
    """Draws of theta*, arrays (S, ...), in an order drawn at random, and what they are worth."""

    draws: Draws
    effective: float

    def draw(self, number: int) -> Draws:
        """Return the draw of this replicate, without an axis of draws.

        Raises InputError beyond the number of replicates for which there are enough.
        """
        enough = int(self.effective / SHARE)
        if number >= enough:
            raise InputError(
                f"the draws from the posterior given your data are worth {self.effective:.0f} independent "
                f"ones, enough for {enough} replicates; ask for no more"
            )
        return {name: values[number] for name, values in self.draws.items()}


@dataclass(frozen=True)
class AroundMixture:
    """Replicates of a mixture around data x, (N, D), with `points` new points each."""

    model: str
    dataset: str
    mixture: Mixture
    x: np.ndarray
    sample_weight: np.ndarray | None
    points: int
    seed: int
    kinds: tuple[str, ...]

    @property
    def package(self) -> str:
        """Where its methods are."""
        return "methods"

    def replicate(self, number: int) -> MixtureReplicate:
        """Return the replicate of this number."""
        theta = _kept(self.content(), self._posterior).draw(number)
        rng = generator(self.seed, "around", self.model, self.dataset, number)
        one = {name: values[np.newaxis] for name, values in theta.items()}
        share = np.exp(self.mixture.weights.log_weights(one, 1)[0])
        assignments = rng.choice(len(share), size=self.points, p=share / share.sum())
        new = self.mixture.components.sample_data(rng, theta, assignments)
        weight = self.sample_weight
        if weight is not None:
            weight = np.concatenate([weight, np.ones(len(new))])
        problem = Problem(self.mixture, np.concatenate([self.x, new]), weight, truth=theta)
        return MixtureReplicate(problem, quantities.kinds_of(problem, self.kinds))

    def content(self) -> dict[str, object]:
        """Return all that replicates depend on."""
        about = {"model": self.model, "dataset": self.dataset, "points": self.points, "seed": self.seed}
        data = data_hash(self.x, self.sample_weight)
        return {**about, "mixture": mixture_content(self.mixture), "kinds": list(self.kinds), "data": data}

    def _posterior(self) -> Posterior:
        """Sample by Gibbs, each round twice as long as the last, until two draws are worth one."""
        from experiments.references.gibbs import CHAINS, DRAWS, rounds  # slow to import

        problem = Problem(self.mixture, self.x, self.sample_weight)
        rng = generator(self.seed, "posterior", self.model, self.dataset)
        for one in rounds(problem, rng):
            if not one.faults and _worth(one.quality) >= CHAINS * DRAWS / 2:
                break
        return _posterior_of(one.draws, one.quality, one.faults, rng)


@dataclass(frozen=True)
class AroundOwn:
    """Replicates of a user's own model around the user's own data, with as many new ones."""

    source: OwnSource

    @property
    def package(self) -> str:
        """Where its methods are."""
        return self.source.package

    def replicate(self, number: int) -> OwnReplicate:
        """Return the replicate of this number."""
        theta = _kept(self.content(), self._posterior).draw(number)
        model = own_model(self.source)
        new = model.data_given(theta, generator(self.source.seed, "around", self.source.model, number))
        try:
            both = {name: np.concatenate([value, new[name]]) for name, value in model.held.items()}
        except ValueError as error:
            raise InputError(f"new data cannot be put beside what the model observes: {error}") from None
        return self.source.with_data(theta, both)

    def content(self) -> dict[str, object]:
        """Return all that replicates depend on."""
        return {**self.source.content(), "around": "data"}

    def _posterior(self) -> Posterior:
        """Sample by NUTS from the user's own model and data."""
        source, model = self.source, own_model(self.source)
        source.replicate(0)  # other data show whether the model's prior depends on its data
        rng = generator(source.seed, "posterior", source.model)
        target = source.with_data(model.prior_draw(rng), model.held).target
        settings = nuts.Settings.model_validate({"draws": _NUTS_DRAWS})
        seed = integer(source.seed, "posterior", source.model)
        tree = nuts.fit(target, settings, starts=target.starts(seed), seed=seed).chains
        assert tree is not None
        stats = as_chains(tree, "sample_stats")
        from experiments.references._gate import STATED, examine_quantities  # slow to import

        figures, faults = examine_quantities(target.quantities(tree), stats, STATED)
        return _posterior_of(as_chains(tree), figures, faults, rng)


def lacks_around(problem: OwnProblem) -> str | None:
    """Return what a user's problem lacks to be calibrated around its data, in a sentence; None if nothing."""
    if problem.model is None:
        return 'around = "data" needs a PyMC model, from which NUTS draws the parameters'
    if problem.with_data is None:
        return (
            'around = "data" fits more data than the problem has; give it with_data, which says where they go'
        )
    return None


def _posterior_of(
    chains: Draws, figures: dict[str, object], faults: list[str], rng: np.random.Generator
) -> Posterior:
    if faults:
        raise InputError(f"there is no posterior to draw parameters from: {'; '.join(faults)}")
    draws = flat(chains)
    order = rng.permutation(len(next(iter(draws.values()))))
    return Posterior({name: values[order] for name, values in draws.items()}, _worth(figures))


def _worth(figures: dict[str, object]) -> float:
    return float(str(figures["ess_bulk"]))


_posteriors: dict[str, Posterior] = {}
_MOST_KEPT = 4


def _kept(content: dict[str, object], find: Callable[[], Posterior]) -> Posterior:
    """Return the posterior of what has this content: found once in a process, whatever batches it is sent."""
    key = content_key(content)
    if key not in _posteriors:
        while len(_posteriors) >= _MOST_KEPT:
            _posteriors.pop(next(iter(_posteriors)))
        _posteriors[key] = find()
    return _posteriors[key]
