"""A Bayesian mixture as a scikit-learn estimator, which may be swapped in for `BayesianGaussianMixture`.

Needs scikit-learn: the optional extra ``sklearn``. The work is done by `hand_cavi.fit`; this file
translates constructor names into a model, and the posterior into attributes. It is long because scikit-learn
has every parameter named four times: in the docstring, the constraints, the signature and the constructor.
"""

from dataclasses import replace
from numbers import Integral, Real
from typing import ClassVar, Self
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike

from hand_cavi.ascent.cautions import CautionWarning, occupied, on_empty, on_overlap, overlapping
from hand_cavi.ascent.stochastic import Stream
from hand_cavi.fit import fit
from hand_cavi.inputs import InputError, as_sample_weight
from hand_cavi.mixture import Mixture
from hand_cavi.result import Status
from hand_cavi.sklearn.estimator_inputs import (
    distinct_points,
    gaussian_prior,
    refuse_gaps,
    starting_responsibilities,
)
from hand_cavi.sklearn.estimator_outputs import attributes, log_density, n_parameters, printing
from hand_cavi.weights import DirichletWeights, StickBreaking

try:
    from sklearn.base import (
        BaseEstimator,
        ClassNamePrefixFeaturesOutMixin,
        DensityMixin,
        TransformerMixin,
        _fit_context,
    )
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_random_state
    from sklearn.utils._param_validation import Interval, StrOptions
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "hand_cavi.estimators needs scikit-learn; install elbowroom with its extra: elbowroom[sklearn]"
    ) from error

_POSITIVE = Interval(Real, 0.0, None, closed="neither")


