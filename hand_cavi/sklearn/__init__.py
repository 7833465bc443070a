"""The mixture as a scikit-learn estimator."""
