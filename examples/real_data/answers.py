"""One answer a data set: ours beside others', how far apart they may be, and why they differ."""

import numpy as np

from examples.real_data import likelihood
from examples.real_data.cases import (
    HERE,
    Answer,
    best,
    chosen,
    columns,
    labels,
    misplaced,
    normal_gamma,
    normal_wishart,
    ordered,
    shipped,
)
from hand_cavi import DirichletCategorical, DirichletWeights, Fit, GammaPoisson, Mixture, NormalWishart, fit

MCLUST = "R mclust 6.0.0"
R_DATA = "as distributed with R's mclust"
PRIOR = "a posterior mean under a weak prior, and a maximum of the likelihood"
COUNTS = {
    "death notices": (
        [162, 267, 271, 185, 111, 61, 27, 8, 3, 1],
        "days with 0, 1, ... notices of women over 80, The Times, 1910-12 (Hasselblad 1969); 1096 days",
    ),
    "lamb movements": (
        [182, 41, 12, 2, 2, 0, 0, 1],
        "movements of a fetal lamb in 240 intervals (Leroux & Puterman 1992)",
    ),
    "horse kicks": (
        [109, 65, 22, 3, 1],
        "deaths by horse kick in 200 corps-years of the Prussian army (Bortkiewicz 1898); 122 deaths",
    ),
    "flying bombs": (
        [229, 211, 93, 35, 7, 0, 0, 1],
        "hits in 576 squares of London (Clarke 1946), 537 in all",
    ),
}
"""Frequencies of 0, 1, 2, ..., and where they are from."""

ROLES = np.array([42, 23, 6, 25, 6, 24, 7, 38, 1, 4, 1, 6, 2, 9, 2, 20.0])
"""Answers to four questions on role conflict, (1, 1, 1, 1), (1, 1, 1, 2), ... (Stouffer & Toby 1951)."""


def poissons(name: str, n_components: int) -> Fit:
    """Fit Poisson components with rates Gamma(1, 1) a priori to counts, by their distinct values."""
    n = np.array(COUNTS[name][0], dtype=float)
    return best(GammaPoisson(1.0, 1.0), np.arange(len(n))[:, np.newaxis], n_components, sample_weight=n)


def two_poissons(name: str, others: str, theirs: np.ndarray, sds: np.ndarray, why: str) -> Answer:
    """Compare weight of the first, and both rates, with published ones that likelihood gives anew."""
    found = poissons(name, 2)
    rate = (found.components.shape / found.components.rate).ravel()
    first = int(np.argmin(rate))
    ours = np.array([found.counts[first] / found.counts.sum(), *np.sort(rate)])
    what = "weight, rates"
    return Answer(name, COUNTS[name][1], others, {what: theirs}, {what: ours}, {what: sds}, why)


def one_poisson(name: str) -> Answer:
    """Ask for the number of components where one Poisson is the textbook's answer."""
    found = 1 if poissons(name, 1).elbo > poissons(name, 2).elbo + np.log(2) else 2
    mean = float((poissons(name, 1).components.shape / poissons(name, 1).components.rate).ravel()[0])
    n = np.array(COUNTS[name][0])
    return Answer(
        name, COUNTS[name][1], "one Poisson, its mean the data's",
        {"K": 1, "rate": float(n @ np.arange(len(n)) / n.sum())}, {"K": found, "rate": mean},
        {"K": 0, "rate": 1 / n.sum()}, "the prior is worth one point",
    )  # fmt: skip


def galaxies(version: float) -> Answer:
    """Compare the means of three normals, with the 78th value as published or as in R's MASS."""
    x = shipped("galaxies") / 1000
    x[np.isclose(x, 26.96)] = version
    theirs, _ = likelihood.normals(x, 3)
    return Answer(
        f"galaxies, 78th value {1000 * version:.0f}", "82 velocities (Postman et al. 1986; Roeder 1990)",
        "EM of scikit-learn, K = 3", {"means": theirs[:, 0]}, {"means": ordered(normal_gamma(x, 3))[0][:, 0]},
        {"means": 0.1}, f"{PRIOR}: the smallest cluster has 3 galaxies",
    )  # fmt: skip


def faithful() -> Answer:
    """Compare both means and the smaller share."""
    found, weights = ordered(normal_wishart(shipped("faithful"), 2))
    return Answer(
        "faithful", "272 eruptions (Azzalini & Bowman 1990)", f"{MCLUST}, VVV, G = 2",
        {"means": np.array([2.0365, 54.48, 4.2898, 79.97]), "share": 0.356},
        {"means": found.ravel(), "share": float(weights[0])}, {"means": 0.01, "share": 0.001}, "",
    )  # fmt: skip


def acidity() -> Answer:
    """Compare the number of components, and the means."""
    x = np.array([[float(word)] for word in (HERE / "acidity.csv").read_text("utf-8").split()[1:]])
    theirs, _ = likelihood.normals(x, 2)
    return Answer(
        "acidity", f"155 log acidity indices (Crawford et al. 1992), {R_DATA}",
        f"{MCLUST}: best G = 2; EM of scikit-learn", {"K": 2, "means": theirs[:, 0]},
        {"K": chosen(normal_gamma, x, 3), "means": ordered(normal_gamma(x, 2))[0][:, 0]},
        {"K": 0, "means": 0.02}, PRIOR,
    )  # fmt: skip


