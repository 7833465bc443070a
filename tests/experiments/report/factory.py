"""A made-up study for the report's tests: two problems, four methods, one failure, one missing reference.

The first problem has every measurement that there is, the second only those of an old study.

CAVI is fitted; what the others "found" is drawn around it, so that no test of the report waits for PyMC.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from experiments.records import (
    Cell,
    CellRecord,
    Comparison,
    Estimate,
    Measurement,
    Problem,
    ProblemRecord,
    Reference,
    StudyRecord,
    Threshold,
    Told,
    Verdict,
)
from hand_cavi import Fit, FixedWeights, Mixture, NormalKnownVariance, fit

EIGHT = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
LOG_EVIDENCE = -17.990121876653  # docs/mathematics.md, 11
NASTY = '<script>alert("x")</script> & | `ticks` *stars*'
N_DRAWS = 4000


def tree(mu: np.ndarray, chains: int = 4) -> xr.DataTree:
    """Return a DataTree of draws of shape (S, K, 1), in so many chains."""
    values = mu.reshape(chains, -1, *mu.shape[1:])
    data = xr.Dataset({"mu": (("chain", "draw", "component", "feature"), values)})
    return xr.DataTree.from_dict({"posterior": data})


def moments(mu: np.ndarray) -> dict[str, Measurement]:
    """Return the measurements that draws give."""
    ordered = np.sort(mu[..., 0], axis=1)
    mean, sd = ordered.mean(axis=0), ordered.std(axis=0)
    error = sd / np.sqrt(len(mu))
    measured = {}
    for kind in ("sorted", "component"):
        measured[f"{kind}_means"] = Measurement(mean.tolist(), error.tolist(), "data")
        measured[f"{kind}_sds"] = Measurement(sd.tolist(), (error / np.sqrt(2)).tolist(), "data")
    return measured


def verdict(difference: float, decision: str, n_components: int) -> Verdict:
    """Return a verdict whose first quantity differs by `difference` reference sds."""
    comparisons = tuple(
        Comparison(f"sorted mean {k + 1}", d, 0.02, d - 0.05, d + 0.05, decision if k == 0 else "pass")
        for k, d in enumerate([difference, *np.linspace(0.01, 0.04, n_components - 1)])
    )
    words = {
        "pass": "Its posterior means agree with the reference within 0.2 reference standard deviations.",
        "fail": f"Its first sorted mean is {abs(difference):.1f} reference standard deviations off.",
        "undecided": "The Monte-Carlo error is too large to tell whether it is within the margin.",
    }
    return Verdict(decision, words[decision], 0.2, comparisons)


def rising(last: float, seconds: float, n: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return a trace that approaches `last`."""
    times = np.linspace(seconds / n, seconds, n)
    bound = last - 60 * np.exp(-9 * np.arange(1, n + 1) / n) + noise * rng.standard_normal(n)
    bound[-1] = last
    return np.column_stack([times, bound, np.full(n, noise)])


def cell(folder: Path, problem: str, kind: str, mu: np.ndarray | None, **fields) -> CellRecord:
    """Return a record of one cell, its method called what it is, with its draws on disk."""
    key, path = f"{problem}-{kind}", None
    if mu is not None:
        path = folder / "draws" / f"{key}.nc"
        path.parent.mkdir(parents=True, exist_ok=True)
        tree(mu).to_netcdf(path, engine="h5netcdf")
        fields["measurements"] = moments(mu) | fields.get("measurements", {})
    fields = {"status": "ok", "message": "fine"} | fields
    return CellRecord(Cell(problem, "textbook", kind, 0, key, kind), draws=path, **fields)


def bounds(own: float | None, f: float, f_error: float, symmetrised: float, evidence: float | None):
    """Return the measurements of the ladder."""
    no_bound = "a sampler optimises no bound"
    gap = (
        Measurement(None, None, "nats", "no reference for log p(x)")
        if evidence is None
        else Measurement(evidence - symmetrised, f_error, "nats")
    )
    return {
        "own_bound": Measurement(own, None if own is None else 0.0, "nats", no_bound if own is None else ""),
        "collapsed_bound": Measurement(f, f_error, "nats"),
        "symmetrised_bound": Measurement(symmetrised, f_error, "nats"),
        "evidence_gap": gap,
        "mean_error": Measurement(
            None if evidence is None else [0.02, -0.31],
            None if evidence is None else [0.02, 0.022],
            "reference sd",
            "no reference" if evidence is None else "",
        ),
        "ess_per_second": Measurement(None, None, "", "independent draws: ESS is not defined"),
    }


