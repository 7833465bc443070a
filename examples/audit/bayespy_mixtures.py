"""BayesPy: mixtures put together from nodes."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from examples.audit.data import categories, clusters, counts
from examples.audit.factored import FactoredOfTheirs, NormalAndWishart
from examples.audit.log_joints import MixtureLogJoint
from examples.audit.mixture import MixtureOfTheirs, State, own_reading
from examples.audit.subject import Step, Subject
from hand_cavi import DirichletCategorical, DirichletWeights, GammaPoisson

CONCENTRATION = 1.3
UNUSED = "never-written.hdf5"
"""Without a name for what is never saved, a temporary file is left open."""


class Nodes:
    """A mixture's nodes, of which one at a time is set and updated.

    Parameters
    ----------
    n_points, n_components : int
    components : node
        The parameters of the components, with a last plate of K.
    mixed : callable
        From the assignments' node to the mixture's, observed.
    set_to : callable
        Sets the components' node to a posterior of `hand_cavi`.
    read : callable
        Reads one off.
    """

    def __init__(
        self,
        n_points: int,
        n_components: int,
        components: Any,
        mixed: Callable[[Any], Any],
        set_to: Callable[[Any], None],
        read: Callable[[], Any],
    ) -> None:
        from bayespy.inference import VB
        from bayespy.nodes import Categorical, Dirichlet

        self.weights = Dirichlet(np.full(n_components, CONCENTRATION))
        self.assignments = Categorical(self.weights, plates=(n_points, 1))
        self.components, self.set_to, self.read = components, set_to, read
        self.engine = VB(
            mixed(self.assignments), components, self.weights, self.assignments, autosave_filename=UNUSED
        )

    def m_step(self, r: np.ndarray) -> tuple[Any, Any]:
        """Return q(theta) and q(pi) after their nodes' updates."""
        self.assignments.initialize_from_parameters(r[:, np.newaxis].copy())
        self.components.update()
        self.weights.update()
        return self.posteriors()

    def posteriors(self) -> tuple[Any, Any]:
        """Return what the nodes hold."""
        return self.read(), DirichletWeights(self.weights.phi[0].copy())

    def e_step(self, components: Any, weights: Any) -> np.ndarray:
        """Return the responsibilities after their node's update."""
        self.set_to(components)
        self.weights.initialize_from_parameters(weights.concentration.copy())
        self.assignments.update()
        return self.assignments.u[0][:, 0].copy()


def poisson(x: np.ndarray, n_components: int) -> MixtureOfTheirs:
    """Return a mixture of independent Poisson features whose updates are BayesPy's."""
    from bayespy.nodes import Gamma, Mixture, Poisson

    n, d = x.shape
    rates = Gamma(1.7, 0.6, plates=(d, n_components))

    def set_to(q: GammaPoisson) -> None:
        rates.initialize_from_parameters(q.shape.T.copy(), q.rate.T.copy())

    def read() -> GammaPoisson:
        minus_rate, shape = rates.phi
        shape, rate = (np.broadcast_to(array, (d, n_components)).T.copy() for array in (shape, -minus_rate))
        return GammaPoisson(shape, rate)

    def mixed(z: Any) -> Any:
        y = Mixture(z, Poisson, rates)
        y.observe(x.astype(int))
        return y

    return _derivation(
        x, n_components, GammaPoisson(np.full(d, 1.7), np.full(d, 0.6)), rates, mixed, set_to, read
    )


def categorical(x: np.ndarray, n_components: int, n_categories: int) -> MixtureOfTheirs:
    """Return a mixture of independent categorical features whose updates are BayesPy's."""
    from bayespy.nodes import Categorical, Dirichlet, Mixture

    n, d = x.shape
    chances = Dirichlet(np.full(n_categories, 0.7), plates=(d, n_components))

    def set_to(q: DirichletCategorical) -> None:
        chances.initialize_from_parameters(np.swapaxes(q.concentration, 0, 1).copy())

    def read() -> DirichletCategorical:
        return DirichletCategorical(np.swapaxes(chances.phi[0], 0, 1).copy())

    def mixed(z: Any) -> Any:
        y = Mixture(z, Categorical, chances)
        y.observe(x.astype(int))
        return y

    prior = DirichletCategorical(np.full((d, n_categories), 0.7))
    return _derivation(x, n_components, prior, chances, mixed, set_to, read)


