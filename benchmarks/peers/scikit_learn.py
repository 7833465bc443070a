"""scikit-learn's BayesianGaussianMixture, asked for a number of iterations and no more."""

import warnings

import numpy as np


def iterations(kind: str, n_components: int, x: np.ndarray, number: int) -> None:
    """Iterate from random responsibilities; `kind` is "full" or "diag".

    With tol = 0 it does not stop; setting up, and the last look at the data, are the same for any number.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    model = BayesianGaussianMixture(
        n_components=n_components,
        covariance_type=kind,
        weight_concentration_prior_type="dirichlet_distribution",
        init_params="random",
        tol=0.0,
        max_iter=number,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x)
    if model.n_iter_ != number:
        raise RuntimeError(f"scikit-learn stopped after {model.n_iter_} of {number} iterations")