def further(f: float, symmetrised: float, ratios: list[float], k_hats: list[float]) -> dict[str, Measurement]:
    """Return the measurements that old studies do not have."""
    source = "Vehtari et al. (2024)"
    return {
        "monotonicity": Measurement(-3e-16, 0.0, "relative", threshold=Threshold(-1e-10, "at least")),
        "share_at_best": Measurement(0.85, None, "share", interval=(0.64, 0.948)),
        "sd_ratio": Measurement(ratios, [0.008] * len(ratios), "ratio"),
        "k_hat": Measurement(
            k_hats, [0.05, 0.05], threshold=Threshold(0.7, "at most", source), entries=("p/q", "p/q_sym")
        ),
        "iwae": Measurement(f + 0.02, 0.001, "nats", "S = 100 draws"),
        "importance_evidence": Measurement(symmetrised + 0.0019, 0.0005, "nats"),
        "symmetry_gain": Measurement(symmetrised - f, 0.0001, "nats", "ln 2! = 0.6931"),
        "held_out": Measurement(-0.0012, 0.0007, "nats"),
        "predictive_distance": Measurement(0.004, 0.001, "", threshold=Threshold(0.009, "at most")),
        "co_clustering": Measurement([0.012, 0.003], [0.004, 0.001], "", entries=("largest", "mean")),
        "cost_to_accuracy": Measurement(0.004, None, "seconds"),
        "error_decomposition": Measurement(
            [0.0018, 0.0, 0.0, 0.0002],
            [0.0002, 0.0, 0.0, 0.0],
            "nats",
            entries=("family", "optimum", "convergence", "Monte Carlo"),
        ),
        "my_own": Measurement(0.5, 0.1, "apples"),
    }


def cells_of(folder: Path, name: str, fitted: Fit, evidence: float | None, rng: np.random.Generator):
    """Return the four cells of a problem and the draws that stand for the truth."""
    k = fitted.mixture.n_components
    mu = fitted.sample(rng, N_DRAWS)["mu"]
    mean, sd = mu.mean(axis=0), mu.std(axis=0)
    exact = mean + 1.06 * sd * rng.standard_normal(mu.shape)
    switched = np.stack([draw[rng.permutation(k)] for draw in exact])
    advi = mean + 0.1 * sd + 0.9 * sd * rng.standard_normal(mu.shape)
    room = float(np.sum(np.log(np.arange(1, k + 1))))
    judged = evidence is not None
    elbo = fitted.elbo
    sampler = {
        name: Measurement(None, None, "nats", "a sampler has no q to bound with")
        for name in ("own_bound", "collapsed_bound", "symmetrised_bound", "evidence_gap")
    }
    sampler["ess_per_second"] = Measurement(1840.0, 61.0, "1/s")
    steps = np.arange(1, len(fitted.elbo_trace) + 1)
    cavi = cell(
        folder,
        name,
        "cavi",
        mu,
        outcome="converged",
        seconds_compile=0.0,
        seconds_run=0.0123,
        bound=elbo,
        bound_se=0.0,
        told=Told(family="mean field", bound_of="theta and assignments", smallest_gain=-3e-16),
        info={"sweeps": int(steps[-1])},
        trace=np.column_stack([steps * 0.0004, fitted.elbo_trace, 0 * steps]),
        measurements=bounds(elbo, elbo + 0.0317, 2.1e-4, elbo + 0.0317 + room * 0.9995, evidence)
        | (further(elbo + 0.0317, elbo + 0.0317 + room * 0.9995, [0.93, 0.92], [0.2, 0.3]) if judged else {}),
        verdict=verdict(0.03, "pass", k) if judged else Verdict("none", "No reference, no verdict.", 0.2),
    )
    advi_cell = cell(
        folder,
        name,
        "advi",
        advi,
        outcome="max_steps",
        seconds_compile=6.4,
        seconds_run=1.93,
        bound=elbo + 0.021,
        bound_se=0.0034,
        told=Told(family="mean field", bound_of="theta", cache_warm=False),
        info={"backend": "numba"},
        trace=rising(elbo + 0.021, 1.93, 400, 0.25, rng),
        measurements=bounds(elbo + 0.021, elbo + 0.021, 0.0034, elbo + 0.021 + room * 0.998, evidence)
        | (further(elbo + 0.021, elbo + 0.021 + room * 0.998, [0.85, 1.1], [0.6, 0.81]) if judged else {}),
        verdict=verdict(0.31, "fail", k) if judged else Verdict("none", "No reference, no verdict.", 0.2),
    )
    failed = cell(
        folder,
        name,
        "fullrank_advi",
        None,
        status="timed_out",
        message=f"stopped after 60 s, while compiling {NASTY}",
        told=Told(cache_warm=False),
    )
    nuts = cell(
        folder,
        name,
        "nuts",
        switched,
        outcome="sampled",
        seconds_compile=12.7,
        seconds_run=1.64,
        told=Told(sampler="nutpie", cache_warm=True),
        measurements=sampler,
        verdict=verdict(0.16, "undecided", k)
        if judged
        else Verdict("none", "No reference, no verdict.", 0.2),
    )
    return (cavi, advi_cell, failed, nuts), switched