class Gaussians:
    """A mixture of Gaussians whose mean and precision matrix are nodes of their own."""

    def __init__(self, x: np.ndarray, n_components: int) -> None:
        from bayespy.inference import VB
        from bayespy.nodes import Categorical, Dirichlet, Gaussian, Mixture, Wishart

        k, d = n_components, x.shape[1]
        self.weights = Dirichlet(np.full(k, CONCENTRATION))
        self.assignments = Categorical(self.weights, plates=(len(x),))
        self.means = Gaussian(np.full(d, 0.3), 0.4 * np.eye(d), plates=(k,))
        self.precisions = Wishart(d + 1.7, 1.3 * np.eye(d), plates=(k,))
        y = Mixture(self.assignments, Gaussian, self.means, self.precisions)
        y.observe(x)
        self.engine = VB(
            y, self.means, self.precisions, self.weights, self.assignments, autosave_filename=UNUSED
        )
        self.prior = NormalAndWishart(
            np.full((k, d), 0.3), np.tile(0.4 * np.eye(d), (k, 1, 1)), np.full(k, d + 1.7),
            np.tile(1.3 * np.eye(d), (k, 1, 1)),
        )  # fmt: skip

    def steps(self) -> tuple[Callable[..., Any], ...]:
        """Return the updates of the means, precisions, weights and assignments."""

        def one(node: Any) -> Callable[..., NormalAndWishart]:
            def step(r: np.ndarray, q: NormalAndWishart) -> NormalAndWishart:
                self.assignments.initialize_from_parameters(r.copy())
                self.set_to(q)
                node.update()
                return self.read()

            return step

        def weights(r: np.ndarray) -> DirichletWeights:
            self.assignments.initialize_from_parameters(r.copy())
            self.weights.update()
            return DirichletWeights(self.weights.phi[0].copy())

        def assignments(q: NormalAndWishart, q_weights: DirichletWeights) -> np.ndarray:
            self.set_to(q)
            self.weights.initialize_from_parameters(q_weights.concentration.copy())
            self.assignments.update()
            return self.assignments.u[0].copy()

        return one(self.means), one(self.precisions), weights, assignments

    def set_to(self, q: NormalAndWishart) -> None:
        """Hand q(mu) and q(Lambda) to their nodes."""
        self.means.initialize_from_parameters(q.mean.copy(), q.precision.copy())
        self.precisions.initialize_from_parameters(q.degrees_of_freedom.copy(), q.scale_inverse.copy())

    def read(self) -> NormalAndWishart:
        """Return what the nodes hold: natural parameters (P m, -P/2) and (-W^-1/2, nu/2)."""
        shapes, p = self.prior, [*self.means.phi, *self.precisions.phi]
        precision = np.broadcast_to(-2 * p[1], shapes.precision.shape).copy()
        mean = np.linalg.solve(precision, np.broadcast_to(p[0], shapes.mean.shape)[..., np.newaxis])[..., 0]
        nu = np.broadcast_to(2 * p[3], shapes.degrees_of_freedom.shape).copy()
        return NormalAndWishart(mean, precision, nu, np.broadcast_to(-2 * p[2], precision.shape).copy())

    def iterations(self, r: np.ndarray, n: int) -> Iterator[Step]:
        """Update all nodes in turn, from responsibilities."""
        self.assignments.initialize_from_parameters(r)
        for iteration in range(1, n + 1):
            nodes = (self.means, self.precisions, self.weights, self.assignments)
            self.engine.update(*nodes, repeat=1, verbose=False)
            weights = DirichletWeights(self.weights.phi[0].copy())
            state = State(self.assignments.u[0].copy(), self.read(), weights)
            yield Step(iteration, state, float(self.engine.compute_lowerbound()))


def gaussian(x: np.ndarray, n_components: int) -> FactoredOfTheirs:
    """Return a mixture of Gaussians whose updates are BayesPy's."""
    theirs = Gaussians(x, n_components)
    weights = DirichletWeights(CONCENTRATION).for_components(n_components)
    found = FactoredOfTheirs(x, theirs.prior, weights, theirs.steps())
    found.theirs = theirs
    return found


def _derivation(x: np.ndarray, n_components: int, prior: Any, *nodes: Any) -> MixtureOfTheirs:
    theirs = Nodes(len(x), n_components, *nodes)
    weights = DirichletWeights(CONCENTRATION).for_components(n_components)
    joint = MixtureLogJoint(prior, weights, x)
    found = MixtureOfTheirs(
        x, n_components, own_reading(prior), weights, joint, (theirs.m_step, theirs.e_step)
    )
    found.theirs = theirs
    return found


def steps(of: Any, iterations: int) -> Iterator[Step]:
    """Update all nodes in turn, from random responsibilities, with BayesPy's own loop."""
    theirs: Nodes | Gaussians = of.theirs
    r = np.random.default_rng(1).dirichlet(np.ones(of.n_components), len(of.x))
    if isinstance(theirs, Gaussians):
        yield from theirs.iterations(r, iterations)
        return
    theirs.assignments.initialize_from_parameters(r[:, np.newaxis])
    for iteration in range(1, iterations + 1):
        theirs.engine.update(theirs.components, theirs.weights, theirs.assignments, repeat=1, verbose=False)
        state = State(theirs.assignments.u[0][:, 0].copy(), *theirs.posteriors())
        yield Step(iteration, state, float(theirs.engine.compute_lowerbound()))


def subjects() -> list[Subject]:
    """Return the mixtures."""
    seeds, three = range(5), {"n_components": 2, "n_categories": 3}
    return [
        Subject("bayespy", "Gaussian, Wishart", "documented", partial(gaussian, n_components=2),
                clusters(10, 2, 2, seed=1, apart=4.0), [clusters(60, 5, 2, seed) for seed in seeds], steps),
        Subject("bayespy", "Poisson", "documented", partial(poisson, n_components=2),
                counts(10, 2, 2), [counts(60, 5, 2, seed) for seed in seeds], steps),
        Subject("bayespy", "categorical", "documented", partial(categorical, **three),
                categories(10, 5, 2, 3), [categories(60, 5, 2, 3, seed) for seed in seeds], steps),
    ]  # fmt: skip
