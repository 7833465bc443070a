"""Swap `BayesianMixture` in for scikit-learn's `BayesianGaussianMixture`: a notebook-style script.

Run it as it is, or cell by cell. It needs elbowroom with its extra: elbowroom[sklearn].
"""

# %% [markdown]
# The data are Old Faithful's 272 eruptions: how long each lasted, and the wait before the next, in minutes.

# %%
from pathlib import Path

import numpy as np
from sklearn.mixture import BayesianGaussianMixture
from sklearn.model_selection import GridSearchCV, train_test_split

data = Path(__file__).parent.parent / "experiments" / "datasets" / "faithful.csv"
eruptions = np.loadtxt(data, delimiter=",", skiprows=1)
train, test = train_test_split(eruptions, random_state=0)
settings = {"n_components": 6, "n_init": 10, "max_iter": 5000, "random_state": 0}

# %% [markdown]
# What one has:

# %%
theirs = BayesianGaussianMixture(**settings).fit(train)
print("weights     ", theirs.weights_.round(3))
print(
    "lower_bound_", round(theirs.lower_bound_, 3), " (constants dropped: good for comparing its own starts)"
)

# %% [markdown]
# The swap, in three lines:

# %%
from hand_cavi.estimators import BayesianMixture  # noqa: E402

ours = BayesianMixture(**settings).fit(train)
print("weights     ", ours.weights_.round(3))

# %% [markdown]
# What changes: `lower_bound_` is a bound on the log evidence, in nats, and may be compared between models.

# %%
print("lower_bound_", round(ours.lower_bound_, 3), " <= log p(data | model)")
for name, value in vars(ours.result_.elbo_terms).items():
    print(f"    {name:16s} {value:10.3f}")
low, high = ours.result_.share_at_best_interval()
print(f"{ours.result_.starts_at_best} of {ours.n_init} starts reached it (95 %: {low:.2f} to {high:.2f})")

# %% [markdown]
# `score` is the mean log density of the posterior predictive, so a search over K compares real densities.

# %%
search = GridSearchCV(
    BayesianMixture(n_init=3, max_iter=5000, random_state=0), {"n_components": [1, 2, 3, 4]}
)
search.fit(train)
for k, score in zip(
    search.cv_results_["param_n_components"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"K = {k}: held-out log density {score:.4f} a point")
print(f"chosen K = {search.best_params_['n_components']}, on the test set {search.score(test):.4f}")
