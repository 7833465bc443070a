"""The mixture as a scikit-learn estimator, under the name that the documentation gives."""

from hand_cavi.sklearn.bayesian_mixture import BayesianMixture

__all__ = ["BayesianMixture"]
