"""A user's regression with a known noise, whose posterior is normal: one factor, and nothing approximated.

y_n | beta  ~  N(x_n' beta, 1),     beta_d  ~  N(0, 4),     n = 1, ..., N,   d = 1, ..., D
"""

import numpy as np

from experiments.custom import CustomProblem

X = np.column_stack([np.ones(10), np.linspace(-1, 1, 10)])
Y = np.array([1.1, 0.3, 2.0, 0.7, 0.9, 1.8, 2.2, 1.4, 2.9, 2.1])
PRIOR_VARIANCE = 4.0


class Derivation:
    """The exact posterior, with q's standard deviations multiplied by `narrow`."""

    factors = ("beta",)

    def __init__(self, x=X, y=Y, narrow=1.0):
        self.x, self.y, self.narrow = np.asarray(x), np.asarray(y), narrow

    def initial(self, rng):
        return rng.normal(size=self.x.shape[1]), np.eye(self.x.shape[1])

    def update(self, state, factor):
        covariance = np.linalg.inv(self.x.T @ self.x + np.eye(self.x.shape[1]) / PRIOR_VARIANCE)
        return covariance @ self.x.T @ self.y, covariance

    def elbo(self, state):
        mean, covariance = state
        square = np.sum((self.y - self.x @ mean) ** 2) + np.trace(self.x.T @ self.x @ covariance)
        prior = (mean @ mean + np.trace(covariance)) / PRIOR_VARIANCE
        return {"joint": -(square + prior) / 2, "entropy": np.linalg.slogdet(covariance)[1] / 2}

    def sample(self, state, factor, rng, n):
        root = np.linalg.cholesky(state[1])
        return state[0] + self.narrow * rng.normal(size=(n, len(state[0]))) @ root.T

    def log_density(self, state, factor, values):
        return np.zeros(len(values))


def model(x=X, y=Y):
    import pymc as pm

    with pm.Model() as result:
        beta = pm.Normal("beta", mu=0, sigma=PRIOR_VARIANCE**0.5, shape=x.shape[1])
        pm.Normal("y", mu=x @ beta, sigma=1.0, observed=y)
    return result


def repeated(n):
    return np.tile(X, (n // len(X), 1))


def problem(x=X, y=Y, narrow=1.0):
    return CustomProblem(
        derivation=Derivation(x, y, narrow),
        model=lambda: model(x, y),
        about_model="y_n ~ N(x_n' beta, 1), beta_d ~ N(0, 4)",
        with_data=lambda data: problem(repeated(len(data["y"])), data["y"], narrow),
    )


def too_narrow():
    return problem(narrow=0.8)


def pymc_alone():
    return CustomProblem(model=model)


def simulate(rng):
    beta = rng.normal(scale=PRIOR_VARIANCE**0.5, size=2)
    return {"beta": beta}, {"y": X @ beta + rng.normal(size=len(X))}


def derivation_alone(y=Y):
    return CustomProblem(
        derivation=Derivation(X, y), simulate=simulate, with_data=lambda data: derivation_alone(data["y"])
    )


def narrow_derivation_alone(y=Y):
    return CustomProblem(
        derivation=Derivation(X, y, 0.8),
        simulate=simulate,
        with_data=lambda data: narrow_derivation_alone(data["y"]),
    )


def without_with_data():
    return CustomProblem(derivation=Derivation(), model=model)


def without_anything_to_draw_from():
    return CustomProblem(derivation=Derivation(), with_data=lambda data: None)


def of_a_prior_that_sees_the_data(y=Y):
    def made():
        import pymc as pm

        with pm.Model() as result:
            beta = pm.Normal("beta", mu=0, sigma=np.std(y), shape=2)
            pm.Normal("y", mu=X @ beta, sigma=1.0, observed=y)
        return result

    return CustomProblem(model=made, with_data=lambda data: of_a_prior_that_sees_the_data(data["y"]))


def with_a_potential():
    def made():
        import pymc as pm

        with model() as result:
            pm.Potential("more", -(result["beta"] ** 2).sum())
        return result

    return CustomProblem(model=made)


def observing_nothing():
    def made():
        import pymc as pm

        with pm.Model() as result:
            pm.Normal("beta")
        return result

    return CustomProblem(model=made)