def diabetes() -> Answer:
    """Compare the means of three normals, in shares of their size."""
    x, _ = columns(HERE / "diabetes.csv")
    theirs = np.array([90.96, 357.8, 163.7, 104.5, 494.8, 309.6, 229.4, 1098, 81.6])
    ours = ordered(normal_wishart(x, 3))[0].ravel()
    return Answer(
        "diabetes", f"145 patients (Reaven & Miller 1979), {R_DATA}", f"{MCLUST}, VVV, G = 3",
        {"means": theirs}, {"means": ours}, {"means": 0.01 * theirs}, PRIOR,
    )  # fmt: skip


def banknote() -> Answer:
    """Count notes on the wrong side: at the optimum near the truth, and at the highest bound."""
    x, kind = columns(HERE / "banknote.csv")
    prior = NormalWishart(x.mean(axis=0), 0.01, 8.0, np.cov(x.T) / 9)
    mixture = Mixture(prior, DirichletWeights(1.0), 2)
    near = fit(mixture, x, rng=1, starts=(kind[:, np.newaxis] == np.unique(kind)).astype(float))
    highest = fit(mixture, x, rng=1, starts=10)
    what, above = "notes on the wrong side", highest.elbo - near.elbo
    return Answer(
        "banknote", f"200 Swiss notes (Flury & Riedwyl 1988), {R_DATA}", f"{MCLUST}, VVV, G = 2", {what: 1},
        {what: misplaced(labels(near, x), kind)}, {what: 0},
        f"from the true classes; the highest bound, {above:.0f} nats above, is another optimum, with "
        f"{misplaced(labels(highest, x), kind)} notes on the wrong side",
    )  # fmt: skip


def thyroid() -> Answer:
    """Count patients in another cluster than their diagnosis, with independent features."""
    x, kind = columns(HERE / "thyroid.csv")
    what = "differ from the diagnosis"
    return Answer(
        "thyroid", f"215 patients (Coomans et al. 1983), {R_DATA}", f"{MCLUST}, VVI, G = 3", {what: 8},
        {what: misplaced(labels(normal_gamma(x, 3), x), kind)}, {what: 3}, f"{PRIOR}; borderline patients",
    )  # fmt: skip


def iris() -> Answer:
    """Compare the number of components; two leave one species apart."""
    from sklearn.datasets import load_iris

    x, species = load_iris(return_X_y=True)
    found = labels(normal_wishart(x, 2), x)
    what = "setosa misplaced"
    return Answer(
        "iris", "150 flowers (Fisher 1936), from scikit-learn", f"{MCLUST}: best G = 2", {"K": 2, what: 0},
        {"K": chosen(normal_wishart, x, 3), what: misplaced(found, species == 0)}, {"K": 0, what: 0}, "",
    )  # fmt: skip


def wine() -> Answer:
    """Count wines in another cluster than their cultivar, with independent features."""
    from sklearn.datasets import load_wine
    from sklearn.mixture import GaussianMixture

    x, kind = load_wine(return_X_y=True)
    em = GaussianMixture(3, covariance_type="diag", n_init=10, random_state=0).fit(x)
    what = "wines misplaced, of 178"
    return Answer(
        "wine", "178 wines of 3 cultivars (Forina et al. 1988), from scikit-learn",
        "EM of scikit-learn, diag, K = 3", {what: misplaced(em.predict(x), kind)},
        {what: misplaced(labels(normal_gamma(x, 3), x), kind)}, {what: 5}, f"{PRIOR}; borderline wines",
    )  # fmt: skip


def roles() -> Answer:
    """Compare the larger class's share, and how likely its members are to give the first answer."""
    patterns = 1.0 - np.array(list(np.ndindex(2, 2, 2, 2)))
    _, weight, chance = likelihood.classes(patterns, ROLES, 2)
    ones = DirichletCategorical(np.ones((4, 2)))
    found = best(ones, 1 - patterns, 2, sample_weight=ROLES)
    k = int(np.argmax(found.counts))
    concentration = found.components.concentration[k]
    ours = np.array([found.counts[k] / ROLES.sum(), *(concentration[:, 0] / concentration.sum(axis=1))])
    what = "share, chances"
    return Answer(
        "role conflict", "216 answers to four questions (Stouffer & Toby 1951)",
        "two latent classes by maximum likelihood (Goodman 1974: G2 = 2.72)",
        {what: np.array([weight[1], *chance[1]])}, {what: ours}, {what: 0.05}, PRIOR,
    )  # fmt: skip


def all_answers() -> list[Answer]:
    """Return the answers on all data sets.

    Two Poissons may be off by one sd of the exact posterior, from 20,000 sweeps of a Gibbs sampler.
    """
    death = "two Poissons by maximum likelihood (Hasselblad 1969)"
    lamb = "two Poissons by maximum likelihood (computed here)"
    pulled = "components overlap, so that the posterior is wide, and its mean is pulled by the prior"
    _, weight, rate = likelihood.poissons(COUNTS["lamb movements"][0], 2)
    of_lambs, sds_of_lambs = np.array([weight[0], *rate]), np.array([0.098, 0.067, 0.672])
    of_notices, sds_of_notices = np.array([0.360, 1.256, 2.663]), np.array([0.158, 0.335, 0.225])
    return [
        two_poissons("death notices", death, of_notices, sds_of_notices, pulled),
        two_poissons("lamb movements", lamb, of_lambs, sds_of_lambs, f"{pulled}; few intervals are busy"),
        *(one_poisson(name) for name in ("horse kicks", "flying bombs")),
        *(galaxies(version) for version in (26.960, 26.690)),
        *(one() for one in (faithful, acidity, diabetes, banknote, thyroid, iris, wine, roles)),
    ]