class BayesianMixture(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator):
    """Variational Bayesian Gaussian mixture whose lower bound is one.

    Parameters have scikit-learn's names, meanings and defaults. The differences:

    - `lower_bound_` and `lower_bounds_` are the evidence lower bound with every constant kept, in nats.
    - ``"dirichlet_process"`` is the truncated process itself, whose last stick is v_K = 1; scikit-learn keeps
      the last stick free, and its weights sum to 1 by normalisation only. Sticks are put in order of size
      if that raises the bound.
    - `reg_covar` is added to the diagonal of the default `covariance_prior` and to nothing else. scikit-learn
      adds it to every covariance after each update, which is no update of any prior.
    - ``covariance_type="diag"`` has independent features, each with a Gamma prior of its precision with
      shape ``degrees_of_freedom_prior / 2`` and rate ``covariance_prior / 2``; ``"spherical"`` has one
      precision for all D features, its Gamma prior with D times both. scikit-learn uses a Wishart's
      constants there. ``"tied"`` is refused: components that share a covariance are not independent in the
      posterior.
    - `score_samples` is the log density of the posterior predictive, a mixture of Student's t that
      integrates to 1, and `sample` draws from it; scikit-learn plugs expected logarithms into normals.
    - `bic` and `aic`, as of ``GaussianMixture``, are of the mixture with the posterior's means as parameters.
      `lower_bound_` compares models too, and counts the prior.
    - `transform` gives the responsibilities, in a frame if `set_output` asks for one.
    - ``init_params="k-means++"`` and ``"random_from_data"`` assign every point to the nearest seed.
    - A result depends on the weighted set of points alone, not on their order or repetition.

    Parameters
    ----------
    n_components : int
        K.
    covariance_type : {"full", "diag", "spherical"}
    tol : float
        A sweep that raises the bound by no more than this, in nats, ends an ascent.
    reg_covar : float
        See above.
    max_iter : int
        Sweeps from each start, at most.
    n_init : int
        Starts; the best bound wins.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}
    weight_concentration_prior_type : {"dirichlet_process", "dirichlet_distribution"}
    weight_concentration_prior : float or None
        alpha; 1/K if None.
    mean_precision_prior : float or None
        beta_0, how many points the prior mean is worth; 1 if None.
    mean_prior : array_like, shape (D,), or None
        m_0; the data's mean if None.
    degrees_of_freedom_prior : float or None
        nu_0; D if None.
    covariance_prior : float, array_like of shape (D, D) ("full") or (D,) ("diag"), or None
        The inverse of the Wishart's scale, nu_0 times a typical covariance; the data's covariance if None.
    random_state : int, RandomState instance or None
    warm_start : bool
        Start a further fit from the responsibilities that the last one gives the points; `n_init` is
        ignored then. With another number of components or features, a fit starts afresh.
    verbose, verbose_interval : int
        Print the bound every so many sweeps.

    Attributes
    ----------
    weights_ : ndarray, shape (K,)
        Posterior means.
    means_ : ndarray, shape (K, D)
    covariances_, precisions_, precisions_cholesky_ : ndarray, shape (K, D, D), (K, D) or (K,)
        The inverse of the expected precision, the expected precision, and its upper Cholesky factor.
    weight_concentration_ : ndarray, shape (K,), or pair of them
        Dirichlet parameters; or Beta parameters of the sticks, the last of which is (1, 0), that is v_K = 1.
    mean_precision_, degrees_of_freedom_ : ndarray, shape (K,)
    weight_concentration_prior_, mean_precision_prior_, mean_prior_, degrees_of_freedom_prior_, \
covariance_prior_
        The priors used.
    lower_bound_ : float
    lower_bounds_ : list of float
        After every sweep from the best start.
    n_iter_ : int
    converged_ : bool
        Whether the bound stopped rising, and not at a saddle, of which `fit` warns.
    n_features_in_ : int
    feature_names_in_ : ndarray, if the columns have names
    result_ : hand_cavi.Fit
        The fit itself, with draws, the terms of the bound, and every start.
    cautions_ : tuple of str
        What belongs beside the figures: components without points, and components that overlap, counted
        from 1. `fit` gives each as a `hand_cavi.ascent.cautions.CautionWarning`.
    """

    _parameter_constraints: ClassVar[dict[str, list[object]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "diag", "tied", "spherical"})],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"kmeans", "k-means++", "random", "random_from_data"})],
        "weight_concentration_prior_type": [StrOptions({"dirichlet_process", "dirichlet_distribution"})],
        "weight_concentration_prior": [None, _POSITIVE],
        "mean_precision_prior": [None, _POSITIVE],
        "mean_prior": [None, "array-like"],
        "degrees_of_freedom_prior": [None, _POSITIVE],
        "covariance_prior": [None, "array-like", _POSITIVE],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weight_concentration_prior_type: str = "dirichlet_process",
        weight_concentration_prior: float | None = None,
        mean_precision_prior: float | None = None,
        mean_prior: ArrayLike | None = None,
        degrees_of_freedom_prior: float | None = None,
        covariance_prior: ArrayLike | None = None,
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        verbose: int = 0,
        verbose_interval: int = 10,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weight_concentration_prior_type = weight_concentration_prior_type
        self.weight_concentration_prior = weight_concentration_prior
        self.mean_precision_prior = mean_precision_prior
        self.mean_prior = mean_prior
        self.degrees_of_freedom_prior = degrees_of_freedom_prior
        self.covariance_prior = covariance_prior
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        X : array_like, shape (N, D)
        y : ignored
        sample_weight : array_like, shape (N,), optional
            How many points each row stands for.

        Returns
        -------
        self
        """
        refuse_gaps(X)
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        points, weight = _distinct(rows, sample_weight)
        mixture = self._mixture(points, weight)
        self.result_ = fit(
            mixture,
            points,
            rng=0,  # draws nothing: the starts are given
            starts=self._starts(points, weight),
            max_sweeps=self.max_iter,
            tolerance=0.0,
            tolerance_nats=self.tol,
            patience=1,
            sample_weight=weight,
            callback=printing(self.verbose_interval) if self.verbose else None,
        )
        if self.result_.status is Status.NOT_FINITE:
            raise InputError(self.result_.status.value)
        if self.result_.status is not Status.CONVERGED:
            at_saddle = self.result_.status is Status.SADDLE
            mend = "change random_state, init_params or n_init" if at_saddle else "increase max_iter or tol"
            warn(f"{self.result_.status.value}; {mend}", ConvergenceWarning, stacklevel=2)
        self._stream = Stream.after(self.result_)
        self._with_attributes(points, weight)
        for caution in self.cautions_:
            warn(f"{caution} (counted from 1)", CautionWarning, stacklevel=3)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        *,
        n_points: float | None = None,
    ) -> Self:
        """Take in a batch of rows, one step of stochastic variational inference.

        The first call, on an estimator that is not fitted, fits the batch as `fit` does; priors that are None
        come from that batch. Later calls go on, also after `fit`, whatever parameters have been set since.

        Parameters
        ----------
        X : array_like, shape (B, D)
            Drawn at random from all the data; at least two rows in the first batch, and about as many in
            every batch.
        y : ignored
        sample_weight : array_like, shape (B,), optional
            How many points each row stands for.
        n_points : float, optional
            How many points all data hold, counted with their weights: as certain is the posterior. By default
            those seen so far, for rows that are seen once; give it where they come several times.

        Returns
        -------
        self
            `lower_bound_` is estimated from the batch, `lower_bounds_` has one for every batch, and
            `converged_` stays False: single steps have no test of convergence.

        Notes
        -----
        Where all data are at hand, `fit` is better: the last step still carries the noise of its batch.
        """
        if n_points is not None and not (np.isfinite(n_points) and n_points > 0):
            raise InputError(f"n_points is {n_points!r}; it must be a number above 0: that of all rows")
        first = not hasattr(self, "result_")
        if first:
            self.fit(X, y, sample_weight)
            if n_points is None:
                return self
        rows = self._rows(X)
        points, weight = _distinct(rows, sample_weight)
        if first and n_points is not None:
            stream = replace(self._stream, n_points=float(n_points), bounds=())
        else:
            stream = self._stream.stepped(points, weight, n_points)
        self._stream, self.result_ = stream.result(points, weight)
        if self.result_.status is Status.NOT_FINITE:
            raise InputError(self.result_.status.value)
        return self._with_attributes(points, weight)

    def _with_attributes(self, points: np.ndarray, weight: np.ndarray) -> Self:
        found = self.result_
        for name, value in attributes(found.mixture, found).items():
            setattr(self, name, value)
        cautions = on_empty(occupied(found)), on_overlap(overlapping(found, points, weight))
        self.cautions_ = tuple(caution for caution in cautions if caution)
        return self

    def fit_predict(
        self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Fit the mixture, and return each point's most responsible component, shape (N,)."""
        return self.fit(X, y, sample_weight).predict(X)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return each point's most responsible component, shape (N,)."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the responsibilities, shape (N, K)."""
        rows = self._rows(X)
        return self.result_.responsibilities(rows)

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the responsibilities, shape (N, K), in columns ``bayesianmixture0``, ..."""
        return self.predict_proba(X)

    @property
    def _n_features_out(self) -> int:
        return len(self.means_)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Return the log density of the posterior predictive at each point, shape (N,), in nats."""
        rows = self._rows(X)
        return self.result_.log_predictive(rows)

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Return the mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def bic(self, X: ArrayLike) -> float:
        """Return Schwarz's criterion, the lower the better: -2 log p(X) + p ln N, p free parameters.

        The likelihood is at the posterior's means, which maximise it in the limit of many points only.
        """
        rows = self._rows(X)
        return self._deviance(rows) + n_parameters(self.means_, self.covariances_) * float(np.log(len(rows)))

    def aic(self, X: ArrayLike) -> float:
        """Return Akaike's criterion, the lower the better: -2 log p(X) + 2 p, as `bic` has it."""
        return self._deviance(self._rows(X)) + 2.0 * n_parameters(self.means_, self.covariances_)

    def _deviance(self, rows: np.ndarray) -> float:
        found = log_density(rows, self.weights_, self.means_, self.precisions_cholesky_)
        return -2 * float(found.sum())

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Return points from the posterior predictive, shape (n, D), and their components, shape (n,)."""
        check_is_fitted(self)
        seed = check_random_state(self.random_state).randint(2**31)
        return self.result_.sample_labelled(int(seed), n_samples)

    def _rows(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        refuse_gaps(X)
        return validate_data(self, X, dtype=np.float64, reset=False)

    def _mixture(self, points: np.ndarray, weight: np.ndarray) -> Mixture:
        components = gaussian_prior(
            points,
            weight,
            covariance_type=self.covariance_type,
            mean=self.mean_prior,
            mean_precision=self.mean_precision_prior,
            degrees_of_freedom=self.degrees_of_freedom_prior,
            covariance=self.covariance_prior,
            reg_covar=self.reg_covar,
        )
        alpha = self.weight_concentration_prior
        alpha = 1 / self.n_components if alpha is None else float(alpha)
        sticks = self.weight_concentration_prior_type == "dirichlet_process"
        weights = StickBreaking(alpha) if sticks else DirichletWeights(np.array(alpha))
        return Mixture(components, weights, int(self.n_components))

    def _starts(self, points: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if self.warm_start and hasattr(self, "result_"):
            before = self.result_
            if (before.mixture.n_components, before.components.n_features) == (
                self.n_components,
                points.shape[1],
            ):
                return before.responsibilities(points)
        random_state = check_random_state(self.random_state)
        return np.stack(
            [
                starting_responsibilities(points, weight, self.n_components, self.init_params, random_state)
                for _ in range(self.n_init)
            ]
        )


def _distinct(rows: np.ndarray, sample_weight: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows that count, and their weights, checked."""
    return distinct_points(rows, as_sample_weight(sample_weight, len(rows)))