def study(folder: Path) -> StudyRecord:
    """Return the study; its draws are written into the folder."""
    rng = np.random.default_rng(3)
    small = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2)
    cells, exact = cells_of(folder, "eight points", fit(small, EIGHT, rng=1), LOG_EVIDENCE, rng)
    eight = ProblemRecord(
        "eight points",
        "textbook",
        0,
        f"Eight points in two groups, small enough for exact answers {NASTY}.",
        "Normal mixture with known noise: mu_k ~ N(0, 25), c_i ~ Cat(1/2), x_i | c_i ~ N(mu_{c_i}, 1).",
        "",
        Problem(small, EIGHT[:, np.newaxis]),
        Reference(
            "enumeration",
            True,
            "All 256 assignments were summed, so the reference is exact.",
            tree(exact, chains=1),
            Estimate(LOG_EVIDENCE, 0.0, "enumeration"),
            {"assignments": 256},
            (
                Estimate(LOG_EVIDENCE + 0.0004, 0.0005, "bridge", {"r_hat": 1.002, "draws": 4000}),
                Estimate(LOG_EVIDENCE - 0.02, 0.004, "importance", {"k_hat": 0.91, "k_hat_limit": 0.7}),
            ),
        ),
        cells,
    )
    five = Mixture(NormalKnownVariance(0.0, 100.0), FixedWeights(), 5)
    centres = np.array([-12.0, -5.5, -1.0, 3.5, 11.0])
    x = centres[rng.integers(0, 5, 500)] + rng.standard_normal(500)
    cells, chains = cells_of(folder, "five clusters", fit(five, x, rng=1, starts=5), None, rng)
    clusters = ProblemRecord(
        "five clusters",
        "textbook",
        0,
        "Simulated: 500 points from five normal clusters with standard deviation 1.",
        "Normal mixture with known noise: mu_k ~ N(0, 100), c_i ~ Cat(1/5), x_i | c_i ~ N(mu_{c_i}, 1).",
        "1000 km/s",
        Problem(five, x[:, np.newaxis]),
        Reference(
            "none",
            False,
            "NUTS did not qualify: R-hat is 1.04, above 1.01.",
            tree(chains),
            quality={"rhat": 1.04},
        ),
        cells,
    )
    return StudyRecord(
        "a made-up study",
        folder,
        Verdict(
            "undecided",
            "CAVI's posterior means agree with the exact answer on the one problem that has one; on the "
            "other there is no reference to judge by.",
            0.2,
        ),
        (eight, clusters),
        f'name = "a made-up study"\nseed = 20240607\n# {NASTY}\n# ``` a fence\n',
        20240607,
        {"python": "3.13.1", "numpy": "2.5.0", "pymc": "6.4.0"},
        {"processor": "a made-up processor", "cores": "2", "memory": "8 GB"},
    )
